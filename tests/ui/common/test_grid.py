from __future__ import annotations

import numpy as np
import pytest

from ui.common.grid import Tile, TileGroup, atlas, grid_data


def test_atlas_holds_every_picture_in_its_place() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (7, 4, 5), np.uint8)
    sheet = atlas(faces, columns=3)
    assert sheet.shape == (12, 15)
    for number, face in enumerate(faces):
        row, column = divmod(number, 3)
        cell = sheet[4 * row : 4 * row + 4, 5 * column : 5 * column + 5]
        assert np.array_equal(cell, face)
    assert not sheet[8:, 5:].any()


@pytest.mark.parametrize("count", [1, 11, 12, 13])
def test_atlas_of_few(count: int) -> None:
    rows = -(-count // 12)
    assert atlas(np.ones((count, 2, 2), np.uint8)).shape == (2 * rows, 24)


def test_a_grid_without_pictures_is_text() -> None:
    groups = [TileGroup("two", [Tile("a", ("x",), "#000000")] * 2), TileGroup("none", [])]
    data = grid_data(groups, None)
    assert data["atlas"] == ""
    assert [len(group["tiles"]) for group in data["groups"]] == [2, 0]
    assert grid_data([], np.empty((0, 48, 48), np.uint8))["atlas"] == ""
