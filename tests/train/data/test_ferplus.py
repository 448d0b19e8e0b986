from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.labels import FER6
from train.data.fer2013 import FaceSet
from train.data.ferplus import (
    ANSWERS,
    NOT_A_FACE,
    Votes,
    decided,
    expression_shares,
    majority,
    read_votes,
    vote_shares,
)
from train.data.picture_ids import picture_ids
from train.errors import DataError

HEADER = "image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"


def counts(**votes: int) -> np.ndarray:
    return np.array([votes.get(answer.replace(" ", "_"), 0) for answer in ANSWERS])


def test_the_real_votes(real_votes: Votes, whole_set: FaceSet) -> None:
    assert len(real_votes.counts) == 35_710
    table = real_votes.of(whole_set.ids)
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
    labels = np.array(["angry", "surprise", "happy", "angry"])
    table = read_votes(path).of(picture_ids(names, labels))
    assert table[0].tolist() == counts(angry=9, not_a_face=1).tolist()
    assert table[1].tolist() == counts(surprise=8, angry=2).tolist()
    assert table[2:].sum() == 0
    assert table[0, NOT_A_FACE] == 1


def test_no_pictures_have_no_votes() -> None:
    assert Votes({}).of(np.array([], str)).shape == (0, 10)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder, not a table of votes"):
        read_votes(tmp_path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "no table of votes"),
        (b"", "no columns"),
        (b"image,neutral\nx,1\n", "no columns"),
        (HEADER.encode(), "no votes"),
        ((HEADER + "train/angry/a.jpg,1,2,x,4,5,6,7,8,9,0\n").encode(), "row 1"),
        ((HEADER + "train/angry/a.jpg,1,2\n").encode(), "row 1"),
        ((HEADER + "train/angry/a.jpg" + ",99999999999999999999" * 10).encode(), "row 1"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, content: bytes | None, word: str) -> None:
    path = tmp_path / "votes.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=word):
        read_votes(path)


def test_shares_of_the_expressions_among_all_votes() -> None:
    votes = np.zeros((3, 10), np.int64)
    votes[0, [0, 1]] = 3, 1
    votes[1, [7, NOT_A_FACE]] = 4, 6
    shares = expression_shares(votes)
    assert shares.dtype == np.float32
    assert shares.shape == (3, 8)
    np.testing.assert_allclose(shares.sum(1), [1, 0.4, 0], rtol=1e-6)
    np.testing.assert_allclose(shares[0, :2], [0.75, 0.25])


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


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ({"happy": 10}, "happy"),
        ({"contempt": 6, "happy": 4}, "contempt"),
        # A tie, and no more than half.
        ({"happy": 5, "sad": 5}, None),
        ({"happy": 5, "sad": 3, "fear": 2}, None),
        # Single votes do not count: five of nine are left.
        ({"happy": 5, "sad": 4, "fear": 1}, "happy"),
        ({"happy": 1}, None),
        ({"unknown": 8, "happy": 2}, None),
        ({"not_a_face": 10}, None),
        ({}, None),
    ],
)
def test_the_crowd_decides_by_the_rule_of_ferplus(
    votes: dict[str, int], expected: str | None
) -> None:
    (found,) = decided(counts(**votes)[np.newaxis])
    assert found == (-1 if expected is None else ANSWERS.index(expected))


def test_decisions_on_the_real_votes(real_votes: Votes, whole_set: FaceSet) -> None:
    """As many as the rule keeps that the authors of FER+ published as code."""
    for split, kept in (("PublicTest", 3_199), ("PrivateTest", 3_152)):
        found = decided(real_votes.of(whole_set.split(split).ids))
        assert (found >= 0).sum() == kept


def test_shares_of_some_answers() -> None:
    table = np.array([counts(happy=6, sad=2, unknown=2), counts(unknown=10)])
    assert vote_shares(table, ("sad", "happy")).tolist() == [[0.25, 0.75], [0, 0]]
