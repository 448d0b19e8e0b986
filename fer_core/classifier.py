"""The trained network as it is served: LiteRT on a model's files, without TensorFlow.

A model is a folder, in a checkout ``assets/models/<name>/``, with

* ``model.tflite`` and ``model.keras``, the same networks for serving and for explanation: one
  graph from normalised faces ``(N, 48, 48, 1)`` to float32 logits ``(N, M, K + A)``, of M members,
  K labels and A answers of the crowd,
* ``labels.json``, the K emotions in the order of the outputs,
* ``config.json``, the crowd's answers, the temperature of each reading, what each member was
  trained with, and the checksum of ``model.tflite``,
* ``metrics.json`` and ``training.csv``, what was measured.

An installed package carries ``model.tflite``, ``labels.json`` and ``config.json`` alone, which are
what serving reads.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import queue
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from fer_core.budget import usable_cores
from fer_core.errors import ModelError
from fer_core.labels import CLASS_SETS
from fer_core.preprocessing import INPUT_SIZE, normalize_faces
from fer_core.readings import (
    DEFAULT_READING,
    LABELS,
    PEOPLE,
    BothReadings,
    check_reading,
    mix,
    softmax,
)
from fer_core.tta import FLIP, VIEW_COUNTS, views_of


def _models_dir() -> Path:
    """Return the folder of the models: the package's own if installed, else the checkout's."""
    package = Path(__file__).resolve().parent
    packed = package / "models"
    return packed if packed.is_dir() else package.parent / "assets" / "models"


MODELS_DIR = _models_dir()
TFLITE_FILE, LABELS_FILE, CONFIG_FILE = "model.tflite", "labels.json", "config.json"
METRICS_FILE = "metrics.json"
# Of the model's folder; another one is refused.
FORMAT = 2
# Larger batches are not faster on a CPU and take more memory.
MAX_BATCH = 32


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's folder, read and checked.

    Attributes:
        name: Name of the folder.
        labels: Emotions in the order of the outputs.
        answers: The crowd's answers in the order of the outputs after the labels'; empty for a
            network that did not learn from votes.
        temperatures: What the logits of each reading are divided by (Guo et al., 2017, "On
            Calibration of Modern Neural Networks").
        mixture: Weight of the people's answers in the people's reading, 0 to 1; the labels' have
            the rest.
        tflite: Content of ``model.tflite``.
    """

    name: str
    labels: tuple[str, ...]
    answers: tuple[str, ...]
    temperatures: Mapping[str, float]
    mixture: float
    tflite: bytes


def read_model_files(folder: Path) -> ModelFiles:
    """Read a model's folder and check that its files belong together.

    Raises:
        ModelError: A file is missing or damaged or of another format, or the labels are not those
            of a class set in its order; a folder with the name of a class set must hold that
            set's.
    """
    labels = read_model_json(folder, LABELS_FILE)
    config = read_model_json(folder, CONFIG_FILE)
    tflite = _read_file(folder, TFLITE_FILE)
    try:
        temperatures = {key: float(config["temperature"][key]) for key in (LABELS, PEOPLE)}
        checksum, mixture = config["sha256"][TFLITE_FILE], float(config["mixture"])
        answers, version = tuple(config["answers"]), config["format"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The model '{folder.name}' is damaged: {CONFIG_FILE} has no valid temperature or "
            "checksum."
        ) from error
    if version != FORMAT:
        raise ModelError(
            f"The model '{folder.name}' has the format {version}, not {FORMAT}; export it again."
        )
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
    if answers and not set(labels) <= set(answers):
        raise ModelError(f"The answers of the model '{folder.name}' lack some of its labels.")
    for temperature in temperatures.values():
        if not (math.isfinite(temperature) and temperature > 0):
            raise ModelError(
                f"The model '{folder.name}' is damaged: its temperature is {temperature}."
            )
    if not 0 <= mixture <= 1:
        raise ModelError(f"The model '{folder.name}' is damaged: its mixture is {mixture}.")
    return ModelFiles(folder.name, tuple(labels), answers, temperatures, mixture, tflite)


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
    """Return the content of one of the JSON files in a model's folder.

    Raises:
        ModelError: The file is missing or is not valid JSON.
    """
    try:
        return json.loads(_read_file(folder, name))
    except ValueError as error:
        raise ModelError(
            f"The model '{folder.name}' is damaged: {name} is not valid JSON."
        ) from error


def checked_name(name: str) -> str:
    """Return what a model is called.

    Raises:
        TypeError: It is no text.
    """
    given: object = name
    if not isinstance(given, str):
        raise TypeError(f"A model is called by its name, not by {type(given).__name__}.")
    return name


class EmotionClassifier:
    """Reads emotions from faces; safe to share between threads."""

    def __init__(
        self, files: ModelFiles, *, reading: str = DEFAULT_READING, num_threads: int = 1
    ) -> None:
        """Prepare a model for serving.

        Args:
            files: The model.
            reading: What ``predict`` returns: "people" for the share of people who would choose
                each emotion, "labels" for how probable it is as FER-2013's label.
            num_threads: Threads that one prediction may use.

        Raises:
            ModelError: The network cannot be loaded, does not fit its labels, or cannot give this
                reading.
            ValueError: There is no such reading.
        """
        self._files = files
        self._num_threads = num_threads
        self._reading = self._checked(reading)
        self._people = [files.answers.index(label) for label in files.labels if files.answers]
        # An interpreter serves one thread at a time, so each call borrows one of a few. The last
        # one returned goes out first: others are only made for calls at the same time.
        self._idle: queue.LifoQueue[Interpreter | None] = queue.LifoQueue()
        for _ in range(usable_cores() - 1):
            self._idle.put(None)
        first = self._new_interpreter()
        shape = first.get_output_details()[0]["shape"]
        if len(shape) != 3 or shape[-1] != self._width:
            raise ModelError(
                f"The labels of the model '{files.name}' do not match: its network has "
                f"{shape[-1]} outputs for {len(files.labels)} labels and {len(files.answers)} "
                "answers."
            )
        self._members = int(shape[1])
        self._idle.put(first)

    @classmethod
    def load(
        cls,
        name: str,
        *,
        reading: str = DEFAULT_READING,
        models_dir: Path = MODELS_DIR,
        num_threads: int = 1,
    ) -> EmotionClassifier:
        """Load a shipped model.

        Args:
            name: Name of the model's folder, such as "fer7" or "fer6".
            reading: "people" or "labels"; see the class' own arguments.
            models_dir: Folder of the models.
            num_threads: Threads that one prediction may use.

        Raises:
            TypeError: The name is no text.
            ModelError: There is no such model, its files are damaged or do not match, or it cannot
                give this reading.
            ValueError: There is no such reading.
        """
        folder = models_dir / checked_name(name)
        if not folder.is_dir():
            raise ModelError(f"There is no model '{name}' in {models_dir}.")
        return cls(read_model_files(folder), reading=reading, num_threads=num_threads)

    def with_reading(self, reading: str) -> EmotionClassifier:
        """Return the same model with another reading; both share what takes memory.

        Raises:
            ModelError: The model cannot give this reading.
            ValueError: There is no such reading.
        """
        other = copy.copy(self)
        other._reading = self._checked(reading)
        return other

    @property
    def files(self) -> ModelFiles:
        """The model's files, as they are served."""
        return self._files

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._files.name

    @property
    def sha256(self) -> str:
        """Checksum of the networks' file, in hexadecimal."""
        return hashlib.sha256(self._files.tflite).hexdigest()

    @property
    def labels(self) -> tuple[str, ...]:
        """The K emotions in the order of the probabilities."""
        return self._files.labels

    @property
    def answers(self) -> tuple[str, ...]:
        """The crowd's A answers in the order of ``BothReadings.votes``; empty without them."""
        return self._files.answers

    @property
    def reading(self) -> str:
        """What ``predict`` returns, "people" or "labels"."""
        return self._reading

    @property
    def members(self) -> int:
        """How many networks read each face."""
        return self._members

    @property
    def temperature(self) -> float:
        """What the logits of the reading are divided by before the softmax."""
        return self._files.temperatures[self._reading]

    @property
    def mixture(self) -> float:
        """Weight of the people's answers in the people's reading, 0 to 1."""
        return self._files.mixture

    def predict(
        self,
        faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
        views: str = FLIP,
    ) -> NDArray[np.float32]:
        """Read faces.

        Args:
            faces_gray: uint8 ``(N, H, W)`` in FER-2013's frame, or N such faces of any sizes.
            views: How many views of each face are read, of ``fer_core.tta.VIEW_COUNTS``.

        Returns:
            float32 ``(N, K)`` calibrated probabilities of the reading; rows sum to 1.

        Raises:
            TypeError: A face is no array.
            ValueError: A face is not a non-empty grey uint8 picture.
        """
        logits = self.logits(faces_gray, views)
        return self.labels_of(logits) if self._reading == LABELS else self._people_of(logits)

    def predict_both(
        self,
        faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
        views: str = FLIP,
    ) -> BothReadings:
        """Read faces once for both readings; arguments and errors as of ``predict``.

        Raises:
            ModelError: The network did not learn from votes.
        """
        self._checked(PEOPLE)
        return self.both_of(self.logits(faces_gray, views))

    def labels_of(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the labels' reading of N faces from the ``(N, K + A)`` that ``logits`` returns."""
        return softmax(logits[:, : len(self.labels)] / self._files.temperatures[LABELS])

    def both_of(self, logits: NDArray[np.floating], mixture: float | None = None) -> BothReadings:
        """Return both readings of N faces.

        Args:
            logits: ``(N, K + A)``, as ``logits`` returns them.
            mixture: Weight of the people's answers in the people's reading; by default the model's.
        """
        votes = softmax(logits[:, len(self.labels) :] / self._files.temperatures[PEOPLE])
        return BothReadings(self.labels_of(logits), self._people_of(logits, mixture), votes)

    def logits(
        self,
        faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
        views: str = FLIP,
    ) -> NDArray[np.float32]:
        """Return the networks' raw outputs, the mean over members and views.

        Arguments and errors as of ``predict``.

        Returns:
            float32 ``(N, K + A)``, of the labels and of the crowd's answers.
        """
        return np.asarray(self.member_logits(faces_gray, views).mean(axis=1), np.float32)

    def member_logits(
        self,
        faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
        views: str = FLIP,
    ) -> NDArray[np.float32]:
        """Return each network's raw outputs, the mean over the views.

        Arguments and errors as of ``predict``.

        Returns:
            float32 ``(N, M, K + A)``, by member.
        """
        given: object = faces_gray
        if not isinstance(given, np.ndarray | Sequence):
            raise TypeError(f"Faces must be an array or a list, not {type(given).__name__}.")
        seen = [view for face in faces_gray for view in views_of(face, views)]
        inputs = normalize_faces(seen)
        outputs = np.empty((len(inputs), self._members, self._width), np.float32)
        with self._interpreter() as interpreter:
            for start in range(0, len(inputs), MAX_BATCH):
                batch = slice(start, start + MAX_BATCH)
                outputs[batch] = run_network(interpreter, inputs[batch])
        by_view = outputs.reshape(len(faces_gray), VIEW_COUNTS[views], *outputs.shape[1:])
        return np.asarray(by_view.mean(axis=1), np.float32)

    def score_weights(self, position: int) -> NDArray[np.float32]:
        """Return how much each raw output counts for a class before the reading's softmax.

        Args:
            position: The class' position in ``labels``.

        Returns:
            float32 ``(K + A,)``.
        """
        weights = np.zeros(self._width, np.float32)
        people = self._files.mixture if self._reading == PEOPLE else 0.0
        weights[position] = (1 - people) / self._files.temperatures[LABELS]
        if people:
            answer = len(self.labels) + self._people[position]
            weights[answer] = people / self._files.temperatures[PEOPLE]
        return weights

    @property
    def _width(self) -> int:
        return len(self._files.labels) + len(self._files.answers)

    def _checked(self, reading: str) -> str:
        if check_reading(reading) == PEOPLE and not self._files.answers:
            raise ModelError(
                f"The model '{self.name}' did not learn from people's votes; it has only the "
                f"reading {LABELS!r}."
            )
        return reading

    def _people_of(
        self, logits: NDArray[np.floating], mixture: float | None = None
    ) -> NDArray[np.float32]:
        files, split = self._files, len(self.labels)
        weight = files.mixture if mixture is None else mixture
        people = logits[:, split:][:, self._people] / files.temperatures[PEOPLE]
        return mix(people, logits[:, :split] / files.temperatures[LABELS], weight)

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


def run_network(interpreter: Interpreter, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run a model's network once, whatever size of batch it ran before.

    Args:
        interpreter: Of ``model.tflite``; not used by another thread meanwhile.
        batch: ``(N, 48, 48, 1)``, as ``normalize_faces`` makes it.

    Returns:
        float32 ``(N, M, K + A)``, of every member.
    """
    details = interpreter.get_input_details()[0]
    if details["shape"][0] != len(batch):
        interpreter.resize_tensor_input(details["index"], batch.shape)
        interpreter.allocate_tensors()
    interpreter.set_tensor(details["index"], batch)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
