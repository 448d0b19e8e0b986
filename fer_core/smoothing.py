"""Probabilities smoothed over time, and verdicts that do not follow every flicker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import DEFAULT_THRESHOLD, UNCERTAIN, check_threshold

# Time constant in seconds: a new expression has 63 % of its weight after this time.
DEFAULT_SMOOTHING_S = 0.4
# In clips of one face at 30 frames a second, smoothed, half of the verdicts that held for less
# than 0.3 s go with this margin, and twice as much leaves hardly fewer.
VERDICT_MARGIN = 0.05


@dataclass(slots=True)
class _Person:
    time_s: float
    smoothed: NDArray[np.float64]
    verdict: str


class EmotionSmoother:
    """Exponential smoothing in time, causal, of each person for itself.

    The weight of a new reading is ``1 - exp(-dt / time_constant_s)``, where ``dt`` is the time
    since the person's last one: the same strength at every frame rate, and after a gap of
    several time constants the old readings no longer count.

    The verdict changes with hysteresis: another emotion has to lead the current one by
    ``VERDICT_MARGIN``, and "uncertain" begins that much below the threshold and ends that much
    above it. A person's first verdict, and all of them without smoothing, follow the plain rule
    of ``FaceReading.verdict``.

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
            known = _Person(time_s, new, self._plain_verdict(new))
            self._persons[person] = known
        else:
            elapsed_s = max(0.0, time_s - known.time_s)
            weight = -np.expm1(-elapsed_s / self.time_constant_s)
            known.smoothed = known.smoothed + weight * (new - known.smoothed)
            known.time_s = time_s
            known.verdict = self._next_verdict(known.smoothed, known.verdict)
        return known.smoothed.astype(np.float32), known.verdict

    def forget(self, before_s: float) -> None:
        """Drop the persons whose last reading is older than ``before_s`` seconds."""
        self._persons = {
            number: known for number, known in self._persons.items() if known.time_s >= before_s
        }

    def _plain_verdict(self, probabilities: NDArray[np.float64]) -> str:
        leader = int(np.argmax(probabilities))
        return self.labels[leader] if probabilities[leader] >= self.threshold else UNCERTAIN

    def _next_verdict(self, smoothed: NDArray[np.float64], verdict: str) -> str:
        leader = int(np.argmax(smoothed))
        if verdict == UNCERTAIN:
            # Near 1 the whole margin could never be reached.
            margin = min(VERDICT_MARGIN, (1 - self.threshold) / 2)
            return self.labels[leader] if smoothed[leader] >= self.threshold + margin else verdict
        held = self.labels.index(verdict)
        if smoothed[leader] >= smoothed[held] + VERDICT_MARGIN:
            held = leader
        certain = smoothed[held] >= self.threshold - VERDICT_MARGIN
        return self.labels[held] if certain else UNCERTAIN
