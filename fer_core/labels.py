"""The emotions, their order and their colours, defined once.

The order of the seven classes is the order of the labels 0-6 in ``fer2013.csv``
(Goodfellow et al., 2013, "Challenges in Representation Learning").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassSet:
    """An ordered set of emotions that a network tells apart.

    Attributes:
        name: Name of the set, which is also the default model's name.
        labels: Emotions in the order of the network's outputs.
    """

    name: str
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


FER7 = ClassSet("fer7", ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"))
FER6 = ClassSet("fer6", tuple(label for label in FER7.labels if label != "disgust"))
CLASS_SETS = MappingProxyType({class_set.name: class_set for class_set in (FER7, FER6)})

# Each has a contrast of at least 3:1 against both of the app's backgrounds (WCAG 2, graphical
# objects). Within that, lightness and hue were searched for the largest distance between any two,
# for usual eyes and for the three kinds of dichromacy (Machado et al., 2009).
EMOTION_COLORS = MappingProxyType(
    {
        "angry": "#B83814",
        "disgust": "#21705B",
        "fear": "#914C88",
        "happy": "#E17101",
        "sad": "#0E55FE",
        "surprise": "#149FCF",
        "neutral": "#898A8F",
    }
)
UNCERTAIN = "uncertain"
UNCERTAIN_COLOR = "#A49171"
# Confidence below which a verdict is "uncertain", where nothing else is asked for: from here on,
# nine of ten verdicts are what most people say (docs/TRAINING.md, "Two readings").
DEFAULT_THRESHOLD = 0.45


def class_set(name: str) -> ClassSet:
    """Return the class set called ``name``.

    Raises:
        ValueError: There is no such class set.
    """
    try:
        return CLASS_SETS[name]
    except KeyError:
        raise ValueError(f"No class set '{name}'; there are {', '.join(CLASS_SETS)}.") from None


def check_threshold(threshold: float) -> float:
    """Return a confidence below which a verdict is "uncertain", if it can be one.

    Raises:
        TypeError: It is no number.
        ValueError: It is not within 0 to 1.
    """
    try:
        possible = bool(0 <= threshold <= 1)
    except (TypeError, ValueError):  # the latter from an array of several
        kind = type(threshold).__name__
        raise TypeError(f"A threshold must be a number from 0 to 1, not {kind}.") from None
    if not possible:
        raise ValueError(f"A threshold must be from 0 to 1, not {threshold}.")
    return float(threshold)


def verdict_of(
    labels: Sequence[str], probabilities: NDArray[np.floating[Any]], threshold: float
) -> str:
    """Return the most probable emotion, or "uncertain"; the only rule for verdicts there is.

    Args:
        labels: K emotions.
        probabilities: ``(K,)`` in their order.
        threshold: Confidence below which the verdict is "uncertain", 0 to 1.
    """
    leader = int(probabilities.argmax())
    return labels[leader] if float(probabilities[leader]) >= threshold else UNCERTAIN


def color_of(label: str) -> str:
    """Return the chart colour of an emotion, or of "uncertain", as ``#RRGGBB``."""
    return EMOTION_COLORS.get(label, UNCERTAIN_COLOR)


def bgr_color_of(label: str) -> tuple[int, int, int]:
    """Return the colour of ``color_of`` as the (blue, green, red) that OpenCV draws with."""
    return hex_to_bgr(color_of(label))


def hex_to_bgr(color: str) -> tuple[int, int, int]:
    """Return ``#RRGGBB`` as the (blue, green, red) that OpenCV draws with."""
    red, green, blue = bytes.fromhex(color[1:])
    return blue, green, red
