from __future__ import annotations

import dataclasses

import numpy as np

from train.data.fer2013 import FaceSet
from train.data.picture_ids import PictureIndex, name_and_label, picture_id, picture_ids


def test_an_id_is_made_and_taken_apart_in_one_way() -> None:
    names, labels = ["PublicTest_1", "PublicTest_1", "happy/a.png"], ["sad", "happy", "happy"]
    ids = picture_ids(np.array(names), np.array(labels))
    assert ids.tolist() == ["PublicTest_1/sad", "PublicTest_1/happy", "happy/a.png/happy"]
    pairs = list(zip(names, labels, strict=True))
    assert [picture_id(*pair) for pair in pairs] == ids.tolist()
    assert [name_and_label(picture) for picture in ids.tolist()] == pairs


def test_ids_are_unique_where_names_are_not(whole_set: FaceSet) -> None:
    assert len(np.unique(whole_set.names)) < len(whole_set) == len(np.unique(whole_set.ids))


def test_pictures_are_found_by_name_and_label(tiny_set: FaceSet) -> None:
    order = np.random.default_rng(0).permutation(len(tiny_set))
    shuffled = tiny_set.where(order)
    index = PictureIndex(tiny_set.ids)
    assert np.array_equal(index.positions_of(shuffled.ids), order)
    other = dataclasses.replace(shuffled, labels=(shuffled.labels + 1) % 7)
    assert (index.positions_of(other.ids) == -1).all()
    assert index.position_of(str(shuffled.ids[3])) == order[3]
    assert index.position_of("PublicTest_1") == -1


def test_no_pictures() -> None:
    nothing = picture_ids(np.array([], str), np.array([], str))
    index = PictureIndex(nothing)
    assert len(index) == 0
    positions = index.positions_of(nothing)
    assert positions.shape == (0,) and positions.dtype == np.int64
    assert index.positions_of(["a/happy"]).tolist() == [-1]
