"""Boxes and captions over a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fer_core.drawing import draw_frame
from fer_core.labels import EMOTION_COLORS, FER7, bgr_of
from fer_core.types import DetectedFace, FaceBox, FaceEmotion, Frame

GREY = 120


def picture(width: int = 400, height: int = 300) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def drawn_on(image: np.ndarray, *faces: FaceEmotion) -> np.ndarray:
    before = image.copy()
    drawn = draw_frame(image, Frame(0, 0.0, (image.shape[1], image.shape[0]), faces))
    assert (image == before).all()
    assert not np.shares_memory(drawn, image)
    assert drawn.shape == (*image.shape[:2], 3)
    assert drawn.dtype == np.uint8
    return drawn


def has_color(image: np.ndarray, label: str) -> bool:
    return bool((image == bgr_of(label)).all(axis=-1).any())


def test_without_faces_it_is_an_equal_copy() -> None:
    assert (drawn_on(picture()) == GREY).all()


def test_box_and_caption_are_where_the_face_is(make_face: Callable[..., FaceEmotion]) -> None:
    drawn = drawn_on(picture(), make_face((150, 120, 250, 240)))
    changed = (drawn != GREY).any(axis=-1)
    for x, y in ((150, 200), (250, 200), (200, 240)):  # its sides
        assert changed[y - 2 : y + 3, x - 2 : x + 3].any()
        assert has_color(drawn[y - 3 : y + 4, x - 3 : x + 4], "happy")
    assert changed[90:118, 150:250].any()  # the caption above it
    assert not changed[135:230, 160:240].any()  # the face itself stays free
    rows, columns = np.nonzero(changed)
    assert (rows.min() > 80, rows.max() < 250, columns.min() > 140) == (True, True, True)


@pytest.mark.parametrize("label", EMOTION_COLORS)
def test_colour_is_the_verdicts(make_face: Callable[..., FaceEmotion], label: str) -> None:
    probabilities = tuple(0.94 if name == label else 0.01 for name in EMOTION_COLORS)
    drawn = drawn_on(picture(), make_face((150, 120, 250, 240), probabilities))
    assert has_color(drawn, label)
    drawn = drawn_on(picture(), make_face((150, 120, 250, 240), probabilities, threshold=0.99))
    assert has_color(drawn, "uncertain")
    assert not has_color(drawn, label)


def test_captions_differ_by_number(make_face: Callable[..., FaceEmotion]) -> None:
    left, right = (50, 120, 150, 240), (250, 120, 350, 240)
    drawn = drawn_on(picture(), make_face(left), make_face(right))
    captions = drawn[85:119, 50:150], drawn[85:119, 250:350]
    assert (captions[0] != captions[1]).any()


@pytest.mark.parametrize(
    "box",
    [
        (-50, -40, 60, 70),
        (350, 250, 500, 400),
        (0, 0, 400, 300),
        (-100, -100, 900, 900),
        (600, 700, 650, 760),
        (0.4, 0.2, 0.9, 0.7),
    ],
)
def test_boxes_over_the_edge(make_face: Callable[..., FaceEmotion], box: tuple) -> None:
    drawn_on(picture(), make_face(box))


def test_caption_stays_in_the_picture(make_face: Callable[..., FaceEmotion]) -> None:
    # At the top there is no room above the box, at the right none beside it.
    drawn = drawn_on(picture(), make_face((330, 2, 398, 90)))
    caption = drawn[4:40, 230:330]
    assert has_color(caption, "happy")


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 200), (16, 16)])
def test_tiny_pictures(make_face: Callable[..., FaceEmotion], size_wh: tuple[int, int]) -> None:
    drawn_on(picture(*size_wh), make_face((0, 0, 10, 10)))


def test_lines_grow_with_the_picture(make_face: Callable[..., FaceEmotion]) -> None:
    def thickness(side: int) -> int:
        box = tuple(v * side / 10 for v in (3, 3, 7, 7))
        drawn = drawn_on(picture(side, side), make_face(box))
        return int((drawn[side // 2, : side // 2] != GREY).any(axis=-1).sum())

    assert thickness(4000) > 3 * thickness(800)


def test_grey_and_rgba_become_colour(make_face: Callable[..., FaceEmotion]) -> None:
    face = make_face((150, 120, 250, 240))
    expected = drawn_on(picture(), face)
    transparent = np.dstack([picture(), np.zeros((300, 400), np.uint8)])
    for image in (picture()[..., 0], transparent):
        assert (drawn_on(image, face) == expected).all()


@pytest.mark.parametrize(("width", "drawn_columns"), [(30, 50), (150, 120)])
def test_a_caption_is_not_much_wider_than_its_box(width: int, drawn_columns: int) -> None:
    """A small face in a crowd gets its number only; a large one its verdict too."""
    image = np.full((600, 800, 3), 90, np.uint8)
    face = FaceEmotion(
        DetectedFace(FaceBox(100, 200, 100 + width, 200 + width), 0.9),
        FER7.labels,
        np.eye(7, dtype=np.float32)[3],
        0.4,
        np.zeros((48, 48), np.uint8),
    )
    drawn = draw_frame(image, Frame(0, 0.0, (800, 600), (face,)))
    above = (drawn[150:195] != image[150:195]).any(axis=(0, 2))
    assert above.any()
    # The number alone takes fewer columns than these, number and verdict take more.
    assert bool(above.sum() > drawn_columns) is (width == 150)
