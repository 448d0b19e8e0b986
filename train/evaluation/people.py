"""The people's reading against the people: FER+'s votes on FER-2013's pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import ClassSet
from fer_core.readings import BothReadings
from train.data.ferplus import EXPRESSIONS, decided, vote_shares
from train.evaluation import metrics

SHARE_BINS = 10
THRESHOLDS = tuple(step / 20 for step in range(21))
# "Uncertain" is what keeps verdicts from being wrong more often than this.
WANTED_AGREEMENT = 0.9


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a reading is what the crowd decided.

    Attributes:
        answers: The A answers that can be given.
        pictures: Number of pictures on which the crowd decided for one of them.
        share: Share of these on which the most probable answer is the crowd's.
        interval: Its 95 % bootstrap interval.
        without_leaked: The same share without the pictures that are pixel-identical to one of
            Training.
        macro_f1: Mean F1 of the answers.
        confusion: ``(A, A)`` counts; rows are the crowd's decisions, columns predicted answers.
    """

    answers: tuple[str, ...]
    pictures: int
    share: float
    interval: tuple[float, float]
    without_leaked: float
    macro_f1: float
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class ShareBin:
    """Forecast shares within some range, and the actual ones.

    Attributes:
        low: Lower end of the range, outside of it but for 0.
        high: Upper end.
        bars: Number of forecasts, one per picture and answer.
        forecast: Their mean.
        actual: Mean of the actual shares of the votes.
    """

    low: float
    high: float
    bars: int
    forecast: float
    actual: float


@dataclass(frozen=True, slots=True)
class ShareCalibration:
    """Whether "six of ten would say so" is what six of ten say.

    Attributes:
        pictures: Number of pictures with votes for one of the answers.
        error: Gap between forecast and actual share, averaged over the bins, weighed by their bars:
            an expected calibration error over all bars.
        bins: By rising share; empty ones are left out.
    """

    pictures: int
    error: float
    bins: tuple[ShareBin, ...]


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What a threshold for "uncertain" leaves.

    Attributes:
        threshold: Share from which on a reading is a verdict.
        coverage: Share of the pictures that get one.
        agreement: Share of these on which it is what the crowd decided; None without any.
    """

    threshold: float
    coverage: float
    agreement: float | None


@dataclass(frozen=True, slots=True)
class PeopleFigures:
    """The people's reading of some pictures.

    Attributes:
        without_votes: Pictures that FER+ does not have.
        undecided: Pictures that it has, without a decision for one of its eight expressions.
        votes: The crowd's eight answers; the protocol of Barsoum et al. (2016).
        people: The served reading, in the model's emotions.
        vote_shares: Calibration of the eight answers.
        people_shares: Calibration of the served reading; the actual shares are those among the
            model's emotions.
        coverage: What thresholds for "uncertain" leave of the served reading, by rising threshold;
            of the pictures that count in ``people``.
    """

    without_votes: int
    undecided: int
    votes: Agreement
    people: Agreement
    vote_shares: ShareCalibration
    people_shares: ShareCalibration
    coverage: tuple[CoverageRow, ...]


def people_figures(
    read: BothReadings,
    answers: Sequence[str],
    class_set: ClassSet,
    votes: NDArray[np.int64],
    leaked: NDArray[np.bool_],
) -> PeopleFigures:
    """Measure the people's reading of N pictures.

    Args:
        read: What the model says of them.
        answers: The A answers of ``read.votes``.
        class_set: The K emotions of ``read.people``.
        votes: int64 ``(N, 10)``, FER+'s.
        leaked: bool ``(N,)``, which pictures are pixel-identical to one of Training.
    """
    by_answer = positions_in(answers, votes)
    by_emotion = positions_in(class_set.labels, votes)
    known = by_emotion >= 0
    return PeopleFigures(
        without_votes=int((votes.sum(axis=1) == 0).sum()),
        undecided=int(((votes.sum(axis=1) > 0) & (decided(votes) < 0)).sum()),
        votes=_agreement(read.votes, tuple(answers), by_answer, leaked),
        people=_agreement(read.people, class_set.labels, by_emotion, leaked),
        vote_shares=share_calibration(read.votes, vote_shares(votes, answers)),
        people_shares=share_calibration(read.people, vote_shares(votes, class_set.labels)),
        coverage=coverage_of(read.people[known], by_emotion[known]),
    )


def positions_in(answers: Sequence[str], votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where among some answers the crowd's decisions are, int64 ``(N,)``; -1 for nowhere.

    Args:
        answers: Some of ``train.data.ferplus.ANSWERS``.
        votes: int64 ``(N, 10)``, FER+'s.
    """
    places = [answers.index(answer) if answer in answers else -1 for answer in EXPRESSIONS]
    return np.array([*places, -1], np.int64)[decided(votes)]


def share_calibration(
    forecast: NDArray[np.floating], actual: NDArray[np.floating], bins: int = SHARE_BINS
) -> ShareCalibration:
    """Compare forecast with actual shares of votes, every bar of every picture.

    Args:
        forecast: ``(N, A)``; rows sum to 1.
        actual: ``(N, A)``; rows sum to 1, or to 0 for pictures without votes, which are left out.
        bins: Number of bins of equal width, open below and closed above.
    """
    voted = actual.sum(axis=1) > 0
    said, given = (rows[voted].astype(np.float64).ravel() for rows in (forecast, actual))
    position = metrics.calibration_bins(said, bins)
    counts = np.bincount(position, minlength=bins)
    sums = [np.bincount(position, weights=rows, minlength=bins) for rows in (said, given)]
    rows = tuple(
        ShareBin(k / bins, (k + 1) / bins, int(counts[k]), *(float(s[k] / counts[k]) for s in sums))
        for k in np.flatnonzero(counts).tolist()
    )
    error = float(np.abs(sums[0] - sums[1]).sum() / max(1, len(said)))
    return ShareCalibration(int(voted.sum()), error, rows)


def coverage_of(
    shares: NDArray[np.floating], decisions: NDArray[np.int64]
) -> tuple[CoverageRow, ...]:
    """Return what each of ``THRESHOLDS`` leaves.

    Args:
        shares: ``(N, K)``, a reading.
        decisions: int64 ``(N,)``, positions of what the crowd decided.
    """
    top, right = shares.max(axis=1), shares.argmax(axis=1) == decisions
    rows = []
    for threshold in THRESHOLDS:
        given = top >= threshold
        agreement = float(right[given].mean()) if given.any() else None
        rows.append(CoverageRow(threshold, float(given.sum() / max(1, len(given))), agreement))
    return tuple(rows)


def proposed_threshold(coverage: Sequence[CoverageRow]) -> float | None:
    """Return the smallest threshold whose verdicts agree with the crowd often enough, or None."""
    good = (
        row.threshold
        for row in coverage
        if row.agreement is not None and row.agreement >= WANTED_AGREEMENT
    )
    return min(good, default=None)


def _agreement(
    shares: NDArray[np.floating],
    answers: tuple[str, ...],
    decisions: NDArray[np.int64],
    leaked: NDArray[np.bool_],
) -> Agreement:
    known = decisions >= 0
    if not known.any():
        return Agreement(answers, 0, 0.0, (0.0, 0.0), 0.0, 0.0, [])
    wanted, predicted = decisions[known], shares[known].argmax(axis=1)
    right, new = predicted == wanted, ~leaked[known]
    confusion = metrics.confusion_matrix(wanted, predicted, len(answers))
    return Agreement(
        answers,
        int(known.sum()),
        float(right.mean()),
        metrics.bootstrap_interval(right),
        float(right[new].mean()) if new.any() else 0.0,
        metrics.class_scores(confusion).macro_f1,
        confusion.tolist(),
    )
