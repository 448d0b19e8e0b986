from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest

from fer_core.labels import FER6
from train.data.fer2013 import PUBLIC_TEST, TRAINING, FaceSet, hold_out
from train.data.ferplus import ANSWERS, EXPRESSIONS, read_votes
from train.errors import DataError
from train.training.campaign_data import CampaignPart, pack_campaign_data, read_campaign_data


def same(part: CampaignPart, faces: FaceSet) -> None:
    assert np.array_equal(part.faces.faces_gray, faces.faces_gray)
    assert np.array_equal(part.faces.labels, faces.labels)
    assert np.array_equal(part.faces.names, faces.names)


def test_what_was_packed_comes_back_in_parts(
    packed_file: Path, tiny_set: FaceSet, tiny_votes: Path
) -> None:
    data = read_campaign_data(packed_file, 0.2, 3)
    learned, held = hold_out(tiny_set.split(TRAINING), 0.2, 3)
    same(data.training, learned)
    same(data.held_out, held)
    same(data.public_test, tiny_set.split(PUBLIC_TEST))
    assert list(data.checks) == ["held-out", "PublicTest"]

    votes = read_votes(tiny_votes)
    for part in (data.training, data.held_out, data.public_test):
        counts = votes.of(part.faces.ids)
        shares = counts[:, : len(EXPRESSIONS)] / np.maximum(counts.sum(1, keepdims=True), 1)
        assert part.shares.dtype == np.float32
        np.testing.assert_allclose(part.shares, shares, rtol=1e-6)

    first = tiny_set.split(TRAINING).names[0]
    for part in (data.training, data.held_out):
        known = part.faces.names != first
        assert (part.framings[known] == [[1, 0, -1], [0, 1, 0]]).all()
        assert np.isnan(part.framings[~known]).all()
    assert not data.public_test.has_framings
    assert data.training.has_framings


def test_no_picture_of_private_test_travels(packed_file: Path) -> None:
    with np.load(packed_file) as stored:
        assert set(stored["splits"].tolist()) == {TRAINING, PUBLIC_TEST}
        assert stored["votes"].shape[1] == len(ANSWERS)


def test_other_classes_keep_votes_and_framings_with_their_pictures(packed_file: Path) -> None:
    part = read_campaign_data(packed_file, 0.2, 0).training
    chosen = part.as_classes(FER6)
    assert "disgust" not in FER6.labels
    assert len(part) > len(chosen) == len(chosen.shares) == len(chosen.framings)
    rows = {name: row for row, name in enumerate(part.faces.names.tolist())}
    where = [rows[name] for name in chosen.faces.names.tolist()]
    assert np.array_equal(chosen.faces.faces_gray, part.faces.faces_gray[where])
    assert np.array_equal(chosen.shares, part.shares[where])
    assert np.array_equal(chosen.framings, part.framings[where], equal_nan=True)


def test_a_table_has_no_files_to_pack(tiny_set: FaceSet, tiny_votes: Path, tmp_path: Path) -> None:
    table = tmp_path / "fer2013.csv"
    with pytest.raises(DataError, match="has no picture files"):
        pack_campaign_data(tmp_path / "p.npz", tiny_set, table, read_votes(tiny_votes))


def test_a_place_that_cannot_be_written(
    tiny_set: FaceSet, tiny_folder: Path, tiny_votes: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "p.npz"
    with pytest.raises(DataError, match="cannot be written"):
        pack_campaign_data(path, tiny_set, tiny_folder, read_votes(tiny_votes))


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_file_of_something_else(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "odd.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"odd\.npz cannot be read"):
        read_campaign_data(path, 0.1, 0)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("jpegs", lambda jpegs: jpegs[:-20], "cannot be read"),
        ("jpegs", lambda _: np.frombuffer(lzma.compress(b"no picture"), np.uint8), "picture 1"),
        ("sizes", lambda sizes: sizes[:-1], "differ in length"),
        ("votes", lambda votes: votes[:-1], "differ in length"),
        ("framings", lambda framings: framings[:-1], "differ in length"),
        ("names", None, "cannot be read"),
    ],
)  # fmt: skip
def test_a_damaged_file(
    packed_file: Path, tmp_path: Path, name: str, change: object, message: str
) -> None:
    with np.load(packed_file) as stored:
        arrays = dict(stored)
    array = arrays.pop(name)
    if callable(change):
        arrays[name] = change(array)
    np.savez(tmp_path / "damaged.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_campaign_data(tmp_path / "damaged.npz", 0.1, 0)
