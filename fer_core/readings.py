"""What a network's answers are made into: what the labels would say, or what people would.

FER-2013 has one label a picture. Ten people who looked at the same pictures (Barsoum et al., 2016,
"Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution")
call many of its "angry" and "sad" faces neutral. A network answers both questions at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LABELS, PEOPLE = "labels", "people"
READINGS = (PEOPLE, LABELS)
DEFAULT_READING = PEOPLE


@dataclass(frozen=True, slots=True)
class BothReadings:
    """All that a model says of N faces; rows sum to 1.

    Attributes:
        labels: float32 ``(N, K)``, how probable each emotion is as FER-2013's label.
        people: float32 ``(N, K)``, the share of people who would choose each emotion.
        votes: float32 ``(N, A)``, the share of people who would give each of the crowd's answers,
            those that are no emotion of the model included.
    """

    labels: NDArray[np.float32]
    people: NDArray[np.float32]
    votes: NDArray[np.float32]


def check_reading(reading: str) -> str:
    """Return the name of a reading, if there is such a one.

    Raises:
        ValueError: There is none.
    """
    given: object = reading
    if not isinstance(given, str) or given not in READINGS:
        shown = repr(given) if isinstance(given, str) else type(given).__name__
        raise ValueError(f"There is no reading {shown}; there are {', '.join(READINGS)}.")
    return reading


def mix(
    people_logits: NDArray[np.floating], labels_logits: NDArray[np.floating], weight: float
) -> NDArray[np.float32]:
    """Return the geometric mean of two readings.

    Args:
        people_logits: ``(N, K)``, of the people's answers, divided by their temperature.
        labels_logits: ``(N, K)``, of the labels, divided by theirs.
        weight: Of the people's reading, 0 to 1; the rest is the labels'.

    Returns:
        float32 ``(N, K)``; rows sum to 1.
    """
    if weight == 1:
        return softmax(people_logits)
    # The mean of logits is, up to a factor that the softmax removes, that of log probabilities.
    return softmax(weight * people_logits + (1 - weight) * labels_logits)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the softmax over the last axis, float32, in the shape of ``logits``."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float64)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)
