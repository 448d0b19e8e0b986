"""What the pipeline speaks: box, detected face, face emotion, frame, tracked face and frame.

Coordinates are pixels of the analysed picture, x to the right and y down, with (0, 0) at the
outer corner of the first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import UNCERTAIN


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
        """Returns intersection over union with another box, 0 to 1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        shared = max(0.0, width) * max(0.0, height)
        return shared / (self.area + other.area - shared)

    def clipped(self, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
        """Returns whole (x1, y1, x2, y2) inside a picture, for slicing; may be empty."""
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
    """

    box: FaceBox
    score: float
    landmarks: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.landmarks is not None and self.landmarks.shape != (5, 2):
            raise ValueError(f"Landmarks must be (5, 2), not {self.landmarks.shape}.")

    def scaled(self, factor: float) -> DetectedFace:
        """Returns the same face in a picture whose sides are ``factor`` times as long."""
        landmarks = None if self.landmarks is None else self.landmarks * np.float32(factor)
        return DetectedFace(FaceBox(*(v * factor for v in self.box.xyxy)), self.score, landmarks)


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """A reason why a face may be read wrongly.

    Attributes:
        code: "small", "blurred", "dark", "over-exposed", "turned" or "cut".
        reason: The finding as a sentence, with the figure that led to it.
    """

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class FaceReading:
    """A face and what the network reads in it.

    Attributes:
        face: The detected face.
        labels: The K emotions in the order of ``probabilities``.
        probabilities: float32 ``(K,)``, calibrated, summing to 1.
        threshold: Confidence below which the verdict is "uncertain", 0 to 1.
        aligned_gray: uint8 ``(S, S)``, the face in FER-2013's frame; S is a multiple of the
            network's input size.
        quality: Findings on the picture of the face; empty when all is well.
    """

    face: DetectedFace
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    threshold: float
    aligned_gray: NDArray[np.uint8]
    quality: tuple[QualityFinding, ...] = ()

    def __post_init__(self) -> None:
        if self.probabilities.shape != (len(self.labels),):
            raise ValueError(
                f"{len(self.labels)} labels need as many probabilities, "
                f"not {self.probabilities.shape}."
            )

    @property
    def dominant(self) -> str:
        """The most probable emotion."""
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """The probability of the most probable emotion, 0 to 1."""
        return float(self.probabilities.max())

    @property
    def verdict(self) -> str:
        """The most probable emotion, or "uncertain" below the threshold."""
        return self.dominant if self.confidence >= self.threshold else UNCERTAIN


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture, or one frame of a video, and the faces in it.

    Attributes:
        index: Number of the frame, from 0.
        time_s: Presentation time in seconds; 0 for a photo.
        size_wh: Width and height of the picture in pixels.
        faces: From left to right; empty when there are none.
    """

    index: int
    time_s: float
    size_wh: tuple[int, int]
    faces: tuple[FaceReading, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face of a known person in a video, read over time.

    Attributes:
        person: The person's number, from 1; the same in all frames.
        emotion: What the network read in this frame alone.
        smoothed: float32 ``(K,)``, the probabilities smoothed over time, summing to 1.
        verdict: The emotion that holds, or "uncertain"; it does not follow every flicker.
    """

    person: int
    emotion: FaceReading
    smoothed: NDArray[np.float32]
    verdict: str

    def __post_init__(self) -> None:
        if self.smoothed.shape != self.emotion.probabilities.shape:
            raise ValueError(
                f"Smoothed probabilities must be {self.emotion.probabilities.shape}, "
                f"not {self.smoothed.shape}."
            )

    @property
    def confidence(self) -> float:
        """The smoothed probability of the verdict, of the leader when it is "uncertain"."""
        labels = self.emotion.labels
        if self.verdict in labels:
            return float(self.smoothed[labels.index(self.verdict)])
        return float(self.smoothed.max())


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """One frame of a video, and the persons in it.

    Attributes:
        index: Number of the frame, from 0.
        time_s: Presentation time in seconds.
        size_wh: Width and height of the picture in pixels.
        faces: From left to right; empty when there are none.
    """

    index: int
    time_s: float
    size_wh: tuple[int, int]
    faces: tuple[TrackedFace, ...] = ()
