"""Time lines of any kind, for tests of what holds for all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from fer_core.labels import FER7
from fer_core.timeline import Timeline

# The same examples every time, and few: what fails here fails for everybody.
quick = settings(max_examples=40, deadline=None, database=None, derandomize=True)

PERSONS = 4
# Steps as in videos, standstills, and gaps that are longer than a caption or a smoothing lasts.
steps_s = st.sampled_from([0.0, 1 / 30, 0.1, 0.4, 0.9, 1.1, 5.0]) | st.floats(0.0, 3.0)
time_constants_s = st.sampled_from([0.0, 0.4, 2.0]) | st.floats(0.0, 10.0)
thresholds = st.sampled_from([0.0, 0.45, 1.0]) | st.floats(0.0, 1.0)
seen = st.lists(st.integers(1, PERSONS), unique=True, max_size=PERSONS)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Draw up to 20 frames, each with some of a few persons, or none."""
    frames = draw(st.lists(st.tuples(steps_s, seen), max_size=20))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    persons = np.array([person for _, found in frames for person in found], np.int64)
    rows = [row for row, (_, found) in enumerate(frames) for _ in found]
    return Timeline(
        FER7.labels,
        np.arange(len(frames), dtype=np.int64),
        np.cumsum([step_s for step_s, _ in frames], dtype=np.float64),
        rng.random(len(frames)) < 0.1,
        np.array(rows, np.int64),
        persons,
        rng.random((len(persons), 4)).astype(np.float32),
        # Equal scores too.
        rng.integers(0, 4, len(persons)).astype(np.float32) / 4,
        rng.dirichlet(np.full(7, draw(st.sampled_from([0.1, 1.0]))), len(persons)).astype(
            np.float32
        ),
    )
