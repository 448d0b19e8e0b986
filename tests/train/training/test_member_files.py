from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.errors import CheckpointError
from train.training.member_files import MemberRecord, read_weights, weights_file, write_member

NETWORK = {"kind": "residual", "stem_filters": 4, "stages": [{"filters": 4}]}
RECORD = MemberRecord.model_validate(
    {
        "config": {"name": "small", "network": NETWORK},
        "held_out": 0.1,
        "split_seed": 4,
        "log": [{"epoch": 2, "loss": 1.5}],
        "scores": {"held-out": {"accuracy": 0.5}},
    }
)


def write(folder: Path, weights: dict[str, np.ndarray]) -> Path:
    write_member(folder, RECORD, weights)
    return weights_file(folder, "small")


def test_weights_go_to_float16_and_back(tmp_path: Path) -> None:
    weights = {"a/0": np.float32([[1.0, 1 / 3], [-2e-3, 0]]), "b/1": np.float32([1e-6, 6e4])}
    path = write(tmp_path, weights)
    with np.load(path) as stored:
        assert {stored[name].dtype for name in stored.files} == {np.dtype(np.float16)}
    read = read_weights(path)
    assert read.keys() == weights.keys()
    for name, weight in read.items():
        assert weight.dtype == np.float32
        np.testing.assert_allclose(weight, weights[name], rtol=2**-11, atol=2**-25)


def test_what_float16_cannot_hold_stays_as_it_is(tmp_path: Path) -> None:
    weights = {"norm/3": np.float32([7e4, 1 / 3]), "empty/0": np.zeros((0,), np.float32)}
    read = read_weights(write(tmp_path, weights))
    assert np.array_equal(read["norm/3"], weights["norm/3"])
    assert read["empty/0"].shape == (0,)


def test_the_record_lies_beside_the_weights(tmp_path: Path) -> None:
    write(tmp_path, {})
    assert MemberRecord.model_validate_json((tmp_path / "small.json").read_text()) == RECORD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.json", "small.npz"]


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 cut off"])
def test_damaged_weights(tmp_path: Path, content: bytes | None) -> None:
    path = weights_file(tmp_path, "small")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"small\.npz cannot be read"):
        read_weights(path)
