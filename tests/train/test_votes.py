from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from fer_core.tta import TTA_MODES
from train.data import FaceSet
from train.errors import DataError
from train.findings import Predictions
from train.votes import ANSWERS, NOT_A_FACE, Votes, crowd_agreement, majority, read_votes

HEADER = "image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"


def counts(**votes: int) -> np.ndarray:
    return np.array([votes.get(answer.replace(" ", "_"), 0) for answer in ANSWERS])


def test_the_real_votes(ferplus_file: Path, whole_set: FaceSet) -> None:
    votes = read_votes(ferplus_file)
    assert len(votes.counts) == 35_710
    emotions = np.array(FER7.labels)[whole_set.labels]
    table = votes.of(whole_set.names, emotions)
    voted = table.sum(axis=1) > 0
    assert voted.sum() == 35_710
    assert (table[voted].sum(axis=1) >= 9).all()
    # As measured elsewhere: where half of the voters agree, two thirds agree with the label.
    clear = voted & (table.max(axis=1) >= table.sum(axis=1) / 2)
    agree = (majority(table) == whole_set.labels)[clear].mean()
    assert agree == pytest.approx(0.67, abs=0.02)


def test_a_row_by_name_and_label(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(
        HEADER
        + "train/angry/Training_1.jpg,0,0,0,0,9,0,0,0,0,1\n"
        + "train/surprise/Training_1.jpg,0,0,8,0,2,0,0,0,0,0\n",
        encoding="utf-8",
    )
    names = np.array(["Training_1", "Training_1", "Training_1", "Training_2"])
    table = read_votes(path).of(names, np.array(["angry", "surprise", "happy", "angry"]))
    assert table[0].tolist() == counts(angry=9, not_a_face=1).tolist()
    assert table[1].tolist() == counts(surprise=8, angry=2).tolist()
    assert table[2:].sum() == 0
    assert table[0, NOT_A_FACE] == 1


def test_no_pictures_have_no_votes() -> None:
    assert Votes({}).of(np.array([], str), np.array([], str)).shape == (0, 10)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "cannot be read"),
        (b"", "no columns"),
        (b"image,neutral\nx,1\n", "no columns"),
        (HEADER.encode(), "no votes"),
        ((HEADER + "train/angry/a.jpg,1,2,x,4,5,6,7,8,9,0\n").encode(), "row 1"),
        ((HEADER + "train/angry/a.jpg,1,2\n").encode(), "row 1"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, content: bytes | None, word: str) -> None:
    path = tmp_path / "votes.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=word):
        read_votes(path)


def test_the_majority_is_one_known_emotion() -> None:
    table = np.stack(
        [
            counts(happy=6, neutral=4),
            counts(happy=5, neutral=5),
            counts(contempt=6, neutral=4),
            counts(disgust=7, angry=3),
            counts(),
        ]
    )
    assert majority(table).tolist() == [3, -1, -1, 1, -1]
    assert majority(table, FER6).tolist() == [2, -1, -1, -1, -1]


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
        dict.fromkeys(TTA_MODES, probabilities),
        FER7,
    )
    votes = Votes(
        {
            (names[0], "happy"): counts(happy=10),
            (names[1], "happy"): counts(sad=9, happy=1),
            (names[2], "happy"): counts(happy=6, neutral=4),
            (names[3], "happy"): counts(happy=5, neutral=5),
            (names[4], "happy"): counts(contempt=9, happy=1),
            (names[6], "happy"): counts(happy=10),
        }
    )
    crowd = crowd_agreement(predictions, votes)
    assert (crowd.pictures, crowd.without_votes, crowd.undecided) == (3, 1, 2)
    low, high = crowd.rows
    assert (low.low, low.high, low.pictures) == (0.6, 0.7, 1)
    assert (low.model_label, low.model_crowd, low.crowd_label) == (1, 1, 1)
    assert (high.low, high.high, high.pictures) == (0.9, 1.0, 2)
    assert (high.model_label, high.model_crowd, high.crowd_label) == (0.5, 1, 0.5)
