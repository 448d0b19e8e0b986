"""From a finished run to a model's folder, as ``fer_core.classifier`` serves it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np

from fer_core.classifier import (
    CONFIG_FILE,
    LABELS_FILE,
    TFLITE_FILE,
    EmotionClassifier,
    read_model_files,
)
from fer_core.preprocessing import INPUT_SIZE, normalize_faces
from train.errors import ExportError
from train.files import write_json
from train.training.config import TrainConfig, load_config
from train.training.fit import LOG_FILE, MODEL_FILE, RUN_CONFIG_FILE

_CHECKED_FACES = 40
# The served weights are rounded to float16, a relative 5e-4 each.
_TOLERANCE = 5e-3


def export_model(run_dir: Path, models_dir: Path, name: str | None = None) -> Path:
    """Exports a finished run; a model of the same name is replaced, with its metrics.

    Args:
        run_dir: The run's folder.
        models_dir: Folder of the models; made if missing.
        name: Name of the model, by default that of its classes.

    Returns:
        The model's folder. Its probabilities are not calibrated yet.

    Raises:
        ConfigError: The run's configuration cannot be read.
        ExportError: Keras runs on another backend than TensorFlow, the run is not finished or
            damaged, or the exported network answers otherwise than the trained one.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ExportError(
            f"Keras runs on {backend}, and only its TensorFlow backend writes .tflite files; "
            "set KERAS_BACKEND=tensorflow."
        )
    for file in (MODEL_FILE, LOG_FILE):
        if not (run_dir / file).is_file():
            raise ExportError(f"{run_dir} is no finished run: {file} is missing.")
    config = load_config(run_dir / RUN_CONFIG_FILE)
    network = _load_network(run_dir / MODEL_FILE, config)
    target = models_dir / (name or config.classes)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        _write_model(network, config, run_dir, part)
        _check_same_answers(network, part)
        _replace_folder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _load_network(path: Path, config: TrainConfig) -> keras.Model:
    try:
        network = keras.saving.load_model(path, compile=False)
    # Keras raises whatever its zip, JSON and HDF5 readers do.
    except Exception as error:
        raise ExportError(f"{path} cannot be read: {error}") from error
    shapes = tuple(network.input_shape), tuple(network.output_shape)
    wanted = (None, INPUT_SIZE, INPUT_SIZE, 1), (None, len(config.class_set))
    if shapes != wanted:
        raise ExportError(f"{path} goes from {shapes[0]} to {shapes[1]}, not as configured.")
    return network


def _write_model(network: keras.Model, config: TrainConfig, run_dir: Path, folder: Path) -> None:
    import tensorflow as tf

    # Weights in float16 halve the file; LiteRT computes in float32 all the same.
    network.export(
        str(folder / TFLITE_FILE),
        format="litert",
        verbose=False,
        optimizations=[tf.lite.Optimize.DEFAULT],
        target_spec={"supported_types": [tf.float16]},
    )
    for file in (MODEL_FILE, LOG_FILE):
        shutil.copyfile(run_dir / file, folder / file)
    labels = json.dumps(list(config.class_set.labels))
    (folder / LABELS_FILE).write_text(labels + "\n", encoding="utf-8")
    checksum = hashlib.sha256((folder / TFLITE_FILE).read_bytes()).hexdigest()
    write_json(
        folder / CONFIG_FILE,
        {
            "training": config.model_dump(mode="json"),
            "parameters": network.count_params(),
            "temperature": 1.0,
            "calibrated_on": None,
            "sha256": {TFLITE_FILE: checksum},
        },
    )


def _check_same_answers(network: keras.Model, folder: Path) -> None:
    """Compares the served network with the trained one on random faces.

    Raises:
        ExportError: Their logits differ.
    """
    shape = (_CHECKED_FACES, INPUT_SIZE, INPUT_SIZE)
    faces_gray = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    served = EmotionClassifier(read_model_files(folder)).logits(faces_gray)
    trained = keras.ops.convert_to_numpy(network(normalize_faces(faces_gray), training=False))
    difference = float(np.abs(served - trained).max())
    if not difference <= _TOLERANCE * max(1.0, float(np.abs(trained).max())):
        raise ExportError(f"The exported network's logits differ by {difference:g}.")


def _replace_folder(part: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    part.rename(target)
    shutil.rmtree(old, ignore_errors=True)
