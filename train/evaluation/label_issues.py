"""Likely wrong labels, ranked by how much somebody else's opinion outweighs them.

For a Training picture that is FER+'s crowd: the model has learned these very labels, and no model
was trained without them, so its agreement says nothing. For a test picture it is the model, by its
confidence against the label (Northcutt et al., 2021, "Confident Learning"); whether the crowd
suggests the same emotion stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.fer2013 import TEST, TRAINING
from train.data.picture_ids import PictureIndex
from train.evaluation.records import Audit, Predictions

BY_CROWD, BY_MODEL = "crowd", "model"
# From this margin on a label is likely wrong; below, people may well differ.
LIKELY = 0.5


@dataclass(frozen=True, slots=True)
class LabelIssues:
    """Pictures whose labels somebody contradicts, the likeliest to be wrong first.

    Attributes:
        positions: int64 ``(D,)``, rows of the audit.
        suggested: str ``(D,)``, the emotion that outweighs the label.
        margins: float64 ``(D,)``, share of the votes for it less that for the label, or its
            probability less that of the label; above 0, at most 1.
        sources: str ``(D,)``: "crowd" or "model".
        agreed: bool ``(D,)``: whether the crowd's majority suggests the same emotion.
    """

    positions: NDArray[np.int64]
    suggested: NDArray[np.str_]
    margins: NDArray[np.float64]
    sources: NDArray[np.str_]
    agreed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def likely(self) -> int:
        """Number of labels that are likely wrong: the first so many."""
        return int((self.margins >= LIKELY).sum())


def find_label_issues(audit: Audit, predictions: Predictions | None = None) -> LabelIssues:
    """Rank the likely wrong labels.

    Args:
        audit: For Training, its crowd's votes; without votes no picture of Training is doubted.
        predictions: For the test pictures; None to leave them out.
    """
    by_crowd = (audit.splits == TRAINING) & (audit.crowd_emotion != "")
    positions = np.flatnonzero(by_crowd & (audit.crowd_emotion != audit.emotions))
    margins = (audit.crowd_share - audit.label_share)[positions].astype(np.float64)
    suggested = audit.crowd_emotion[positions]
    sources = np.full(len(positions), BY_CROWD)
    if predictions is not None:
        tests, said, by_model = _against_the_model(audit, predictions)
        positions, suggested = np.r_[positions, tests], np.r_[suggested, said]
        margins = np.r_[margins, by_model]
        sources = np.r_[sources, np.full(len(tests), BY_MODEL)]
    order = np.argsort(-margins, kind="stable")
    positions, suggested = positions[order], suggested[order]
    return LabelIssues(
        positions,
        suggested,
        margins[order],
        sources[order],
        audit.crowd_emotion[positions] == suggested,
    )


def _against_the_model(
    audit: Audit, predictions: Predictions
) -> tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.float64]]:
    """Return the test pictures that the model contradicts, with its answers and margins."""
    tests = predictions.split(TEST).verdicts()
    positions = PictureIndex(audit.ids).positions_of(tests.ids)
    rows = np.arange(len(tests))
    margins = tests.probabilities[rows, tests.predicted] - tests.probabilities[rows, tests.labels]
    wrong = ~tests.correct & (positions >= 0)
    return positions[wrong], tests.said[wrong], margins[wrong].astype(np.float64)
