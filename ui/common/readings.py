"""One person's readings out of a video's time line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_core.timeline import Timeline
from ui.common.timeline_charts import Readings


def persons_by_time(timeline: Timeline) -> list[int]:
    """Return the persons, those seen in the most frames first."""
    persons, counts = np.unique(timeline.person, return_counts=True)
    return [int(person) for person in persons[np.argsort(-counts, kind="stable")]]


def readings_of(
    timeline: Timeline,
    person: int,
    probabilities: NDArray[np.float32],
    verdicts: Sequence[str] | NDArray[np.str_],
) -> Readings:
    """Return what was read in a person, for a chart.

    Args:
        timeline: All readings.
        person: Whose are wanted.
        probabilities: ``(N, K)``, the person's, raw or smoothed.
        verdicts: N of them.
    """
    frames = timeline.row[timeline.person == person]
    return Readings(
        timeline.time_s[frames],
        probabilities,
        np.asarray(verdicts, str),
        np.diff(frames, prepend=-2) == 1,
    )
