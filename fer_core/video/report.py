"""The report of an analysed video, with the faces cut out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import FerError
from fer_core.protocols import FaceReader
from fer_core.reporting.making import making_of
from fer_core.reporting.video import video_report
from fer_core.reporting.words import clock
from fer_core.timeline import Timeline
from fer_core.video.analysis import VideoOptions, VideoResult
from fer_core.video.opening import VideoFile, opened, video_file
from fer_core.video.source import VideoFacts, VideoSource


def report_of_video(
    name: str,
    result: VideoResult,
    source: VideoFile | None,
    *,
    reader: FaceReader,
    detector: str,
    timeline: Timeline | None = None,
    smoothing_s: float | None = None,
    threshold: float | None = None,
    names: Mapping[int, str] | None = None,
) -> str:
    """Return the HTML of a report.

    Args:
        name: What the video is called.
        result: What was found in it.
        source: The video; without it the report has no faces. Some that cannot be read again are
            left out.
        reader: What read the faces.
        detector: Name of what found them, as a loaded detector is called.
        timeline: The readings, where persons were merged or hidden; by default the result's.
        smoothing_s: Time constant of the smoothing in seconds; None for that of the analysis.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1; None for that of the
            analysis.
        names: The persons' names; others are called by their number.

    Raises:
        ValueError: The video is not the one that was analysed, the faces were read for other
            emotions than ``reader`` reads, or ``threshold`` is not within 0 to 1.
        UnreadableVideo: The video cannot be opened any more.
    """
    options = result.options
    smoothing_s = options.smoothing_s if smoothing_s is None else smoothing_s
    threshold = options.threshold if threshold is None else threshold
    making = making_of(reader, detector, threshold, _settings(options, smoothing_s))
    about = _about(result.facts)
    with ExitStack() as stack:
        video = None
        if source is not None:
            file = video_file(source)
            video = stack.enter_context(VideoSource(file))
            with opened(file) as content:
                digest = hashlib.file_digest(content, "sha256")  # type: ignore[arg-type]
                about["SHA-256"] = digest.hexdigest()
        return video_report(
            name,
            result.timeline if timeline is None else timeline,
            making=making,
            smoothing_s=smoothing_s,
            picture_at=_pictures(video, result.facts),
            about=about,
            names=names,
            notes=_notes(result),
        )


def _pictures(
    video: VideoSource | None, facts: VideoFacts
) -> Callable[[float], NDArray[np.uint8] | None]:
    """Return what reads the picture at a time, or None where there is none."""
    if video is None:
        return lambda time_s: None
    video.turn(facts.turned_deg)
    if video.facts.size_wh != facts.size_wh:
        width, height = video.facts.size_wh
        raise ValueError(
            f"The faces were found in a video of {facts.size_wh[0]}×{facts.size_wh[1]} pixels; "
            f"this one has {width}×{height}."
        )

    def picture_at(time_s: float) -> NDArray[np.uint8] | None:
        try:
            return video.frame_at(time_s).bgr()
        except FerError:
            return None

    return picture_at


def _settings(options: VideoOptions, smoothing_s: float) -> dict[str, str]:
    part = "all of it"
    if options.start_s or options.end_s is not None:
        end = "the end" if options.end_s is None else clock(options.end_s)
        part = f"{clock(options.start_s)} to {end}"
    return {
        "Part analysed": part,
        "Frames read": "all" if options.fps is None else f"{options.fps:g} a second",
        "Smoothing": f"{smoothing_s:g} s",
        "Longest gap of a person": f"{options.max_gap_s:g} s",
    }


def _about(facts: VideoFacts) -> dict[str, str]:
    width, height = facts.size_wh
    return {
        "Length": clock(facts.duration_s) if facts.duration_s else "not given by the file",
        "Picture": f"{width:,}×{height:,} pixels",
        "Frames a second": f"{facts.frame_rate:.4g}" if facts.frame_rate else "not given",
        "Codec": facts.codec,
    }


def _notes(result: VideoResult) -> list[str]:
    notes = []
    if result.cancelled:
        times_s = result.timeline.time_s
        last_s = float(times_s[-1]) if len(times_s) else 0.0
        notes.append(f"The analysis was ended early: these are its results up to {clock(last_s)}.")
    if result.damage:
        notes.append(result.damage)
    if degrees := result.facts.turned_deg:
        notes.append(f"The video was turned by {degrees}° clockwise: its faces stand upright so.")
    return notes
