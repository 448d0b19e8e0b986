"""Measuring a model on pictures of one's own, from a .zip that nobody vouches for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.alignment import align_face
from fer_core.classifier import EmotionClassifier
from fer_core.detection import FaceDetector
from fer_core.errors import UnreadableImage
from fer_core.images import read_image, to_gray
from fer_core.preprocessing import INPUT_SIZE, resize_face
from train.data.archives import LabelledFile, PictureArchive, Skipped
from train.errors import ArchiveError
from train.evaluation.records import Verdicts

__all__ = ["Measurement", "Skipped", "measure_custom_dataset"]

_BATCH = 16


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a model says of somebody's pictures.

    Attributes:
        verdicts: On the N pictures read, named by their paths in the archive; ``probabilities``
            and ``labels`` go into every function of ``train.evaluation.metrics`` and
            ``train.evaluation.curves``, if there is a picture at all.
        faces_gray: uint8 ``(N, 48, 48)``, the faces as the network sees them.
        skipped: Files left out, with reasons.
        said: By each further column of the archive's table what it says of the pictures, such as
            sex, age or light: str ``(N,)``, "" where it says nothing.
    """

    verdicts: Verdicts
    faces_gray: NDArray[np.uint8]
    skipped: tuple[Skipped, ...]
    said: dict[str, NDArray[np.str_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def empty_classes(self) -> tuple[str, ...]:
        """Emotions of which not one picture was read."""
        found = set(self.verdicts.words.tolist())
        return tuple(emotion for emotion in self.verdicts.emotions if emotion not in found)


def measure_custom_dataset(
    archive: Path | bytes,
    classifier: EmotionClassifier,
    *,
    detector: FaceDetector | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Measurement:
    """Read labelled pictures from a .zip.

    The archive has one folder an emotion (``happy/anna.jpg``, also below other folders), or one
    CSV table with the columns ``name`` and ``label`` beside its pictures, and any others to compare
    by. It is never unpacked to disk. A picture that cannot be read, or in which no face is found,
    is skipped with its reason.

    Args:
        archive: The .zip, or its content.
        classifier: The model.
        detector: For photos: the largest face found is measured. None for face crops in
            FER-2013's frame, which are read as they are.
        on_progress: Called with the number of pictures tried and of all, before each picture and
            at the end, and while a picture waits to be decoded; what it raises ends the
            measurement.

    Raises:
        ArchiveError: The archive is refused as a whole: no .zip, too large, encrypted, with a
            link, a nested archive or a path that leaves its folder, or without one labelled
            picture.
    """
    read_files: list[LabelledFile] = []
    rows = [np.empty((0, len(classifier.labels)), np.float32)]
    faces = [np.empty((0, INPUT_SIZE, INPUT_SIZE), np.uint8)]
    with PictureArchive(archive, classifier.labels) as pictures:
        skipped = list(pictures.skipped)

        def tell(done: int, *_: object) -> None:
            if on_progress is not None:
                on_progress(done, len(pictures.files))

        for start in range(0, len(pictures.files), _BATCH):
            batch = pictures.files[start : start + _BATCH]
            read = [
                _face(pictures, file, detector, partial(tell, start + place))
                for place, file in enumerate(batch)
            ]
            skipped += [result for result in read if isinstance(result, Skipped)]
            kept = [
                (file, face)
                for file, face in zip(batch, read, strict=True)
                if not isinstance(face, Skipped)
            ]
            if kept:
                read_files += [file for file, _ in kept]
                faces.append(np.stack([face for _, face in kept]))
                rows.append(classifier.predict(faces[-1]))
        tell(len(pictures.files))
    verdicts = Verdicts(
        np.array([file.name for file in read_files], np.str_),
        classifier.labels,
        np.array([file.label for file in read_files], np.int64),
        np.concatenate(rows),
    )
    columns = dict.fromkeys(column for file in read_files for column in file.said)
    said = {
        column: np.array([file.said.get(column, "") for file in read_files], np.str_)
        for column in columns
    }
    return Measurement(verdicts, np.concatenate(faces), tuple(skipped), said)


def _face(
    pictures: PictureArchive,
    file: LabelledFile,
    detector: FaceDetector | None,
    tell: Callable[..., None],
) -> NDArray[np.uint8] | Skipped:
    """Return the face of one picture, uint8 ``(48, 48)``, or why there is none."""
    tell()
    try:
        image = read_image(pictures.read(file.name), on_wait=tell).image_bgr
    except (ArchiveError, UnreadableImage) as error:
        return Skipped(file.name, str(error))
    gray = to_gray(image)
    if detector is None:
        return resize_face(gray)
    found = detector.detect(image)
    if not found:
        return Skipped(file.name, "No face was found in the picture.")
    return resize_face(align_face(gray, max(found, key=lambda face: face.box.area)))
