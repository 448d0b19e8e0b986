from __future__ import annotations

import numpy as np

from fer_core.labels import FER7
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import FLIP, ONE_VIEW
from tests.train.data.test_ferplus import counts
from train.data.ferplus import Votes
from train.data.picture_ids import picture_id
from train.evaluation.crowd_agreement import crowd_agreement
from train.evaluation.records import Predictions


def test_agreement_by_how_much_the_crowd_agrees() -> None:
    names = np.array([f"PublicTest_{index}" for index in range(6)] + ["Training_9"])
    labels = np.full(7, FER7.labels.index("happy"))
    predicted = np.array(["happy", "sad", "happy", "happy", "happy", "happy", "happy"])
    probabilities = np.eye(7, dtype=np.float32)[[FER7.labels.index(p) for p in predicted]]
    predictions = Predictions(
        names,
        np.array(["PublicTest"] * 6 + ["Training"]),
        labels,
        np.zeros(7, bool),
        np.full(7, ""),
        {(LABELS, ONE_VIEW): probabilities, (PEOPLE, FLIP): probabilities[[1, 0, 0, 0, 0, 0, 0]]},
        np.empty((7, 0), np.float32),
        (),
        FER7,
    )
    votes = Votes(
        {
            picture_id(names[0], "happy"): counts(happy=10),
            picture_id(names[1], "happy"): counts(sad=9, happy=1),
            picture_id(names[2], "happy"): counts(happy=6, neutral=4),
            picture_id(names[3], "happy"): counts(happy=5, neutral=5),
            picture_id(names[4], "happy"): counts(contempt=9, happy=1),
            picture_id(names[6], "happy"): counts(happy=10),
        }
    )
    crowd = crowd_agreement(predictions, votes)
    assert (crowd.pictures, crowd.without_votes, crowd.undecided) == (3, 1, 2)
    low, high = crowd.rows
    assert (low.low, low.high, low.pictures) == (0.6, 0.7, 1)
    assert (low.model_label, low.model_crowd, low.crowd_label) == (1, 1, 1)
    assert (high.low, high.high, high.pictures) == (0.9, 1.0, 2)
    assert (high.model_label, high.model_crowd, high.crowd_label) == (0.5, 1, 0.5)
    # The people's reading of the first is sad, of the others happy.
    assert (low.people_crowd, high.people_crowd) == (1, 0)
