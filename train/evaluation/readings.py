"""A served network's logits and the features just before them, in one pass of LiteRT."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.classifier import MAX_BATCH, ModelFiles, run_network
from fer_core.errors import ModelError
from fer_core.preprocessing import normalize_faces

_CHECKED = 2048
_TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True)
class Readings:
    """What a network makes of N faces.

    Attributes:
        logits: float32 ``(N, K + A)``, the mean over the members.
        features: float32 ``(N, D)``, the inputs of the last layers, the members' side by side.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]


def read_features_of(
    files: ModelFiles, faces_gray: NDArray[np.uint8], *, num_threads: int = 1
) -> Readings:
    """Run a network over faces, with a progress bar.

    Args:
        files: The model.
        faces_gray: uint8 ``(N, H, W)``, N at least 1.
        num_threads: Threads that the network may use.

    Raises:
        ModelError: The network has no features from which its logits follow by one linear layer.
    """
    with warnings.catch_warnings():
        # LiteRT warns that intermediate values take memory; they are what is wanted here.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = Interpreter(
            model_content=files.tflite,
            num_threads=num_threads,
            experimental_preserve_all_tensors=True,
        )
    interpreter.allocate_tensors()
    inner = _features_indices(interpreter, files)
    logits, features = [], []
    # In the classifier's batches, so that the logits are its own to the last bit.
    for start in tqdm(range(0, len(faces_gray), MAX_BATCH), unit="batch", disable=None):
        batch = normalize_faces(faces_gray[start : start + MAX_BATCH])
        logits.append(run_network(interpreter, batch).mean(axis=1))
        features.append(np.hstack([interpreter.get_tensor(index) for index in inner]))
    readings = Readings(np.concatenate(logits), np.concatenate(features))
    _check_linear(readings, files.name)
    return readings


def _features_indices(interpreter: Interpreter, files: ModelFiles) -> list[int]:
    """Return for each member the last value of the shape ``(N, D)`` before its logits."""
    output = interpreter.get_output_details()[0]
    members, width = output["shape"][1:].tolist()
    flat = [
        tensor
        for tensor in interpreter.get_tensor_details()
        # Weights have no place for the batch, which is -1 here.
        if len(tensor["shape_signature"]) == 2
        and tensor["shape_signature"][0] == -1
        and tensor["dtype"] == np.float32
        and tensor["index"] < output["index"]
    ]
    flat.sort(key=lambda tensor: tensor["index"])
    # A member's values end with all its logits, before which come those of either head, if it has
    # two, and before those the features.
    back = 3 if files.answers else 1
    found = []
    for _ in range(members):
        ends = [place for place, tensor in enumerate(flat) if tensor["shape"][1] == width]
        if not ends or ends[0] < back:
            raise ModelError(f"The network of the model '{files.name}' shows no features.")
        found.append(int(flat[ends[0] - back]["index"]))
        flat = flat[ends[0] + 1 :]
    return found


def _check_linear(readings: Readings, name: str) -> None:
    features = readings.features[:_CHECKED].astype(np.float64)
    wanted = readings.logits[:_CHECKED].astype(np.float64)
    design = np.column_stack([features, np.ones(len(features))])
    solution = np.linalg.lstsq(design, wanted, rcond=None)[0]
    if not np.abs(design @ solution - wanted).max() <= _TOLERANCE * max(1, np.abs(wanted).max()):
        raise ModelError(
            f"The features of the model '{name}' are not those that its answers follow from."
        )
