"""Which pictures of the data set to show, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from train.evaluation.records import Audit
from ui.dataset.rows import Opinion, PictureRows

RIGHT, WRONG = "right", "wrong"
# Shares of votes are kept in fewer digits than a slider's bounds have.
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Filters:
    """Which pictures to show; what is empty or None lets all through.

    Attributes:
        splits: Names of splits.
        emotions: Labels.
        predicted: Emotions that the model says.
        result: ``RIGHT``, ``WRONG`` or "" for both.
        confidence: Lowest and highest probability of what the model says.
        measures: Lowest and highest value of "brightness", "contrast" and "sharpness".
        crowd: Lowest and highest share of FER+'s votes for the most chosen answer.
        crowd_says: "label" for the label, "other" for another emotion, "none" for no decision.
        only: "duplicates", "leaks" (test pictures with a near duplicate in Training), "no face".
    """

    splits: tuple[str, ...] = ()
    emotions: tuple[str, ...] = ()
    predicted: tuple[str, ...] = ()
    result: str = ""
    confidence: tuple[float, float] | None = None
    measures: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    crowd: tuple[float, float] | None = None
    crowd_says: str = ""
    only: str = ""


def select(
    rows: PictureRows, audit: Audit | None, model: str | None, filters: Filters
) -> NDArray[np.int64]:
    """Return the rows that pass the filters, int64 ``(M,)``, in their order.

    What is not known of a picture does not pass a filter that asks for it.

    Args:
        rows: All pictures.
        audit: For measures, crowd and findings; None lets nothing pass that asks for them.
        model: Name of the model whose opinion counts; None likewise.
        filters: What to let through.
    """
    kept = np.ones(len(rows), bool)
    for values, wanted in ((rows.splits, filters.splits), (rows.emotions, filters.emotions)):
        if wanted:
            kept &= np.isin(values, wanted)
    opinion = rows.opinions.get(model or "")
    if filters.predicted or filters.result or filters.confidence:
        kept &= False if opinion is None else _by_opinion(opinion, rows.emotions, filters)
    if filters.measures or filters.crowd or filters.crowd_says or filters.only:
        kept &= False if audit is None else _by_audit(rows, audit, filters)
    return np.flatnonzero(kept)


def _by_opinion(
    opinion: Opinion, emotions: NDArray[np.str_], filters: Filters
) -> NDArray[np.bool_]:
    kept = opinion.said != ""
    if filters.predicted:
        kept &= np.isin(opinion.said, filters.predicted)
    if filters.result:
        kept &= (opinion.said == emotions) == (filters.result == RIGHT)
    if filters.confidence:
        kept &= _between(opinion.confidence, filters.confidence)
    return np.asarray(kept, np.bool_)


def _by_audit(rows: PictureRows, audit: Audit, filters: Filters) -> NDArray[np.bool_]:
    kept = np.ones(len(audit), bool)
    for measure, bounds in filters.measures.items():
        kept &= _between(getattr(audit, measure), bounds)
    if filters.crowd:
        kept &= _between(audit.crowd_share, filters.crowd)
    if filters.crowd_says:
        same, decided = audit.crowd_emotion == audit.emotions, audit.crowd_emotion != ""
        kept &= {"label": same, "other": decided & ~same, "none": ~decided}[filters.crowd_says]
    if filters.only:
        findings = {
            "duplicates": audit.near >= 0,
            "leaks": audit.near_leaked,
            "no face": audit.no_face != "",
        }
        kept &= findings[filters.only]
    # The last one, for the pictures that the audit has not seen.
    return np.append(kept, False)[rows.audited]


def _between(values: NDArray[np.float32], bounds: tuple[float, float]) -> NDArray[np.bool_]:
    low, high = bounds[0] - _SLACK, bounds[1] + _SLACK
    return np.asarray((values >= low) & (values <= high), np.bool_)


# What to sort by: its title, and whether the highest come first.
ORDERS = {
    "number": ("Number", False),
    "confidence": ("Confidence, highest first", True),
    "doubt": ("Confidence, lowest first", False),
    "label": ("Probability of the label, lowest first", False),
    "sharpness": ("Sharpness, lowest first", False),
    "brightness": ("Brightness, darkest first", False),
    "bright": ("Brightness, brightest first", True),
    "contrast": ("Contrast, lowest first", False),
    "crowd": ("Agreement of the crowd, lowest first", False),
    "votes": ("Votes for the label, fewest first", False),
}
_AUDITED = {
    "sharpness": "sharpness",
    "brightness": "brightness",
    "bright": "brightness",
    "contrast": "contrast",
    "crowd": "crowd_share",
    "votes": "label_share",
}


def ordered(
    rows: PictureRows,
    selected: NDArray[np.int64],
    audit: Audit | None,
    model: str | None,
    order: str,
) -> NDArray[np.int64]:
    """Sort rows; those without a value come last, and equal ones keep their order.

    Args:
        rows: All pictures.
        selected: int64 ``(M,)``, rows to sort.
        audit: For what it measured.
        model: Name of the model whose opinion counts.
        order: One of ``ORDERS``; what is not known leaves the rows as they are.
    """
    values = _values(rows, audit, model, order)
    if values is None:
        return selected
    chosen = values[selected].astype(np.float64)
    if ORDERS[order][1]:
        chosen = -chosen
    # NaN sorts after everything.
    return selected[np.argsort(chosen, kind="stable")]


def _values(
    rows: PictureRows, audit: Audit | None, model: str | None, order: str
) -> NDArray[np.float32] | None:
    opinion = rows.opinions.get(model or "")
    if order in _AUDITED and audit is not None:
        measured: NDArray[np.float32] = getattr(audit, _AUDITED[order])
        return np.append(measured, np.float32(np.nan))[rows.audited]
    if opinion is not None and order in ("confidence", "doubt"):
        return opinion.confidence
    if opinion is not None and order == "label":
        return opinion.label_probability
    return None
