"""The trained network as it is served: LiteRT on a model's files, without TensorFlow.

A model is a folder, in a checkout ``assets/models/<name>/``, with

* ``model.tflite`` and ``model.keras``, the same network for serving and for explanation,
* ``labels.json``, the emotions in the order of its outputs,
* ``config.json``, the training configuration, the temperature of its probabilities and the
  checksum of ``model.tflite``,
* ``metrics.json`` and ``training.csv``, what was measured.

An installed package carries ``model.tflite``, ``labels.json`` and ``config.json`` alone, which are
what serving reads.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from fer_core.errors import ModelError
from fer_core.labels import CLASS_SETS
from fer_core.preprocessing import INPUT_SIZE, normalize_faces
from fer_core.tta import ONE_VIEW, VIEW_COUNTS, views_of


def _models_dir() -> Path:
    """Return the folder of the models: the package's own if installed, else the checkout's."""
    package = Path(__file__).resolve().parent
    packed = package / "models"
    return packed if packed.is_dir() else package.parent / "assets" / "models"


MODELS_DIR = _models_dir()
TFLITE_FILE, LABELS_FILE, CONFIG_FILE = "model.tflite", "labels.json", "config.json"
METRICS_FILE = "metrics.json"
# Larger batches are not faster on a CPU and take more memory.
_MAX_BATCH = 32


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's folder, read and checked.

    Attributes:
        name: Name of the folder.
        labels: Emotions in the order of the outputs.
        temperature: What the logits are divided by (Guo et al., 2017, "On Calibration of Modern
            Neural Networks").
        tflite: Content of ``model.tflite``.
    """

    name: str
    labels: tuple[str, ...]
    temperature: float
    tflite: bytes


def read_model_files(folder: Path) -> ModelFiles:
    """Reads a model's folder and checks that its files belong together.

    Raises:
        ModelError: A file is missing or damaged, or the labels are not those of a class set in
            its order; a folder with the name of a class set must hold that set's.
    """
    labels = read_model_json(folder, LABELS_FILE)
    config = read_model_json(folder, CONFIG_FILE)
    tflite = _read_file(folder, TFLITE_FILE)
    try:
        temperature, checksum = float(config["temperature"]), config["sha256"][TFLITE_FILE]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The model '{folder.name}' is damaged: {CONFIG_FILE} has no valid temperature or "
            "checksum."
        ) from error
    if hashlib.sha256(tflite).hexdigest() != checksum:
        raise ModelError(
            f"The model '{folder.name}' is damaged: the checksum of {TFLITE_FILE} is wrong."
        )
    named = CLASS_SETS.get(folder.name)
    if labels not in [list(known.labels) for known in ([named] if named else CLASS_SETS.values())]:
        raise ModelError(
            f"The labels of the model '{folder.name}' do not match: {labels} is not the order "
            f"of {'this' if named else 'any'} class set."
        )
    if not (math.isfinite(temperature) and temperature > 0):
        raise ModelError(f"The model '{folder.name}' is damaged: its temperature is {temperature}.")
    return ModelFiles(folder.name, tuple(labels), temperature, tflite)


def _read_file(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"The model '{folder.name}' is incomplete: {name} is missing.") from None
    except OSError as error:
        raise ModelError(
            f"The model '{folder.name}' cannot be read: {name}: {error.strerror}."
        ) from error


def read_model_json(folder: Path, name: str) -> Any:
    """Returns the content of one of the JSON files in a model's folder.

    Raises:
        ModelError: The file is missing or is not valid JSON.
    """
    try:
        return json.loads(_read_file(folder, name))
    except ValueError as error:
        raise ModelError(
            f"The model '{folder.name}' is damaged: {name} is not valid JSON."
        ) from error


class EmotionClassifier:
    """Reads emotions from faces; safe to share between threads."""

    def __init__(self, files: ModelFiles, *, num_threads: int = 1) -> None:
        """Prepares a model for serving.

        Args:
            files: The model.
            num_threads: Threads that one prediction may use.

        Raises:
            ModelError: The network cannot be loaded, or does not fit its labels.
        """
        self._files = files
        self._num_threads = num_threads
        # An interpreter serves one thread at a time, so each call borrows one of a few. The last
        # one returned goes out first: others are only made for calls at the same time.
        self._idle: queue.LifoQueue[Interpreter | None] = queue.LifoQueue()
        for _ in range(max(1, os.cpu_count() or 1) - 1):
            self._idle.put(None)
        first = self._new_interpreter()
        outputs = first.get_output_details()[0]["shape"][-1]
        if outputs != len(files.labels):
            raise ModelError(
                f"The labels of the model '{files.name}' do not match: its network has "
                f"{outputs} outputs for {len(files.labels)} labels."
            )
        self._idle.put(first)

    @classmethod
    def load(
        cls, name: str, *, models_dir: Path = MODELS_DIR, num_threads: int = 1
    ) -> EmotionClassifier:
        """Loads a shipped model.

        Args:
            name: Name of the model's folder, such as "fer7" or "fer6".
            models_dir: Folder of the models.
            num_threads: Threads that one prediction may use.

        Raises:
            ModelError: There is no such model, or its files are damaged or do not match.
        """
        folder = models_dir / name
        if not folder.is_dir():
            raise ModelError(f"There is no model '{name}' in {models_dir}.")
        return cls(read_model_files(folder), num_threads=num_threads)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._files.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The K emotions in the order of the probabilities."""
        return self._files.labels

    @property
    def temperature(self) -> float:
        """What the logits are divided by before the softmax."""
        return self._files.temperature

    def predict(
        self,
        faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
        views: str = ONE_VIEW,
        *,
        temperature: float | None = None,
    ) -> NDArray[np.float32]:
        """Reads faces.

        Args:
            faces_gray: uint8 ``(N, H, W)`` in FER-2013's frame, or N such faces of any sizes.
            views: How many views of each face are read, of ``fer_core.tta.VIEW_COUNTS``.
            temperature: What the logits are divided by; None for the model's own.

        Returns:
            float32 ``(N, K)`` calibrated probabilities, the mean over the views; rows sum to 1.

        Raises:
            ValueError: A face is not a non-empty grey uint8 picture.
        """
        seen = [view for face in faces_gray for view in views_of(face, views)]
        probabilities = softmax(self.logits(seen) / (temperature or self.temperature))
        by_face = probabilities.reshape(len(faces_gray), VIEW_COUNTS[views], len(self.labels))
        return np.asarray(by_face.mean(axis=1), np.float32)

    def logits(
        self, faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
    ) -> NDArray[np.float32]:
        """Returns the network's raw outputs, float32 ``(N, K)``; arguments as ``predict``."""
        inputs = normalize_faces(faces_gray)
        outputs = np.empty((len(inputs), len(self.labels)), np.float32)
        with self._interpreter() as interpreter:
            for start in range(0, len(inputs), _MAX_BATCH):
                batch = slice(start, start + _MAX_BATCH)
                outputs[batch] = _run(interpreter, inputs[batch])
        return outputs

    @contextmanager
    def _interpreter(self) -> Iterator[Interpreter]:
        interpreter = self._idle.get()
        try:
            interpreter = interpreter or self._new_interpreter()
            yield interpreter
        finally:
            self._idle.put(interpreter)

    def _new_interpreter(self) -> Interpreter:
        try:
            interpreter = Interpreter(
                model_content=self._files.tflite, num_threads=self._num_threads
            )
            interpreter.allocate_tensors()
            shape: Any = interpreter.get_input_details()[0]["shape"]
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split()).rstrip(".")  # it can have several lines
            raise ModelError(f"The model '{self.name}' cannot be loaded: {reason}.") from error
        if list(shape[1:]) != [INPUT_SIZE, INPUT_SIZE, 1]:
            raise ModelError(f"The model '{self.name}' wants an input of {list(shape)}.")
        return interpreter


def _run(interpreter: Interpreter, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    details = interpreter.get_input_details()[0]
    if details["shape"][0] != len(batch):
        interpreter.resize_tensor_input(details["index"], batch.shape)
        interpreter.allocate_tensors()
    interpreter.set_tensor(details["index"], batch)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns the softmax over the last axis, float32, in the shape of ``logits``."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float64)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)
