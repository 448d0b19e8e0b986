"""Boxes and captions over a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fer_core.drawing import draw_frame, draw_tracked
from fer_core.labels import EMOTION_COLORS, FER7, bgr_color_of, hex_to_bgr
from fer_core.persons import person_color
from fer_core.types import (
    DetectedFace,
    FaceBox,
    FaceReading,
    Frame,
    Probabilities,
    TrackedFace,
    TrackedFrame,
)

GREY = 120


def picture(width: int = 400, height: int = 300) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def drawn_on(image: np.ndarray, *faces: FaceReading, **options: Any) -> np.ndarray:
    before = image.copy()
    drawn = draw_frame(image, Frame(0, 0.0, (image.shape[1], image.shape[0]), faces), **options)
    assert (image == before).all()
    assert not np.shares_memory(drawn, image)
    assert drawn.shape == (*image.shape[:2], 3)
    assert drawn.dtype == np.uint8
    return drawn


def has_color(image: np.ndarray, label: str) -> bool:
    return bool((image == bgr_color_of(label)).all(axis=-1).any())


def test_without_faces_it_is_an_equal_copy() -> None:
    assert (drawn_on(picture()) == GREY).all()


def test_box_and_caption_are_where_the_face_is(make_face: Callable[..., FaceReading]) -> None:
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
def test_colour_is_the_verdicts(make_face: Callable[..., FaceReading], label: str) -> None:
    probabilities = tuple(0.94 if name == label else 0.01 for name in EMOTION_COLORS)
    face = make_face((150, 120, 250, 240), probabilities)
    assert has_color(drawn_on(picture(), face), label)
    drawn = drawn_on(picture(), face, threshold=0.99)
    assert has_color(drawn, "uncertain")
    assert not has_color(drawn, label)


def test_uncertain_is_told_by_more_than_its_colour(make_face: Callable[..., FaceReading]) -> None:
    """Its caption is hatched, in a photo as in a video; in one that is certain, colour is all."""
    face = make_face((150, 120, 300, 290))
    for sure, unsure in (
        (drawn_on(picture(), face), drawn_on(picture(), face, threshold=0.99)),
        (
            drawn_tracked(picture(), tracked(face)),
            drawn_tracked(picture(), tracked(face, verdict="uncertain")),
        ),
    ):
        # A line along the caption's upper edge, above its letters.
        colors = [set(map(tuple, drawn[102, 160:200].tolist())) for drawn in (sure, unsure)]
        assert colors[0] == {bgr_color_of("happy")}
        assert bgr_color_of("uncertain") in colors[1] and len(colors[1]) == 2
        light, dark = sorted(map(sum, colors[1]), reverse=True)
        assert light > dark + 150


def test_captions_differ_by_number(make_face: Callable[..., FaceReading]) -> None:
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
def test_boxes_over_the_edge(make_face: Callable[..., FaceReading], box: tuple) -> None:
    drawn_on(picture(), make_face(box))


def test_caption_stays_in_the_picture(make_face: Callable[..., FaceReading]) -> None:
    # At the top there is no room above the box, at the right none beside it.
    drawn = drawn_on(picture(), make_face((330, 2, 398, 90)))
    caption = drawn[4:40, 230:330]
    assert has_color(caption, "happy")


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 200), (16, 16)])
def test_tiny_pictures(make_face: Callable[..., FaceReading], size_wh: tuple[int, int]) -> None:
    drawn_on(picture(*size_wh), make_face((0, 0, 10, 10)))


def test_lines_grow_with_the_picture(make_face: Callable[..., FaceReading]) -> None:
    def thickness(width: int) -> int:
        box = tuple(v * width / 10 for v in (3, 0.3, 7, 0.7))
        drawn = drawn_on(picture(width, width // 10), make_face(box))
        return int((drawn[width // 20, : width // 2] != GREY).any(axis=-1).sum())

    assert thickness(4000) > 3 * thickness(800)


def test_boxes_are_scaled_to_a_smaller_picture(make_face: Callable[..., FaceReading]) -> None:
    frame = Frame(0, 0.0, (1600, 1200), (make_face((600, 480, 1000, 960)),))
    same = Frame(0, 0.0, (400, 300), (make_face((150, 120, 250, 240)),))
    assert (draw_frame(picture(), frame) == draw_frame(picture(), same)).all()


def test_grey_and_rgba_become_colour(make_face: Callable[..., FaceReading]) -> None:
    face = make_face((150, 120, 250, 240))
    expected = drawn_on(picture(), face)
    transparent = np.dstack([picture(), np.zeros((300, 400), np.uint8)])
    for image in (picture()[..., 0], transparent):
        assert (drawn_on(image, face) == expected).all()


@pytest.mark.parametrize(("width", "drawn_columns"), [(30, 50), (150, 90)])
def test_a_caption_is_not_much_wider_than_its_box(width: int, drawn_columns: int) -> None:
    """A small face in a crowd gets its number only; a large one its verdict too."""
    image = np.full((600, 800, 3), 90, np.uint8)
    face = FaceReading(
        DetectedFace(FaceBox(100, 200, 100 + width, 200 + width), 0.9),
        Probabilities(FER7.labels, np.eye(7, dtype=np.float32)[3]),
        np.zeros((48, 48), np.uint8),
    )
    drawn = draw_frame(image, Frame(0, 0.0, (800, 600), (face,)))
    above = (drawn[150:195] != image[150:195]).any(axis=(0, 2))
    assert above.any()
    # The number alone takes fewer columns than these, number and verdict take more.
    assert bool(above.sum() > drawn_columns) is (width == 150)


def tracked(
    face: FaceReading,
    person: int = 1,
    verdict: str | None = None,
) -> TrackedFace:
    return TrackedFace(person, face, face.probabilities, verdict or face.verdict())


def drawn_tracked(image: np.ndarray, *faces: TrackedFace, **options: Any) -> np.ndarray:
    before = image.copy()
    size_wh = options.pop("size_wh", (image.shape[1], image.shape[0]))
    drawn = draw_tracked(image, TrackedFrame(0, 0.0, size_wh, faces), **options)
    assert (image == before).all()
    assert not np.shares_memory(drawn, image)
    assert (drawn.shape, drawn.dtype) == ((*image.shape[:2], 3), np.uint8)
    return drawn


def colored(image: np.ndarray, color: str) -> np.ndarray:
    return (image == hex_to_bgr(color)).all(axis=-1)


def test_nobody_tracked_is_an_equal_copy() -> None:
    assert (drawn_tracked(picture(), bars=True) == GREY).all()


def test_box_is_the_persons_and_caption_the_verdicts(
    make_face: Callable[..., FaceReading],
) -> None:
    face = make_face((150, 120, 250, 240))
    drawn = drawn_tracked(picture(), tracked(face, 2))
    assert colored(drawn[130:230, 247:254], person_color(2)).sum() > 90
    assert not has_color(drawn[130:245], "happy")
    assert has_color(drawn[90:120, 150:250], "happy")
    assert (drawn[135:230, 160:240] == GREY).all()
    unsure = drawn_tracked(picture(), tracked(face, 2, "uncertain"))
    assert has_color(unsure[90:120, 150:250], "uncertain")
    assert not has_color(unsure, "happy")


@pytest.mark.parametrize("name", ["Jürgen", "Анна", "محمد", "😀 Bob", "\x00\x07a", "x" * 500])
def test_names_of_any_script(make_face: Callable[..., FaceReading], name: str) -> None:
    face = tracked(make_face((150, 120, 300, 290)))
    unnamed = drawn_tracked(picture(600, 400), face)
    named = drawn_tracked(picture(600, 400), face, names={1: name})
    assert (named[80:120] != unnamed[80:120]).any()
    assert (named[125:] == unnamed[125:]).all()


@pytest.mark.parametrize("name", ["", " \n", "\u200b", "\x00", "\ue000"])
def test_names_that_cannot_be_drawn_are_numbers(
    make_face: Callable[..., FaceReading], name: str
) -> None:
    face = tracked(make_face((150, 120, 300, 290)))
    assert (drawn_tracked(picture(), face, names={1: name}) == drawn_tracked(picture(), face)).all()


def test_boxes_follow_the_pictures_size(make_face: Callable[..., FaceReading]) -> None:
    """A video is analysed in its own size and written in a smaller one."""
    analysed = tracked(make_face((600, 480, 1000, 960)))
    same = tracked(make_face((150, 120, 250, 240)))
    drawn = drawn_tracked(picture(), analysed, size_wh=(1600, 1200), bars=True)
    assert (drawn == drawn_tracked(picture(), same, bars=True)).all()


@pytest.mark.parametrize("bars", [False, True])
@pytest.mark.parametrize("size_wh", [(1, 1), (3, 200), (16, 16), (320, 240), (641, 479)])
@pytest.mark.parametrize(
    "box", [(-50, -40, 60, 70), (250, 150, 500, 400), (-100, -100, 900, 900), (600, 700, 650, 760)]
)
def test_persons_over_the_edge(
    make_face: Callable[..., FaceReading], box: tuple, size_wh: tuple[int, int], bars: bool
) -> None:
    drawn_tracked(picture(*size_wh), tracked(make_face(box)), bars=bars)


@pytest.mark.parametrize("box", [(2, 2, 90, 100), (310, 2, 398, 100), (2, 200, 90, 298)])
def test_charts_are_whole_and_beside_the_face(
    make_face: Callable[..., FaceReading], box: tuple
) -> None:
    face = tracked(make_face(box, (0.1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.2)))
    without = drawn_tracked(picture(), face)
    drawn = drawn_tracked(picture(), face, bars=True)
    x1, y1, x2, y2 = box
    inside = (slice(y1 + 5, y2 - 5), slice(x1 + 5, x2 - 5))
    assert (drawn[inside] == without[inside]).all()
    chart = (drawn != without).any(axis=-1)
    for label in FER7.labels:
        assert has_color(np.where(chart[..., None], drawn, 0), label)


def test_bars_are_as_long_as_probable(make_face: Callable[..., FaceReading]) -> None:
    face = make_face((50, 50, 150, 170), (0.0, 0.1, 0.2, 0.4, 0.3, 0.0, 0.0))
    drawn = drawn_tracked(picture(), tracked(face, verdict="uncertain"), bars=True)

    def length(label: str) -> int:
        return int((drawn == bgr_color_of(label)).all(axis=-1).sum(axis=1).max())

    lengths = [length(label) for label in ("disgust", "fear", "sad", "happy")]
    assert lengths == sorted(set(lengths))
    assert lengths[3] == pytest.approx(4 * lengths[0], abs=4)


def test_captions_of_neighbours_do_not_cover_each_other(
    make_face: Callable[..., FaceReading],
) -> None:
    happy, sad = (tuple(np.eye(7)[k] * 0.7 + 0.3 / 7) for k in (3, 4))
    left, right = (100, 120, 180, 220), (190, 120, 270, 220)
    both = drawn_tracked(
        picture(), tracked(make_face(left, happy), 1), tracked(make_face(right, sad), 2)
    )
    alone = drawn_tracked(picture(), tracked(make_face(left, happy), 1))
    # The first caption stays where it is, whole; the second is somewhere else, and off the faces.
    where = (alone == bgr_color_of("happy")).all(axis=-1)
    assert (both[where] == bgr_color_of("happy")).all()
    assert (both == bgr_color_of("sad")).all(axis=-1).sum() > 400
    for x1, y1, x2, y2 in (left, right):
        assert (both[y1 + 5 : y2 - 5, x1 + 5 : x2 - 5] == GREY).all()


def test_everybody_in_a_crowd_has_a_caption(make_face: Callable[..., FaceReading]) -> None:
    faces = [
        tracked(make_face((20 + 60 * x, 60 + 70 * y, 65 + 60 * x, 115 + 70 * y)), 10 * y + x)
        for x in range(10)
        for y in range(5)
    ]
    drawn = drawn_tracked(picture(640, 480), *faces)
    for face in faces:
        x1, y1, x2, y2 = map(int, face.box.xyxy)
        assert has_color(drawn[y1 - 30 : y2 + 30, x1:x2], "happy")


def test_grey_and_rgba_become_colour_for_persons_too(
    make_face: Callable[..., FaceReading],
) -> None:
    face = tracked(make_face((150, 120, 250, 240)))
    expected = drawn_tracked(picture(), face, bars=True)
    transparent = np.dstack([picture(), np.zeros((300, 400), np.uint8)])
    for image in (picture()[..., 0], transparent):
        assert (drawn_tracked(image, face, bars=True) == expected).all()
