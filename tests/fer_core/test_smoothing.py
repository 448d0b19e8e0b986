"""Smoothing in time, and its verdicts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.labels import DEFAULT_THRESHOLD, UNCERTAIN
from fer_core.smoothing import DEFAULT_SMOOTHING_S, EmotionSmoother
from tests.properties import quick, thresholds, time_constants_s

LABELS = ("happy", "sad", "neutral")
HAPPY = np.array([1, 0, 0], np.float32)
SAD = np.array([0, 1, 0], np.float32)


def reading(happy: float, sad: float) -> np.ndarray:
    return np.array([happy, sad, 1 - happy - sad], np.float32)


def smoother(time_constant_s: float = 0.4, threshold: float = 0.4) -> EmotionSmoother:
    return EmotionSmoother(LABELS, time_constant_s=time_constant_s, threshold=threshold)


def test_defaults() -> None:
    plain = EmotionSmoother(LABELS)
    assert (plain.time_constant_s, plain.threshold) == (DEFAULT_SMOOTHING_S, DEFAULT_THRESHOLD)


def test_first_reading_is_taken_as_it_is() -> None:
    smoothed, verdict = smoother().update(1, 12.3, reading(0.25, 0.45))
    assert smoothed.tolist() == reading(0.25, 0.45).tolist()
    assert (smoothed.dtype, verdict) == (np.float32, "sad")


@pytest.mark.parametrize("steps", [1, 4, 12, 60])
def test_strength_is_the_same_at_every_frame_rate(steps: int) -> None:
    """A time constant behind a change, 63 % of it is there."""
    half_second = smoother(0.5)
    half_second.update(1, 0.0, HAPPY)
    for step in range(1, steps + 1):
        smoothed, _ = half_second.update(1, 0.5 * step / steps, SAD)
    assert smoothed[:2] == pytest.approx([math.exp(-1), 1 - math.exp(-1)], abs=1e-6)


def test_after_a_long_gap_the_old_no_longer_counts() -> None:
    gap = smoother(0.4)
    gap.update(1, 0.0, HAPPY)
    smoothed, verdict = gap.update(1, 4.0, SAD)
    assert smoothed[0] < 1e-4
    assert verdict == "sad"


def test_persons_do_not_mix() -> None:
    both = smoother()
    for k in range(5):
        happy, sad = both.update(1, k / 10, HAPPY), both.update(2, k / 10, SAD)
    assert (happy[0].tolist(), happy[1]) == (HAPPY.tolist(), "happy")
    assert (sad[0].tolist(), sad[1]) == (SAD.tolist(), "sad")


def test_sums_stay_one_and_nothing_is_shared() -> None:
    rng = np.random.default_rng(0)
    noisy = smoother()
    for k in range(2000):
        row = rng.dirichlet(np.ones(3)).astype(np.float32)
        before = row.copy()
        smoothed, _ = noisy.update(1, k / 30, row)
        assert smoothed.sum() == pytest.approx(1, abs=1e-6)
        assert (row == before).all()
        smoothed[:] = 9  # the caller's own
        row[:] = 9


def test_without_smoothing_verdicts_are_the_plain_ones() -> None:
    rng = np.random.default_rng(1)
    plain = smoother(0.0)
    for k in range(300):
        row = rng.dirichlet(np.ones(3)).astype(np.float32)
        smoothed, verdict = plain.update(1, k / 30, row)
        assert smoothed.tolist() == row.tolist()
        assert verdict == (LABELS[row.argmax()] if row.max() >= 0.4 else UNCERTAIN)


@pytest.mark.parametrize(
    ("row", "threshold", "verdict"),
    [
        ((0.5, 0.3), 0.5, "happy"),
        ((0.49, 0.3), 0.5, UNCERTAIN),
        ((0.4, 0.5), 0.4, "sad"),
        ((0.34, 0.33), 0.0, "happy"),
        ((1.0, 0.0), 1.0, "happy"),
    ],
)
def test_what_was_before_does_not_hold_a_verdict(
    row: tuple[float, float], threshold: float, verdict: str
) -> None:
    for before in (HAPPY, SAD, reading(0.35, 0.35)):
        long_after = smoother(threshold=threshold)
        long_after.update(1, 0.0, before)
        assert long_after.update(1, 100.0, reading(*row))[1] == verdict


def test_settings_may_change_meanwhile() -> None:
    live = smoother(10.0, threshold=0.9)
    assert live.update(1, 0.0, reading(0.6, 0.3))[1] == UNCERTAIN
    live.threshold = 0.3
    assert live.update(1, 0.1, reading(0.6, 0.3))[1] == "happy"
    live.time_constant_s = 0.0
    smoothed, verdict = live.update(1, 0.2, SAD)
    assert (smoothed.tolist(), verdict) == (SAD.tolist(), "sad")
    live.time_constant_s = 10.0
    assert live.update(1, 0.3, HAPPY)[0][1] > 0.9


def test_clocks_that_stand_still_or_go_back() -> None:
    clock = smoother(0.4)
    clock.update(1, 500.0, HAPPY)
    for time_s in (500.0, 500.0, 2.0):
        smoothed, _ = clock.update(1, time_s, SAD)
        assert smoothed.tolist() == HAPPY.tolist()
    smoothed, _ = clock.update(1, 2.4, SAD)  # it goes on from where it was set
    assert smoothed[1] == pytest.approx(1 - math.exp(-1), abs=1e-6)


def test_who_is_forgotten_begins_anew() -> None:
    long = smoother(100.0)
    long.update(1, 0.0, HAPPY)
    long.update(2, 50.0, HAPPY)
    long.forget(50.0)
    assert long.update(1, 51.0, SAD)[1] == "sad"
    assert long.update(2, 51.0, SAD)[1] == "happy"


@pytest.mark.parametrize("shape", [(2,), (4,), (1, 3), ()])
def test_other_numbers_of_probabilities_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="3 labels need as many"):
        smoother().update(1, 0.0, np.ones(shape, np.float32))


@quick
@given(
    st.lists(st.tuples(st.floats(-5, 100), st.integers(1, 2), st.integers(0, 99)), max_size=30),
    time_constants_s,
    thresholds,
)
def test_whatever_comes_in_probabilities_come_out(
    readings: list[tuple[float, int, int]], time_constant_s: float, threshold: float
) -> None:
    """Clocks that jump to and fro, two persons, and readings between which nothing is alike."""
    any_of_them = smoother(time_constant_s, threshold)
    lowest: dict[int, np.ndarray] = {}
    highest: dict[int, np.ndarray] = {}
    for time_s, person, seed in readings:
        row = np.random.default_rng(seed).dirichlet(np.full(3, 0.3)).astype(np.float32)
        smoothed, verdict = any_of_them.update(person, time_s, row)
        assert smoothed.sum() == pytest.approx(1, abs=1e-6)
        lowest[person] = np.minimum(lowest.get(person, row), row)
        highest[person] = np.maximum(highest.get(person, row), row)
        assert (smoothed >= lowest[person] - 1e-6).all()
        assert (smoothed <= highest[person] + 1e-6).all()
        leader = LABELS[smoothed.argmax()]
        assert verdict == (leader if float(smoothed.max()) >= threshold else UNCERTAIN)
        if time_constant_s == 0:
            assert (smoothed == row).all()
