"""The report of a visitor's video, to take away."""

from __future__ import annotations

from fer_core.video.report import report_of_video
from ui.common.resources import get_classifier
from ui.video.runs import Look, VideoRun
from ui.video.shelf import Video


def results_report(video: Video, run: VideoRun, look: Look) -> bytes:
    """Return the report of an analysis under a look.

    Args:
        video: The video; once it is released, the report has no faces.
        run: Its analysis.
        look: How readings become verdicts and names.

    Raises:
        ValueError: There are no readings, or no longer.
    """
    if run.job.result is None:
        raise ValueError("The analysis is not over yet.")
    return report_of_video(
        video.name,
        run.job.result.result,
        video.file,
        reader=get_classifier(run.class_set, run.reading),
        detector=run.detector,
        timeline=run.view(look).timeline,
        smoothing_s=look.smoothing_s,
        threshold=look.threshold,
        names=look.edits.names,
    ).encode()
