"""How readings were made, as far as a report says it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fer_core.classifier import TFLITE_FILE, EmotionClassifier
from fer_core.detection import detector_file
from fer_core.labels import check_threshold
from fer_core.protocols import FaceReader


@dataclass(frozen=True, slots=True)
class Making:
    """How readings were made.

    Attributes:
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        reading: What probabilities are, one of ``fer_core.readings.READINGS``; None where that is
            not known.
        model: Name of the model.
        labels: The K emotions that it tells apart.
        detector: Name of the detector.
        checksums: SHA-256 of the files of both, by their names.
        settings: What else was chosen, such as "Smoothing" and "0.4 s".
    """

    threshold: float
    reading: str | None
    model: str
    labels: tuple[str, ...]
    detector: str
    checksums: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)


def checksum_of(source: object) -> str | None:
    """Return the SHA-256 of a file that was read, in hexadecimal.

    Args:
        source: Its path or its content; what is neither, or can be read only once, has none.

    Raises:
        OSError: It cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return hashlib.sha256(source).hexdigest()
    if not isinstance(source, str | os.PathLike) or not Path(source).is_file():
        return None
    return _file_checksum(Path(source))


def _file_checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def making_of(
    reader: FaceReader,
    detector: str,
    threshold: float,
    settings: Mapping[str, str] | None = None,
) -> Making:
    """Return how a reader and a detector make readings.

    Args:
        reader: What reads the faces.
        detector: Name of what finds them, as a loaded detector is called.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        settings: What else was chosen.

    Raises:
        ValueError: ``threshold`` is not within 0 to 1.
    """
    checksums = {}
    reading, model = None, type(reader).__name__
    if isinstance(reader, EmotionClassifier):
        reading, model = reader.reading, reader.name
        checksums[f"{model}/{TFLITE_FILE}"] = reader.sha256
    file = detector_file(detector)
    if file is not None and file.is_file():
        checksums[file.name] = _file_checksum(file)
    return Making(
        check_threshold(threshold),
        reading,
        model,
        reader.labels,
        detector,
        checksums,
        dict(settings or {}),
    )
