"""The report of a live session: numbers only, since no picture of it is kept."""

from __future__ import annotations

from fer_core.protocols import FaceReader
from fer_core.reporting.making import making_of
from fer_core.reporting.video import video_report
from fer_core.reporting.words import clock
from fer_core.timeline import Timeline


def report_of_session(
    timeline: Timeline,
    *,
    reader: FaceReader,
    detector: str,
    smoothing_s: float,
    threshold: float,
) -> str:
    """Return the HTML of a report.

    Args:
        timeline: What was read, from its first reading at 0 on.
        reader: What read the faces.
        detector: Name of what found them, as a loaded detector is called.
        smoothing_s: Time constant of the smoothing in seconds; 0 for none.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.

    Raises:
        ValueError: The faces were read for other emotions than ``reader`` reads, or ``threshold``
            is not within 0 to 1.
    """
    length_s = float(timeline.time_s[-1]) if len(timeline.time_s) else 0.0
    return video_report(
        "a live session",
        timeline,
        making=making_of(reader, detector, threshold, {"Smoothing": f"{smoothing_s:g} s"}),
        smoothing_s=smoothing_s,
        about={"Source": "a camera", "Length": clock(length_s)},
        notes=("No picture of the session was kept.",),
        source="session",
    )
