"""What a live analysis is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fer_core.readings import DEFAULT_READING
from fer_core.smoothing import DEFAULT_SMOOTHING_S
from fer_core.types import TrackedFrame


class Privacy(StrEnum):
    """What of the camera's picture is shown."""

    OFF = "off"
    BLUR = "blur"
    CHARTS = "charts"


@dataclass(frozen=True, slots=True)
class LiveView:
    """How the picture is shown.

    Attributes:
        mirror: Whether left and right change places, as in a mirror.
        privacy: Everything, everything but the faces blurred, or no camera picture at all.
        bars: Whether a small chart of the probabilities stands beside each face.
    """

    mirror: bool = True
    privacy: Privacy = Privacy.OFF
    bars: bool = True


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What may be changed while the analysis runs.

    Attributes:
        detector: Name of the detector, from ``fer_core.detection.DETECTORS``.
        class_set: Name of the class set; with another one everybody is a new person, as with
            another reading.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        smoothing_s: Time constant of the smoothing in seconds; 0 for none.
        view: How the picture is shown.
        reading: One of ``fer_core.readings.READINGS``.
    """

    detector: str
    class_set: str
    threshold: float
    smoothing_s: float = DEFAULT_SMOOTHING_S
    view: LiveView = field(default_factory=LiveView)
    reading: str = DEFAULT_READING

    @property
    def parts(self) -> tuple[str, str, str]:
        """The names of what has to be loaded."""
        return self.detector, self.class_set, self.reading


class LiveState(StrEnum):
    """What the analysis does."""

    OFF = "off"
    WAITING = "waiting"
    RUNNING = "running"
    STALLED = "stalled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """What is known at a moment.

    Attributes:
        state: What the analysis does.
        problem: What is wrong, one sentence, or "".
        detector: Name of the detector in use, or "" before the first analysis.
        size_wh: Size of the camera's frames in pixels, or None before the first.
        frames_per_s: Pictures returned a second.
        analyses_per_s: Analyses a second.
        skipped: Frames since the start that were shown and not analysed.
        silent_s: Seconds since the last frame; None before the first.
        latency_s: How old the reading is that a picture carries, from the arrival of the frame
            that was read to the return of the picture: the median over the last seconds. None
            when nothing was drawn.
        tracked: The last reading; None when there is none or it is too old.
    """

    state: LiveState
    problem: str
    detector: str
    size_wh: tuple[int, int] | None
    frames_per_s: float
    analyses_per_s: float
    skipped: int
    silent_s: float | None
    latency_s: float | None
    tracked: TrackedFrame | None


@dataclass(frozen=True, slots=True)
class LiveReading:
    """One analysis, as the charts need it.

    Attributes:
        time_s: When its frame arrived, in seconds since the analysis was created.
        labels: K emotions in the order of the probabilities.
        persons: N numbers of persons.
        probabilities: float32 ``(N, K)``, smoothed.
    """

    time_s: float
    labels: tuple[str, ...]
    persons: tuple[int, ...]
    probabilities: NDArray[np.float32]

    @classmethod
    def of(cls, tracked: TrackedFrame, labels: tuple[str, ...]) -> LiveReading:
        """Return what the charts need of a frame; ``labels`` are needed when it has no face."""
        rows = [face.smoothed.vector for face in tracked.faces]
        return cls(
            tracked.time_s,
            labels,
            tuple(face.person for face in tracked.faces),
            np.array(rows, np.float32).reshape(len(rows), len(labels)),
        )
