"""From a video file to the emotions of its persons over time, on all cores and in flat memory.

Decoding, detection (several frames at once), reading (batched over faces and frames) and the
annotated copy overlap; a window bounds how many frames are held at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fer_core.detection import FaceDetector
from fer_core.labels import DEFAULT_THRESHOLD, check_threshold
from fer_core.persons import PersonFollower
from fer_core.protocols import FaceReader
from fer_core.smoothing import DEFAULT_SMOOTHING_S
from fer_core.tables import timeline_table
from fer_core.timeline import Timeline, TimelineBuilder
from fer_core.types import Frame, TrackedFrame
from fer_core.video.annotate import Annotator
from fer_core.video.finder import FaceFinder
from fer_core.video.flow import Flow
from fer_core.video.memory import room_for
from fer_core.video.opening import VideoFile
from fer_core.video.progress import Meter, Progress, expected_frames
from fer_core.video.sampling import FrameChoice
from fer_core.video.source import VideoFacts, VideoFrame, VideoSource

if TYPE_CHECKING:
    import pandas as pd

# How far into the analysed part faces are looked for that tell whether the video lies on its side,
# in seconds, and in how many frames a second.
_DECIDING_S, _DECIDING_FPS = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """What is analysed, and how.

    Attributes:
        fps: Analysed frames a second, or None for every frame.
        start_s: Where the analysed part begins, in seconds.
        end_s: Where it ends, or None for the end of the video.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        smoothing_s: Time constant of the smoothing in seconds; 0 for none.
        max_gap_s: Longest time in seconds that a person may be unseen and stay the same one.
    """

    fps: float | None = None
    start_s: float = 0.0
    end_s: float | None = None
    threshold: float = DEFAULT_THRESHOLD
    smoothing_s: float = DEFAULT_SMOOTHING_S
    max_gap_s: float = 1.0

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        for name in ("fps", "start_s", "end_s", "smoothing_s", "max_gap_s"):
            value = getattr(self, name)
            if value is None and name in ("fps", "end_s"):
                continue
            if not isinstance(value, Real):
                raise TypeError(f"{name} must be a number, not {type(value).__name__}.")
            if not float(value) >= 0 or (name == "fps" and value == 0):
                least = "more than 0" if name == "fps" else "0 or more"
                raise ValueError(f"{name} must be {least}, not {value}.")
        if self.end_s is not None and not self.end_s > self.start_s:
            raise ValueError(
                f"A part must end after it begins, not {self.start_s} to {self.end_s}."
            )


@dataclass(frozen=True, slots=True)
class VideoResult:
    """What was found in a video.

    Attributes:
        facts: What the file says of itself, and how the video was turned.
        timeline: The readings; those up to the end, the cancel or the damage.
        cancelled: Whether the analysis was ended early.
        damage: A sentence when part of the file could not be read, else None.
        unwritten: A sentence when the annotated video could not be written, else None.
        options: What was analysed, and how.
    """

    facts: VideoFacts
    timeline: Timeline
    cancelled: bool
    damage: str | None
    unwritten: str | None
    options: VideoOptions

    def __iter__(self) -> Iterator[TrackedFrame]:
        """Yield the analysed frames in order; their faces have no landmarks and no pictures."""
        smoothed, verdicts = self._smoothed()
        for position in range(len(self.timeline.time_s)):
            yield self.timeline.tracked_frame(position, self.facts.size_wh, smoothed, verdicts)

    def to_dataframe(
        self, *, threshold: float | None = None, names: Mapping[int, str] | None = None
    ) -> pd.DataFrame:
        """Return one row per face and analysed frame, and one for each frame without a face.

        Args:
            threshold: Confidence below which a verdict is "uncertain", 0 to 1; None for that of
                the analysis.
            names: The persons' names; others are called by their number.

        Returns:
            The columns of ``fer_core.tables.timeline_table``.

        Raises:
            ValueError: ``threshold`` is not within 0 to 1.
        """
        return timeline_table(self.timeline, *self._smoothed(threshold), names)

    def _smoothed(
        self, threshold: float | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
        asked = self.options.threshold if threshold is None else threshold
        return self.timeline.smoothed(self.options.smoothing_s, asked)


def analyze_video(
    source: VideoFile,
    *,
    classifier: FaceReader,
    make_detector: Callable[[], FaceDetector],
    options: VideoOptions | None = None,
    annotated: Path | BinaryIO | None = None,
    builder: TimelineBuilder | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_waiting: Callable[[], None] | None = None,
    cancelled: threading.Event | None = None,
) -> VideoResult:
    """Find, follow and read the faces of a video.

    Args:
        source: The video's path, its content, or an open binary file.
        classifier: Reads the faces.
        make_detector: Makes a face detector; called once per worker, since a detector shared
            between workers would make them wait for each other.
        options: What is analysed, and how.
        annotated: Where the annotated video goes; it has all frames of the part, also those
            between the analysed ones. A problem in writing it does not end the analysis.
        builder: Collects the readings; pass one to look at them while they grow.
        on_progress: Called after every analysed frame.
        on_waiting: Called again and again before the analysis begins, while other work has the
            memory that it needs.
        cancelled: Ends the analysis early when it is set; what was found is returned.

    Raises:
        TypeError: ``source`` is nothing of these.
        UnreadableVideo: The file is no video, or not a single frame can be read.
        ModelError: The network cannot be loaded.
    """
    options = options or VideoOptions()
    cancelled = cancelled or threading.Event()
    builder = builder or TimelineBuilder(classifier.labels)
    with ExitStack() as stack:
        video = stack.enter_context(VideoSource(source))
        if not stack.enter_context(room_for(video.plan, on_waiting, cancelled)):
            return VideoResult(video.facts, builder.build(), True, None, None, options)
        finder = stack.enter_context(FaceFinder(make_detector, video.plan.waiting_frames))
        stand_upright(video, finder, options)
        copy = None
        if annotated is not None:
            copy = stack.enter_context(Annotator(annotated, video, end_s=options.end_s))
        total = expected_frames(video.facts, options.start_s, options.end_s, options.fps)
        meter = Meter(total, on_progress)
        follower = PersonFollower(
            classifier.labels,
            time_constant_s=options.smoothing_s,
            threshold=options.threshold,
            max_gap_s=options.max_gap_s,
        )

        def take(frame: Frame, after_cut: bool) -> TrackedFrame:
            tracked = follower.follow(frame, after_cut=after_cut)
            builder.add(tracked, after_cut=after_cut)
            meter.count(frame.time_s)
            return tracked

        flow = Flow(finder, classifier, video.plan, take, copy)
        flow.run(_frames(video, options, every=copy is not None), cancelled.is_set)
        unwritten = copy.finish() if copy else None
        damage = " ".join(filter(None, (video.damage, copy.damage if copy else None))) or None
    return VideoResult(video.facts, builder.build(), cancelled.is_set(), damage, unwritten, options)


def stand_upright(video: VideoSource, finder: FaceFinder, options: VideoOptions) -> None:
    """Turn a video as its faces stand in a few frames of the analysed part's beginning."""
    end_s = options.start_s + _DECIDING_S
    frames = video.frames(
        start_s=options.start_s, end_s=min(end_s, options.end_s or end_s), fps=_DECIDING_FPS
    )
    with closing(frames):
        video.turn(finder.find_turn(frames))


def _frames(
    video: VideoSource, options: VideoOptions, *, every: bool
) -> Iterator[tuple[VideoFrame, bool]]:
    """Yield the part's frames, all or those to analyse, and whether each is to be analysed."""
    fps = None if every else options.fps
    choice = FrameChoice(options.start_s, options.fps)
    for frame in video.frames(start_s=options.start_s, end_s=options.end_s, fps=fps):
        yield frame, not every or choice.take(frame.time_s)
