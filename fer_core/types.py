"""What the pipeline speaks: box, detected face, face reading, frame, tracked face and frame.

Coordinates are pixels of the analysed picture, x to the right and y down, with (0, 0) at the
outer corner of the first pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import DEFAULT_THRESHOLD, check_threshold, verdict_of


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A rectangle from (x1, y1) to (x2, y2); it may reach over the picture's edge.

    Raises:
        ValueError: The box has no area, or a side without end.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not (0 < self.width < inf and 0 < self.height < inf):
            raise ValueError(f"A box needs finite x1 < x2 and y1 < y2, not {self.xyxy}.")

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """The corners (x1, y1, x2, y2)."""
        return self.x1, self.y1, self.x2, self.y2

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """The middle (x, y)."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def iou(self, other: FaceBox) -> float:
        """Return intersection over union with another box, 0 to 1."""
        shared = self.intersection(other)
        return shared / (self.area + other.area - shared)

    def intersection(self, other: FaceBox) -> float:
        """Return the area that two boxes share, in square pixels."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height)

    def clipped(self, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return whole (x1, y1, x2, y2) inside a picture, for slicing; may be empty."""
        width, height = size_wh
        return (
            min(max(0, int(self.x1)), width),
            min(max(0, int(self.y1)), height),
            min(max(0, int(np.ceil(self.x2))), width),
            min(max(0, int(np.ceil(self.y2))), height),
        )


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face as a detector found it.

    Attributes:
        box: Where it is.
        score: The detector's confidence, 0 to 1.
        landmarks: float32 ``(5, 2)``, x and y in pixels of the eye on the left of the picture,
            the eye on its right, the nose, the mouth's corner on the left and on the right;
            rows that the detector did not find are NaN. None when it found none at all.
        is_crop: Whether the box holds a ready face crop, in a framing like FER-2013's, rather than
            what a detector found.
    """

    box: FaceBox
    score: float
    landmarks: NDArray[np.float32] | None = None
    is_crop: bool = False

    def __post_init__(self) -> None:
        if self.landmarks is not None and self.landmarks.shape != (5, 2):
            raise ValueError(f"Landmarks must be (5, 2), not {self.landmarks.shape}.")

    def scaled(self, factor: float) -> DetectedFace:
        """Return the same face in a picture whose sides are ``factor`` times as long."""
        landmarks = None if self.landmarks is None else self.landmarks * np.float32(factor)
        box = FaceBox(*(v * factor for v in self.box.xyxy))
        return replace(self, box=box, landmarks=landmarks)


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """A reason why a face may be read wrongly.

    Attributes:
        code: "small", "blurred", "covered", "dark", "over-exposed", "turned" or "cut".
        reason: The finding as a sentence, with the figure that led to it.
    """

    code: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities(Mapping[str, float]):
    """Calibrated probabilities of the emotions: a mapping from label to probability.

    Attributes:
        labels: The K emotions in the order of the network's outputs, which is that of the mapping.
        vector: float32 ``(K,)``, the same probabilities in that order, summing to 1; a copy that
            cannot be written to.

    Raises:
        ValueError: There are not as many probabilities as labels.
    """

    labels: tuple[str, ...]
    vector: NDArray[np.float32]

    def __post_init__(self) -> None:
        vector = np.array(self.vector, np.float32)
        if vector.shape != (len(self.labels),):
            raise ValueError(
                f"{len(self.labels)} labels need as many probabilities, not {vector.shape}."
            )
        vector.flags.writeable = False
        object.__setattr__(self, "vector", vector)

    def __getitem__(self, label: str) -> float:
        try:
            return float(self.vector[self.labels.index(label)])
        except ValueError:
            raise KeyError(label) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def leader(self) -> str:
        """The most probable emotion."""
        return self.labels[int(np.argmax(self.vector))]


@dataclass(frozen=True, slots=True)
class FaceReading:
    """A face and what the network reads in it.

    Attributes:
        detection: The face as it was found.
        probabilities: How probable each emotion is.
        aligned_gray: uint8 ``(S, S)``, the face in FER-2013's frame; S is a multiple of the
            network's input size.
        quality: Findings on the picture of the face; empty when all is well.
    """

    detection: DetectedFace
    probabilities: Probabilities
    aligned_gray: NDArray[np.uint8]
    quality: tuple[QualityFinding, ...] = ()

    @property
    def box(self) -> FaceBox:
        """Where the face is."""
        return self.detection.box

    @property
    def score(self) -> float:
        """The detector's confidence that this is a face, 0 to 1."""
        return self.detection.score

    @property
    def landmarks(self) -> NDArray[np.float32] | None:
        """Eyes, nose and mouth, as in ``DetectedFace``."""
        return self.detection.landmarks

    @property
    def labels(self) -> tuple[str, ...]:
        """The K emotions in the order of the probabilities."""
        return self.probabilities.labels

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return self.probabilities.leader

    @property
    def confidence(self) -> float:
        """The probability of the most probable emotion, 0 to 1."""
        return self.probabilities[self.emotion]

    def verdict(self, threshold: float = DEFAULT_THRESHOLD) -> str:
        """Return the most probable emotion, or "uncertain".

        Args:
            threshold: Confidence below which the verdict is "uncertain", 0 to 1.

        Raises:
            ValueError: ``threshold`` is not within 0 to 1.
        """
        return verdict_of(self.labels, self.probabilities.vector, check_threshold(threshold))


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture, or one frame of a video, and the faces in it.

    Attributes:
        index: Number of the frame, from 0.
        time_s: Presentation time in seconds; 0 for a photo.
        size_wh: Width and height of the picture in pixels, turned as below.
        faces: As people read, row by row from left to right; empty when there are none.
        turned_deg: Degrees clockwise by which the picture was turned for its faces to stand
            upright: 0, 90, 180 or 270. Places are in pixels of the turned picture.
        incomplete: Whether the end of a photo's file is missing, so that a part of the picture may
            be grey or blurred.
    """

    index: int
    time_s: float
    size_wh: tuple[int, int]
    faces: tuple[FaceReading, ...] = ()
    turned_deg: int = 0
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face of a known person in a video, read over time.

    Attributes:
        person: The person's number, from 1; the same in all frames.
        reading: What the network read in this frame alone.
        smoothed: The probabilities smoothed over time.
        verdict: The leader of the smoothed probabilities, or "uncertain" where it is below the
            threshold.

    Raises:
        ValueError: The smoothed probabilities are of other emotions than the reading's.
    """

    person: int
    reading: FaceReading
    smoothed: Probabilities
    verdict: str

    def __post_init__(self) -> None:
        if self.smoothed.labels != self.reading.labels:
            raise ValueError(
                f"Smoothed probabilities must be of {self.reading.labels}, "
                f"not {self.smoothed.labels}."
            )

    @property
    def box(self) -> FaceBox:
        """Where the face is."""
        return self.reading.box

    @property
    def confidence(self) -> float:
        """The smoothed probability of the most probable emotion, 0 to 1."""
        return self.smoothed[self.smoothed.leader]


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """One frame of a video, and the persons in it.

    Attributes:
        index: Number of the frame, from 0.
        time_s: Presentation time in seconds.
        size_wh: Width and height of the picture in pixels.
        faces: As people read, row by row from left to right; empty when there are none.
    """

    index: int
    time_s: float
    size_wh: tuple[int, int]
    faces: tuple[TrackedFace, ...] = ()
