"""Probabilities smoothed over time, and their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import DEFAULT_THRESHOLD, check_threshold, verdict_of

# Time constant in seconds: a new expression has 63 % of its weight after this time.
DEFAULT_SMOOTHING_S = 0.4


@dataclass(slots=True)
class _Person:
    time_s: float
    smoothed: NDArray[np.float64]


class EmotionSmoother:
    """Exponential smoothing in time, causal, of each person for itself.

    The weight of a new reading is ``1 - exp(-dt / time_constant_s)``, where ``dt`` is the time
    since the person's last one: the same strength at every frame rate, and after a gap of
    several time constants the old readings no longer count.

    The verdict follows from the smoothed probabilities alone, by ``labels.verdict_of``: whoever
    looks at a row, at a chart or at the slider of the threshold can tell why it is what it is.

    Attributes:
        labels: The K emotions in the order of the probabilities.
        time_constant_s: In seconds; 0 switches smoothing off. May be changed at any time.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1. May be changed at
            any time.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        time_constant_s: float = DEFAULT_SMOOTHING_S,
        threshold: float = DEFAULT_THRESHOLD,
    ) -> None:
        self.labels = tuple(labels)
        self.time_constant_s = time_constant_s
        self.threshold = check_threshold(threshold)
        self._persons: dict[int, _Person] = {}

    def update(
        self, person: int, time_s: float, probabilities: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], str]:
        """Take in a person's reading.

        Args:
            person: The person's number.
            time_s: Time of the reading in seconds. A time before the last one counts as the
                same time, and the clock goes on from there.
            probabilities: float32 ``(K,)``, summing to 1; not changed.

        Returns:
            The smoothed probabilities, float32 ``(K,)`` summing to 1, and the verdict.

        Raises:
            ValueError: There are not as many probabilities as labels.
        """
        if probabilities.shape != (len(self.labels),):
            raise ValueError(
                f"{len(self.labels)} labels need as many probabilities, not {probabilities.shape}."
            )
        new = probabilities.astype(np.float64)
        known = self._persons.get(person)
        if known is None or self.time_constant_s <= 0:
            known = _Person(time_s, new)
            self._persons[person] = known
        else:
            elapsed_s = max(0.0, time_s - known.time_s)
            weight = -np.expm1(-elapsed_s / self.time_constant_s)
            known.smoothed = known.smoothed + weight * (new - known.smoothed)
            known.time_s = time_s
        smoothed = known.smoothed.astype(np.float32)
        return smoothed, verdict_of(self.labels, smoothed, self.threshold)

    def forget(self, before_s: float) -> None:
        """Drop the persons whose last reading is older than ``before_s`` seconds."""
        self._persons = {
            number: known for number, known in self._persons.items() if known.time_s >= before_s
        }
