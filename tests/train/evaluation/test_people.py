from __future__ import annotations

import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from fer_core.readings import BothReadings
from tests.train.data.test_ferplus import counts
from train.data.ferplus import ANSWERS, EXPRESSIONS
from train.evaluation.people import (
    THRESHOLDS,
    coverage_of,
    people_figures,
    positions_in,
    proposed_threshold,
    share_calibration,
)


def test_calibration_of_all_shares_by_hand() -> None:
    forecast = np.array([[0.9, 0.1], [0.35, 0.65], [0.5, 0.5]])
    actual = np.array([[1.0, 0.0], [0.4, 0.6], [0.0, 0.0]])
    result = share_calibration(forecast, actual)
    # The third picture has no votes. 0.1, 0.35, 0.65 and 0.9 each lie in a bin of their own.
    assert result.pictures == 2
    assert [row.bars for row in result.bins] == [1, 1, 1, 1]
    assert [row.forecast for row in result.bins] == pytest.approx([0.1, 0.35, 0.65, 0.9])
    assert [row.actual for row in result.bins] == pytest.approx([0, 0.4, 0.6, 1])
    assert (result.bins[0].low, result.bins[0].high) == (0, 0.1)
    assert result.error == pytest.approx((0.1 + 0.05 + 0.05 + 0.1) / 4)


def test_honest_shares_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(8), 20_000)
    votes = np.array([rng.multinomial(10, row) for row in shares]) / 10
    assert share_calibration(shares, votes).error < 0.005
    surer = shares**3 / (shares**3).sum(axis=1, keepdims=True)
    assert share_calibration(surer, votes).error > 0.05


def test_coverage_by_hand() -> None:
    shares = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.55, 0.45]])
    rows = {row.threshold: row for row in coverage_of(shares, np.array([0, 0, 1, 1]))}
    assert tuple(rows) == THRESHOLDS
    assert (rows[0.5].coverage, rows[0.5].agreement) == (1, 0.75)
    assert (rows[0.6].coverage, rows[0.6].agreement) == (0.75, 1)
    assert (rows[0.9].coverage, rows[0.95].coverage) == (0.25, 0)
    assert rows[0.95].agreement is None
    assert proposed_threshold([*rows.values()]) == 0.6
    assert proposed_threshold([rows[0.5]]) is None


def test_a_threshold_counts_itself_in_float32() -> None:
    shares = np.array([[0.7, 0.3]], np.float32)
    rows = {row.threshold: row.coverage for row in coverage_of(shares, np.array([0]))}
    assert (rows[0.7], rows[0.75]) == (1, 0)


VOTES = np.array(
    [
        counts(happy=8, neutral=2),
        counts(contempt=9, happy=1),
        counts(disgust=10),
        counts(happy=5, neutral=5),
        counts(unknown=9, sad=1),
        counts(),
    ]
)


def test_pictures_by_the_protocol_of_ferplus() -> None:
    assert positions_in(EXPRESSIONS, VOTES).tolist() == [1, 7, 5, -1, -1, -1]
    assert positions_in(FER6.labels, VOTES).tolist() == [FER6.labels.index("happy"), *[-1] * 5]
    happy = np.tile(np.eye(7, dtype=np.float32)[FER7.labels.index("happy")], (6, 1))
    crowd = np.tile(np.eye(8, dtype=np.float32)[ANSWERS.index("happy")], (6, 1))
    leaked = np.array([True, False, False, False, False, False])
    figures = people_figures(BothReadings(happy, happy, crowd), EXPRESSIONS, FER7, VOTES, leaked)
    assert (figures.without_votes, figures.undecided) == (1, 2)
    assert (figures.votes.pictures, figures.votes.share) == (3, pytest.approx(1 / 3))
    assert (figures.people.pictures, figures.people.share) == (2, 0.5)
    assert (figures.votes.without_leaked, figures.people.without_leaked) == (0, 0)
    assert np.array(figures.votes.confusion).sum() == 3
    # Where someone voted for one of the answers, decided or not.
    assert (figures.vote_shares.pictures, figures.people_shares.pictures) == (5, 5)
