"""Pictures of a video: upright, in right colours, in any size."""

from __future__ import annotations

import gc
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fer_core.images import to_gray
from fer_core.types import DetectedFace, FaceBox
from fer_core.video.pixels import Layout
from fer_core.video.source import VideoSource
from tests.fer_core.video.clips import (
    CORNERS,
    corners_of,
    make_clip,
    make_resized,
    noise,
    number_in,
)

LOSSLESS: dict[str, Any] = {"pix_fmt": "yuv444p", "options": {"qp": "0"}}

# How a display turns what is stored: the corner fields that come to lie at the top left, top
# right, bottom left and bottom right.
TURNS = {
    "upright": ({"degrees": 0}, (0, 1, 2, 3), 0),
    "clockwise": ({"degrees": -90}, (2, 0, 3, 1), 90),
    "half": ({"degrees": 180}, (3, 2, 1, 0), 180),
    "anticlockwise": ({"degrees": 90}, (1, 3, 0, 2), 270),
    "mirrored": ({"degrees": 0, "hflip": True}, (1, 0, 3, 2), 0),
    "upside-down": ({"degrees": 0, "vflip": True}, (2, 3, 0, 1), 0),
}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("turn", TURNS)
def test_pictures_stand_upright(tmp_path: Path, name: str, turn: str) -> None:
    how, order, degrees = TURNS[turn]
    video = VideoSource(make_clip(tmp_path / name, turn=how))
    image = next(video.frames()).bgr()
    expected = np.array([CORNERS[place] for place in order])
    assert corners_of(image) == pytest.approx(expected, abs=12)
    assert image.shape[1::-1] == video.facts.size_wh
    assert video.facts.rotation_deg == degrees


@pytest.mark.parametrize(("degrees", "quarters"), [(-90, 1), (180, 2), (90, 3)])
def test_a_turned_clip_equals_its_unturned_twin(
    tmp_path: Path, degrees: int, quarters: int
) -> None:
    upright = [noise((97, 65), seed) for seed in range(3)]
    stored = [np.ascontiguousarray(np.rot90(image, quarters)) for image in upright]
    size = stored[0].shape[1::-1]
    twin = make_clip(
        tmp_path / "twin.mp4", range(3), size_wh=(97, 65), pictures=upright, **LOSSLESS
    )
    turned = make_clip(
        tmp_path / "turned.mp4",
        range(3),
        size_wh=size,
        pictures=stored,
        turn={"degrees": degrees},
        **LOSSLESS,
    )
    for one, other in zip(VideoSource(turned).frames(), VideoSource(twin).frames(), strict=True):
        assert np.array_equal(one.bgr(), other.bgr())
        assert np.array_equal(one.own_gray(), other.own_gray())
        assert one.bgr(48).shape == other.bgr(48).shape


@pytest.fixture(scope="module")
def resized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames that lie, and ten that stand."""
    path = tmp_path_factory.mktemp("resized") / "a.webm"
    return make_resized(path, [((96, 64), 10), ((64, 96), 10)])


def test_a_shape_that_changes_is_fitted_in(resized: Path) -> None:
    video = VideoSource(resized)
    frames = list(video.frames())
    assert [number_in(frame.own_bgr()) for frame in frames] == list(range(20))
    for frame in frames:
        assert frame.bgr().shape == (64, 96, 3) and frame.size_wh == (96, 64)
        assert frame.bgr(48).shape == (32, 48, 3)
    shown = frames[15].bgr()
    assert frames[15].own_gray().shape == (96, 64)
    # Where the picture is, in its own colours; black beside it.
    assert not shown[:, :25].any() and not shown[:, 71:].any()
    inner = shown[:, 27:69]
    assert number_in(inner) == 15
    assert corners_of(inner) == pytest.approx(corners_of(frames[15].own_bgr()), abs=12)
    assert number_in(video.frame_at(0.6).own_bgr()) == 18


def test_faces_lie_where_the_picture_does(resized: Path) -> None:
    frame = next(VideoSource(resized).frames(start_s=0.5))
    landmarks = np.full((5, 2), 16, np.float32)
    found = DetectedFace(FaceBox(0, 0, 32, 48), 0.9, landmarks)
    placed = frame.placement.face(found, own_width=32)  # found in half the size
    x, width = 26, 43
    assert placed.box.xyxy == pytest.approx((x, 0, x + width, 64.5))
    assert placed.landmarks == pytest.approx(
        np.tile([x + width / 2, 16 * width / 32], (5, 1)), abs=0.01
    )
    first = next(VideoSource(resized).frames())
    assert first.placement.face(found, own_width=32).box.xyxy == (0, 0, 96, 144)


def test_a_smaller_picture_is_fitted_in_as_well(tmp_path: Path) -> None:
    path = make_resized(tmp_path / "a.webm", [((96, 64), 3), ((48, 32), 3), ((192, 64), 3)])
    small, wide = (VideoSource(path).frame_at(time_s).bgr() for time_s in (0.14, 0.24))
    assert number_in(small) == 4 and small.shape == wide.shape == (64, 96, 3)
    assert not wide[:15].any() and not wide[50:].any()
    assert number_in(wide[16:48]) == 7


def test_turning_turns_every_shape(resized: Path) -> None:
    video = VideoSource(resized)
    video.turn(90)
    first, *_, last = video.frames()
    assert first.size_wh == last.size_wh == (64, 96)
    assert first.own_bgr().shape == (96, 64, 3) and last.own_bgr().shape == (64, 96, 3)
    assert last.bgr().shape == (96, 64, 3)


def test_frames_go_with_their_last_reader(tmp_path: Path) -> None:
    # Some properties of PyAV's pictures keep them until the garbage collector comes.
    video = VideoSource(make_clip(tmp_path / "a.mp4"))
    gc.collect()
    before = _pictures_in_memory()
    gc.disable()
    try:
        for frame in video.frames():
            frame.bgr()
            frame.own_gray()
        assert _pictures_in_memory() <= before + 1
    finally:
        gc.enable()


def _pictures_in_memory() -> int:
    return sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())


def test_an_angle_between_counts_as_the_nearest_right_one(tmp_path: Path) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4", turn={"degrees": -80}))
    assert video.facts.rotation_deg == 90
    assert video.facts.size_wh == (64, 96)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])  # the last leaves it to the codec
def test_pixels_that_are_not_square_become_square(tmp_path: Path, name: str) -> None:
    video = VideoSource(make_clip(tmp_path / name, pixel_aspect=Fraction(3, 2)))
    frame = next(video.frames())
    assert video.facts.size_wh == frame.size_wh == (144, 64)
    assert frame.bgr().shape == (64, 144, 3)
    assert frame.own_gray().shape == (64, 144)
    assert number_in(frame.bgr()) == 0


@pytest.mark.parametrize(
    ("pix_fmt", "colorspace", "color_range"),
    [
        ("yuv420p", None, None),
        ("yuv420p", 5, 1),
        ("yuv420p", 6, 2),
        ("yuv420p", 1, 1),
        ("yuvj420p", None, None),
        ("yuv422p", None, None),
        ("yuv444p", 1, 2),
        ("yuv420p10le", None, None),
    ],
)
def test_colours_and_grey_agree(
    tmp_path: Path, pix_fmt: str, colorspace: int | None, color_range: int | None
) -> None:
    clip = make_clip(
        tmp_path / "a.mp4",
        range(2),
        pix_fmt=pix_fmt,
        colorspace=colorspace,
        color_range=color_range,
        noisy=True,
        options={"crf": "1"},
    )
    frame = next(VideoSource(clip).frames())
    image, gray = frame.bgr(), frame.own_gray()
    assert image.dtype == gray.dtype == np.uint8
    assert image.shape == (*gray.shape, 3) == (64, 96, 3)
    # Half as many colours as pixels leave a difference at every edge.
    assert np.abs(image.astype(int) - noise()).mean() < 10
    difference = np.abs(gray.astype(int) - to_gray(image))
    assert difference.max() <= 6
    assert difference.mean() < 2


@pytest.mark.parametrize(("low", "high"), [(16, 235), (0, 255)])
def test_grey_reaches_from_black_to_white(tmp_path: Path, low: int, high: int) -> None:
    half = np.zeros((64, 96, 3), np.uint8)
    half[:, 48:] = 255
    clip = make_clip(
        tmp_path / "a.mp4", [0], pictures=[half], color_range=1 if low else 2, colorspace=5
    )
    frame = next(VideoSource(clip).frames())
    luma = np.frombuffer(frame.picture.planes[0], np.uint8)[:96]
    assert (luma[8], luma[88]) == pytest.approx((low, high), abs=3)
    assert (frame.own_gray()[8, 8], frame.own_gray()[8, 88]) == pytest.approx((0, 255), abs=4)


@pytest.mark.parametrize("size_wh", [(97, 65), (96, 65), (33, 101), (2, 2), (16, 16)])
def test_odd_and_small_sizes(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    image = noise(size_wh)
    clip = make_clip(
        tmp_path / "a.mp4", range(2), size_wh=size_wh, pictures=[image, image], **LOSSLESS
    )
    frame = next(VideoSource(clip).frames())
    assert frame.bgr().shape == image.shape
    assert np.abs(frame.bgr().astype(int) - image).mean() < 3
    assert frame.own_gray().shape == image.shape[:2]


@pytest.mark.parametrize(
    ("longer", "shape"),
    [
        (48, (32, 48, 3)),
        (31, (21, 31, 3)),
        (1, (1, 1, 3)),
        (96, (64, 96, 3)),
        (999, (64, 96, 3)),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_smaller_picture(
    tmp_path: Path, longer: int, shape: tuple[int, int, int], turned: bool
) -> None:
    turn = {"degrees": -90} if turned else None
    frame = next(VideoSource(make_clip(tmp_path / "a.mp4", turn=turn)).frames())
    image = frame.bgr(longer)
    assert image.shape == ((shape[1], shape[0], 3) if turned else shape)
    assert image.mean() == pytest.approx(frame.bgr().mean(), abs=12)


def test_no_pixels_are_refused(tmp_path: Path) -> None:
    frame = next(VideoSource(make_clip(tmp_path / "a.mp4", [0])).frames())
    with pytest.raises(ValueError):
        frame.bgr(0)


def test_each_picture_belongs_to_its_caller(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", [0], colorspace=5, color_range=2)
    frame = next(VideoSource(clip).frames())
    for read in (frame.bgr, frame.own_gray):
        before = read().copy()
        read()[:] = 7
        assert np.array_equal(read(), before)


def test_threads_may_convert_at_once(tmp_path: Path) -> None:
    frames = list(VideoSource(make_clip(tmp_path / "a.mp4")).frames())
    found: list[list[int]] = []

    def read() -> None:
        found.append([number_in(frame.bgr()) for frame in frames])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(30))] * 4


def test_4k(tmp_path: Path) -> None:
    size = (3840, 2160)
    clip = make_clip(
        tmp_path / "a.mp4",
        range(2),
        time_base=Fraction(1, 60),
        size_wh=size,
        options={"preset": "ultrafast"},
    )
    video = VideoSource(clip)
    assert video.facts.size_wh == size
    assert [number_in(frame.bgr(480)) for frame in video.frames()] == [0, 1]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("mirrored", [(False, False), (True, False), (False, True), (True, True)])
def test_turning_a_layout(swapped: bool, mirrored: tuple[bool, bool], degrees: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    layout = Layout((6, 4), swapped, *mirrored)
    turned = layout.turned(degrees)
    expected = np.rot90(layout.upright(image), -degrees // 90)
    assert (turned.upright(image) == expected).all()
    assert turned.size_wh == (expected.shape[1], expected.shape[0])
