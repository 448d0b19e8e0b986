from __future__ import annotations

import numpy as np
import pytest

from fer_core.types import FaceBox
from ui.common.images import crop_rgb, reduced_rgb

ORANGE_BGR, ORANGE_RGB = (0, 128, 255), (255, 128, 0)


@pytest.mark.parametrize(
    ("size_wh", "reduced_wh"),
    [((400, 300), (100, 75)), ((30, 400), (8, 100)), ((100, 100), (100, 100)), ((9, 7), (9, 7)),
     ((4000, 3), (100, 1))],
)  # fmt: skip
def test_pictures_are_reduced_never_enlarged_and_keep_their_colours(
    size_wh: tuple[int, int], reduced_wh: tuple[int, int]
) -> None:
    picture = np.full((*size_wh[::-1], 3), ORANGE_BGR, np.uint8)
    reduced = reduced_rgb(picture, 100)
    assert reduced.size == reduced_wh
    assert reduced.getcolors() == [(reduced_wh[0] * reduced_wh[1], ORANGE_RGB)]


def test_a_reduced_picture_is_the_mean_of_its_pixels() -> None:
    stripes = np.zeros((40, 40, 3), np.uint8)
    stripes[:, ::2] = 200
    assert reduced_rgb(stripes, 20).getcolors() == [(400, (100, 100, 100))]


def test_a_crop_is_around_the_face_and_leaves_the_picture_as_it_is() -> None:
    picture = np.full((900, 900, 3), ORANGE_BGR, np.uint8)
    crop = crop_rgb(picture[::-1], FaceBox(300, 300, 700, 700))
    assert crop.width == crop.height == 288
    assert crop.getpixel((144, 144)) == ORANGE_RGB
    assert (picture == ORANGE_BGR).all()
