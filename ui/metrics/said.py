"""What the figures come to, in a sentence for each group of the metrics page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import FLIP
from train.data.fer2013 import EXPECTED_COUNTS, PRIVATE_TEST, TRAINING
from train.evaluation.corruptions import CORRUPTIONS
from train.evaluation.metrics import most_confused
from train.evaluation.records import Architecture, Robustness
from ui.common.explorer_data import HEADLINE_SPLITS, metrics_of, stored
from ui.common.shares import in_words, of_ten, times

_AGAINST = {PEOPLE: "by what most people say", LABELS: "by FER-2013's labels"}
# A confidence that is off by no more may be taken at its word.
_SLIGHT = 0.05


def how_good(accuracy: float, agreement: float, recalls: Mapping[str, float]) -> str:
    """Return how often a model is right, as Markdown.

    Args:
        accuracy: Share of pictures read as FER-2013 labels them, 0 to 1.
        agreement: Share read as most of ten people do.
        recalls: Share of each emotion's pictures that is found.
    """
    best, worst = max(recalls, key=recalls.__getitem__), min(recalls, key=recalls.__getitem__)
    return (
        f"**It is right about {times(accuracy)}** ({accuracy:.0%}) by FER-2013's labels, and "
        f"about {times(agreement)} ({agreement:.0%}) by what most people say of the same faces. "
        f"By the labels it finds {best} faces {times(recalls[best])}, but {worst} only "
        f"{times(recalls[worst])}."
    )


def what_it_confuses(
    emotions: Sequence[str], confusion: Sequence[Sequence[int]], reading: str
) -> str:
    """Return the commonest mistake and which emotion is missed most, as Markdown.

    Args:
        emotions: K labels.
        confusion: K × K pictures; rows are true emotions.
        reading: Whose truth that is, one of ``fer_core.readings.READINGS``.
    """
    matrix = np.array(confusion, np.int64)
    pairs = most_confused(matrix, 1)
    if not pairs:
        return "**It makes no mistakes** on these pictures."
    pair = pairs[0]
    missed = 1 - np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1)
    worst, best = int(missed.argmax()), int(missed.argmin())
    return (
        f"**Its commonest mistake is to take {emotions[pair.true]} faces for "
        f"{emotions[pair.predicted]}**, {_AGAINST[reading]}: so it does with "
        f"{100 * pair.share:.0f} of a hundred. It "
        f"misses {emotions[worst]} most ({100 * missed[worst]:.0f} of a hundred) and "
        f"{emotions[best]} least ({100 * missed[best]:.0f})."
    )


def how_sure(calibration_error: float, robustness: Robustness | None, reading: str) -> str:
    """Return what the confidence is worth, and what spoils the verdicts most, as Markdown.

    Args:
        calibration_error: How far confidence and accuracy, or the shares of people that are said
            and those that are counted, lie apart on average, 0 to 1.
        robustness: Accuracy on spoilt pictures, where it was measured.
        reading: What the confidence means, one of ``fer_core.readings.READINGS``.
    """
    slight = calibration_error <= _SLIGHT
    if reading == PEOPLE:
        worth = "may be taken at their word" if slight else "are only a rough guide"
        said = f"**The shares of people that it says {worth}**: a bar is off by "
    else:
        worth = "may be taken at its word" if slight else "is only a rough guide"
        said = f"**Its own certainty {worth}**: it is off by "
    said += f"{_points(calibration_error)} on average."
    if robustness is None or not robustness.rows:
        return said
    worst = min(robustness.rows, key=lambda row: row.accuracy)
    way = CORRUPTIONS[worst.kind]
    return (
        f"{said} Spoilt pictures cost more, {way.title.lower()} most of all: where "
        f"{of_ten(robustness.clean.accuracy)} of ten clean faces are read as FER-2013 labels them, "
        f"only {of_ten(worst.accuracy)} are at the worst that was measured."
    )


def _points(difference: float) -> str:
    """Return a difference of two shares in words, such as "4 percentage points"."""
    points = round(100 * difference)
    return f"{points} percentage points" if points > 1 else "about one percentage point or less"


def the_network(architecture: Architecture, networks: int) -> str:
    """Return how large a model is and what it has learned from, as Markdown.

    Args:
        architecture: Of one picture's way through all of it.
        networks: How many are averaged.
    """
    pictures = sum(EXPECTED_COUNTS[TRAINING])
    count = in_words(networks)
    what = f"{count} networks that answer together" if networks > 1 else "one network"
    return (
        f"**{what.capitalize()}, trained from scratch** on FER-2013's {pictures:,} training "
        f"pictures and on no others: {architecture.parameters / 1e6:.1f} million numbers were "
        f"learned, and a face takes {architecture.multiply_adds / 1e6:.0f} million "
        "multiplications."
    )


def said_of(sentence: Callable[[str, str], str], model: str, reading: str) -> str:
    """Return a sentence about a model, or "" where what it needs was not measured."""
    try:
        return sentence(model, reading)
    except (FerError, LookupError, TypeError, ValueError):
        # The parts of the page say what is missing.
        return ""


def good_at(model: str, _reading: str) -> str:
    """Return ``how_good`` of a stored model, as the app reads; it has both readings."""
    split = _measured(model)
    figures = split[FLIP]
    recalls = {label: row["recall"] for label, row in figures["per_class"].items()}
    return how_good(figures["accuracy"], split[PEOPLE]["figures"]["people"]["share"], recalls)


def confused_by(model: str, reading: str) -> str:
    """Return ``what_it_confuses`` of a stored model, as the app reads."""
    split = _measured(model)
    if reading == PEOPLE:
        figures = split[PEOPLE]["figures"]["people"]
        return what_it_confuses(figures["answers"], figures["confusion"], reading)
    return what_it_confuses(split[FLIP]["labels"], split[FLIP]["confusion"], reading)


def sure_of(model: str, reading: str) -> str:
    """Return ``how_sure`` of a stored model, as the app reads."""
    try:
        robustness = stored(Robustness, model)
    except FerError:
        robustness = None
    split = _measured(model)
    if reading == PEOPLE:
        return how_sure(split[PEOPLE]["figures"]["people_shares"]["error"], robustness, reading)
    return how_sure(split[FLIP]["ece"], robustness, reading)


def made_of(model: str, _reading: str) -> str:
    """Return ``the_network`` of a stored model, which is one for both readings."""
    return the_network(stored(Architecture, model), int(_measured(model)[FLIP]["networks"]))


def _measured(model: str) -> dict[str, Any]:
    measured: dict[str, Any] = metrics_of(model)[HEADLINE_SPLITS.get(model, PRIVATE_TEST)]
    return measured
