"""What rounding a model's weights costs and saves: ``python -m benchmarks.rounding fer7 …``.

The networks of ``assets/models/NAME/model.keras`` are converted with weights of several precisions.
Each variant reads PublicTest, every picture with its mirror image, and is timed on one face, in
turn with the others and on one core. PrivateTest is not touched: what is served is chosen here.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from benchmarks.timing import REFERENCE, REFERENCE_NOTE, Timing, load_average, time_tasks
from fer_core.classifier import MODELS_DIR, EmotionClassifier, ModelFiles, read_model_files
from fer_core.errors import FerError
from fer_core.preprocessing import normalize_faces
from fer_core.readings import LABELS
from fer_core.tta import FLIP, views_of
from train.data.fer2013 import PUBLIC_TEST, TRAINING, FaceSet, load_fer2013
from train.data.ferplus import Votes, read_votes
from train.errors import TrainError
from train.evaluation import metrics
from train.evaluation.architecture import read_keras
from train.evaluation.evaluate import class_set_of
from train.evaluation.people import positions_in
from train.evaluation.tta import read_logits

if TYPE_CHECKING:
    import keras

CALIBRATION_PICTURES = 300
_WITHOUT_XNNPACK = "as served, without XNNPACK"


@dataclass(frozen=True, slots=True)
class Figures:
    """How a variant reads pictures.

    Attributes:
        accuracy: Share of the pictures whose most probable label is FER-2013's.
        ece: Expected calibration error of the labels' reading, at the served model's temperature.
        agreement: Share of the pictures on which the crowd decided whose most probable answer is
            the crowd's.
    """

    accuracy: float
    ece: float
    agreement: float


def main() -> int:
    """Print one table per model and return the exit status."""
    options = _parser().parse_args()
    # Only this backend writes .tflite files; Keras reads it before it is imported.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    cv2.setNumThreads(1)
    try:
        dataset, votes = load_fer2013(options.data), read_votes(options.votes)
        for name in options.names:
            _report(name, dataset, votes, options.pictures, options.rounds)
    except (FerError, TrainError) as error:
        print(error)
        return 2
    return 0


def _report(name: str, dataset: FaceSet, votes: Votes, pictures: int | None, rounds: int) -> None:
    files = read_model_files(MODELS_DIR / name)
    known = dataset.as_classes(class_set_of(EmotionClassifier(files)))
    test = known.split(PUBLIC_TEST)
    test = test.where(np.arange(len(test))[:pictures])
    variants = convert(read_keras(MODELS_DIR / name), known.split(TRAINING).faces_gray)
    print(f"\n{name}: {len(test)} pictures of {PUBLIC_TEST} with their mirror images")
    print(f"one face on one core, {rounds} rounds, load average {load_average()}; {REFERENCE_NOTE}")
    timings = time_variants(variants, files.tflite, test.faces_gray[0], rounds)
    print(
        f"  {'weights':<38}{'MB':>6}{'labels':>9}{'ECE':>7}{'crowd':>9}"
        f"{'CPU ms':>9}{'least':>7}{'x reference':>13}"
    )
    for variant, tflite in variants.items():
        figures = measure(replace(files, tflite=tflite), test, votes)
        read = (
            f"{len(tflite) / 1e6:6.1f}{figures.accuracy:9.2%}{figures.ece:7.3f}"
            f"{figures.agreement:9.2%}"
        )
        print(f"  {variant:<38}{read}{_timed(timings, variant)}", flush=True)
    for other in (_WITHOUT_XNNPACK, REFERENCE):
        print(f"  {other:<38}{'':31}{_timed(timings, other)}")


def _timed(timings: dict[str, Timing], name: str) -> str:
    timing, reference = timings[name], timings[REFERENCE]
    share = timing.cpu_ms / reference.cpu_ms
    return f"{timing.cpu_ms:9.2f}{timing.least_cpu_ms:7.2f}{share:13.2f}"


def convert(network: keras.Model, faces_gray: NDArray[np.uint8]) -> dict[str, bytes]:
    """Convert a network with each precision of its weights.

    Args:
        network: From normalised faces ``(N, 48, 48, 1)`` to logits; Keras runs on TensorFlow.
        faces_gray: uint8 ``(N, 48, 48)``, from which some are drawn that tell the ranges of the
            values between the layers.

    Returns:
        The content of a ``.tflite`` file by the name of the precision.
    """
    import tensorflow as tf

    drawn = np.random.default_rng(0).permutation(len(faces_gray))[:CALIBRATION_PICTURES]
    inputs = normalize_faces(faces_gray[drawn])

    def calibration() -> Iterable[list[NDArray[np.float32]]]:
        return ([face[np.newaxis]] for face in inputs)

    rounded = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    settings: dict[str, dict[str, Any]] = {
        "float32": {},
        "float16": {**rounded, "target_spec": {"supported_types": [tf.float16]}},
        # As train.training.export writes what is served.
        "int8, ranges of each input": rounded,
        f"int8 throughout, {len(drawn)} pictures' ranges": {
            **rounded,
            "representative_dataset": calibration,
            # Otherwise a layer without an int8 kernel would silently stay in float32.
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        },
    }
    variants = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "variant.tflite"
        for name, own in settings.items():
            network.export(str(path), format="litert", verbose=False, **own)
            variants[name] = path.read_bytes()
    return variants


def measure(files: ModelFiles, test: FaceSet, votes: Votes) -> Figures:
    """Measure a variant, read with mirror images as it would be served.

    Args:
        files: The model with the variant's network.
        test: Pictures, labelled in the model's classes.
        votes: FER+'s.
    """
    classifier = EmotionClassifier(files, reading=LABELS, num_threads=os.cpu_count() or 1)
    read = classifier.both_of(read_logits(classifier, test.faces_gray, FLIP))
    decisions = positions_in(classifier.answers, votes.of(test.ids))
    known = decisions >= 0
    return Figures(
        accuracy=float((read.labels.argmax(axis=1) == test.labels).mean()),
        ece=metrics.expected_calibration_error(read.labels, test.labels),
        agreement=float((read.votes.argmax(axis=1) == decisions)[known].mean()),
    )


def time_variants(
    variants: dict[str, bytes], served: bytes, face_gray: NDArray[np.uint8], rounds: int
) -> dict[str, Timing]:
    """Time one face with its mirror image in every variant and, without XNNPACK, as served."""
    views = normalize_faces(views_of(face_gray, FLIP))
    tasks = {name: _task(tflite, views) for name, tflite in variants.items()}
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    tasks[_WITHOUT_XNNPACK] = _task(served, views, plain)
    return time_tasks(tasks, rounds)


def _task(
    tflite: bytes, inputs: NDArray[np.float32], kernels: OpResolverType = OpResolverType.AUTO
) -> Callable[[], object]:
    interpreter = Interpreter(
        model_content=tflite, num_threads=1, experimental_op_resolver_type=kernels
    )
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, inputs)
    return interpreter.invoke


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rounding", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="a model, such as fer7")
    parser.add_argument("--data", type=Path, required=True, help="FER-2013, as `train` takes it")
    parser.add_argument("--votes", type=Path, required=True, help="FER+'s votes: ferplus.csv")
    parser.add_argument("--pictures", type=int, help="only the first ones; default: all")
    parser.add_argument("--rounds", type=int, default=60, help="default %(default)s")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
