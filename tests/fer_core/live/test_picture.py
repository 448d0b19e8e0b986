from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fer_core.live.picture import blur_around, cover, live_picture, place
from fer_core.live.state import LiveView, Privacy
from fer_core.types import FaceReading, TrackedFace, TrackedFrame


@pytest.fixture
def tracked(make_face: Callable[..., FaceReading]) -> TrackedFrame:
    reading = make_face((100, 80, 200, 200))
    face = TrackedFace(1, reading, reading.probabilities, "happy")
    return TrackedFrame(0, 0.0, (640, 480), (face,))


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)


def _box(tracked: TrackedFrame | None) -> tuple[float, ...]:
    assert tracked is not None
    return tracked.faces[0].box.xyxy


def test_boxes_follow_the_picture(tracked: TrackedFrame) -> None:
    assert _box(place(tracked, (640, 480), mirror=False)) == (100, 80, 200, 200)
    assert _box(place(tracked, (640, 480), mirror=True)) == (440, 80, 540, 200)
    assert _box(place(tracked, (320, 240), mirror=False)) == (50, 40, 100, 100)
    assert _box(place(tracked, (1280, 960), mirror=True)) == (880, 160, 1080, 400)
    assert _box(tracked) == (100, 80, 200, 200)


@pytest.mark.parametrize("size_wh", [(480, 640), (640, 360), (1, 1)])
def test_a_picture_of_another_shape_gets_no_boxes(
    tracked: TrackedFrame, size_wh: tuple[int, int]
) -> None:
    assert place(tracked, size_wh, mirror=False) is None
    image = np.full((size_wh[1], size_wh[0], 3), 7, np.uint8)
    assert (live_picture(image, tracked, LiveView(mirror=False)) == image).all()


def test_mirrored_faces_go_from_left_to_right(make_face: Callable[..., FaceReading]) -> None:
    faces = []
    for person, x in ((1, 10), (2, 300)):
        reading = make_face((x, 80, x + 100, 200))
        faces.append(TrackedFace(person, reading, reading.probabilities, "happy"))
    placed = place(TrackedFrame(0, 0.0, (640, 480), tuple(faces)), (640, 480), mirror=True)
    assert placed is not None and [face.person for face in placed.faces] == [2, 1]


def test_the_mirror_turns_the_picture_and_not_the_text(
    tracked: TrackedFrame, noise: np.ndarray
) -> None:
    before = noise.copy()
    plain = live_picture(noise, None, LiveView(mirror=True))
    assert (plain == noise[:, ::-1]).all()
    drawn = live_picture(noise, tracked, LiveView(mirror=True, bars=False))
    changed = np.flatnonzero((drawn != plain).any(axis=(0, 2)))
    assert changed.min() >= 420 and changed.max() < 640
    assert (noise == before).all()


def test_blur_hides_everything_but_the_faces(tracked: TrackedFrame, noise: np.ndarray) -> None:
    shown = blur_around(noise, tracked)
    assert (shown[80:200, 100:200] == noise[80:200, 100:200]).all()
    outside = np.ones((480, 640), bool)
    outside[80:200, 100:200] = False
    # Of noise with a spread of 74 grey levels, blots of 27 by 27 pixels keep 1/27.
    assert shown[outside].std() < 6
    assert (blur_around(noise, None)[outside] == shown[outside]).all()


def test_what_is_blurred_cannot_be_had_back() -> None:
    """Two pictures that differ in detail only are the same afterwards."""
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    other = stripes[:, ::-1].copy()
    difference = blur_around(stripes, None).astype(int) - blur_around(other, None)
    assert np.abs(difference).max() < 10


def test_only_the_charts_shows_nothing_of_the_camera(
    tracked: TrackedFrame, noise: np.ndarray
) -> None:
    view = LiveView(privacy=Privacy.CHARTS)
    assert (live_picture(noise, None, view) == cover((640, 480))).all()
    other = 255 - noise
    assert (live_picture(noise, tracked, view) == live_picture(other, tracked, view)).all()
    assert (live_picture(noise, tracked, view) != cover((640, 480))).any()


@pytest.mark.parametrize("privacy", list(Privacy))
@pytest.mark.parametrize("size_wh", [(1, 1), (2, 1), (31, 17), (641, 479), (1920, 1080)])
def test_every_size_comes_back_as_it_came(size_wh: tuple[int, int], privacy: Privacy) -> None:
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    shown = live_picture(image, None, LiveView(privacy=privacy))
    assert shown.shape == image.shape and shown.dtype == np.uint8


def test_small_pictures_get_no_charts(tracked: TrackedFrame) -> None:
    for size_wh, charts in (((640, 480), True), ((320, 240), False)):
        image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
        with_bars = live_picture(image, tracked, LiveView(mirror=False, bars=True))
        without = live_picture(image, tracked, LiveView(mirror=False, bars=False))
        assert (with_bars != without).any() == charts
