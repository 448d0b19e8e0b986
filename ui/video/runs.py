"""The work on one video: analysing it, and drawing it again under other names."""

from __future__ import annotations

import math
import os
import secrets
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fer_core.classifier import EmotionClassifier
from fer_core.detection import load_detector
from fer_core.timeline import PersonEdits, Timeline, TimelineBuilder
from fer_core.video.analysis import VideoOptions, VideoResult, analyze_video
from fer_core.video.progress import Progress
from fer_core.video.render import render_video
from fer_core.video.source import VideoFacts
from fer_core.video.writer import expected_bytes
from ui.common.jobs import Job, JobQueue
from ui.common.monitor import VIDEO_FRAMES
from ui.video.room import temporary_file


class Waiting(Enum):
    """What a job waits for that has been begun."""

    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Look:
    """How readings become verdicts and names, on the page and in the annotated video.

    Attributes:
        smoothing_s: Time constant of the smoothing in seconds.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        edits: Names, merged and hidden persons.
    """

    smoothing_s: float
    threshold: float
    edits: PersonEdits = field(default_factory=PersonEdits)


@dataclass(frozen=True, slots=True)
class View:
    """The readings under a look.

    Attributes:
        timeline: With persons merged and hidden.
        smoothed: float32 ``(N, K)``.
        verdicts: str ``(N,)``.
    """

    timeline: Timeline
    smoothed: NDArray[np.float32]
    verdicts: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analysis gave.

    Attributes:
        result: The readings.
        annotated: The annotated video, a file without a name; None when there is none.
    """

    result: VideoResult
    annotated: BinaryIO | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """An annotated video, and the look in which it was drawn."""

    file: BinaryIO
    look: Look


class VideoRun:
    """One analysis of a video, and what the visitor makes of it.

    Attributes:
        class_set: Name of the class set that reads the faces.
        reading: How they are read, one of ``fer_core.readings.READINGS``.
        detector: Name of the detector that finds them.
        options: What is analysed, and how.
        builder: The readings while they grow.
        edits: Names, merged and hidden persons.
        key: Tells it apart from other runs, for the state of the page's widgets.
        job: The analysis.
        drawing: The annotated video being drawn again; None, or a drawing that may be over.
    """

    def __init__(
        self,
        queue: JobQueue,
        owner: str,
        file: BinaryIO,
        facts: VideoFacts,
        *,
        classifier: EmotionClassifier,
        class_set: str,
        detector: str,
        options: VideoOptions,
        annotate: bool,
    ) -> None:
        """Hand the analysis in.

        Args:
            queue: Does it.
            owner: Whose it is.
            file: The video.
            facts: What it says of itself.
            classifier: Reads the faces; of the class set.
            class_set: Its name.
            detector: Name of the detector that finds them.
            options: What is analysed, and how.
            annotate: Whether an annotated video is written along.
        """
        self.class_set, self.detector, self.options = class_set, detector, options
        self.reading = classifier.reading
        self._facts = facts
        self._labels = classifier.labels
        self.builder = builder = TimelineBuilder(self._labels)
        self.edits = PersonEdits()
        self.key = secrets.token_hex(4)
        self.drawing: Job[Drawn | None] | None = None
        self._drawn: Drawn | None = None
        self._view: tuple[Look, View] | None = None

        def analyze(job: Job[Analysis]) -> Analysis:
            def show(progress: Progress) -> None:
                VIDEO_FRAMES.inc()
                job.progress = progress

            target = _file_for_copy(facts, options) if annotate else None
            result = analyze_video(
                file,
                classifier=classifier,
                make_detector=lambda: load_detector(detector),
                options=options,
                annotated=target,
                builder=builder,
                on_progress=show,
                on_waiting=lambda: setattr(job, "progress", Waiting.MEMORY),
                cancelled=job.stop,
            )
            written = target if target is not None and _holds_video(result, target) else None
            return Analysis(result, written)

        end_s = min(facts.duration_s or math.inf, options.end_s or math.inf)
        length_s = 0.0 if math.isinf(end_s) else max(0.0, end_s - options.start_s)
        self.job = queue.submit(owner, analyze, video_s=length_s)

    @property
    def turned_deg(self) -> int:
        """Degrees clockwise by which the video was turned; 0 before the end of the analysis."""
        return 0 if self.job.result is None else self.job.result.result.facts.turned_deg

    @property
    def drawn(self) -> Drawn | None:
        """The newest annotated video, or None."""
        if self.drawing is not None and self.drawing.result is not None:
            self._drawn = self.drawing.result
        analysis = self.job.result
        if self._drawn is None and analysis is not None and analysis.annotated is not None:
            look = Look(self.options.smoothing_s, self.options.threshold)
            self._drawn = Drawn(analysis.annotated, look)
        return self._drawn

    def view(self, look: Look) -> View:
        """Return the readings under a look; only a new look is worked out.

        Raises:
            ValueError: There are no readings yet.
        """
        if self.job.result is None:
            raise ValueError("The analysis is not over yet.")
        if self._view is None or self._view[0] != look:
            # The page says beforehand how many readings a merger costs, and afterwards again.
            timeline = look.edits.apply(self.job.result.result.timeline, drop_doubles=True)
            smoothed, verdicts = timeline.smoothed(look.smoothing_s, look.threshold)
            self._view = look, View(timeline, smoothed, verdicts)
        return self._view[1]

    def draw_again(self, queue: JobQueue, owner: str, file: BinaryIO, look: Look) -> None:
        """Hand in the drawing of an annotated video under another look."""
        view = self.view(look)
        options, turned_deg, facts = self.options, self.turned_deg, self._facts
        if self.job.result is not None and self.job.result.result.cancelled:
            # What was not analysed is not drawn either.
            end_s = float(view.timeline.time_s[-1]) if len(view.timeline.time_s) else None
            options = replace(options, end_s=end_s)

        def draw(job: Job[Drawn | None]) -> Drawn | None:
            target = _file_for_copy(facts, options)
            render_video(
                file,
                target,
                view.timeline,
                smoothed=view.smoothed,
                verdicts=view.verdicts,
                names=look.edits.names,
                start_s=options.start_s,
                end_s=options.end_s,
                turned_deg=turned_deg,
                on_progress=lambda progress: setattr(job, "progress", progress),
                on_waiting=lambda: setattr(job, "progress", Waiting.MEMORY),
                cancelled=job.stop,
            )
            return None if job.stop.is_set() else Drawn(target, look)

        self.drawing = queue.submit(owner, draw)

    def release(self, queue: JobQueue) -> None:
        """End whatever is being done and let go of all results."""
        for job in (self.job, self.drawing):
            if job is not None:
                queue.cancel(job)
        if self.drawn is not None:
            empty(self.drawn.file)
        if self.job.result is not None and self.job.result.annotated is not None:
            empty(self.job.result.annotated)
        self.job = Job.ended()
        self.drawing = self._drawn = self._view = None
        self.builder = TimelineBuilder(self._labels)


def empty(file: BinaryIO) -> None:
    """Free a file's content at once, whoever still holds the file.

    Streamlit keeps what a closed page held until Python's garbage collector comes round; and to
    close the file under a reader could hand its number to another visitor's.
    """
    os.ftruncate(file.fileno(), 0)


def _file_for_copy(facts: VideoFacts, options: VideoOptions) -> BinaryIO:
    need_bytes = expected_bytes(facts, options.start_s, options.end_s)
    return temporary_file("The annotated video", need_bytes)


def _holds_video(result: VideoResult, target: BinaryIO) -> bool:
    return result.unwritten is None and os.fstat(target.fileno()).st_size > 0
