"""A video in pieces: what comes out is what comes out of the whole, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_core.types import DetectedFace, FaceBox
from fer_core.video import pieces as module
from fer_core.video.analysis import VideoOptions, VideoResult, analyze_video
from fer_core.video.pieces import Piece, PieceReading, annotate, cut, join, read_piece
from fer_core.video.source import VideoSource
from tests.fer_core.conftest import Lightness
from tests.fer_core.video.clips import make_clip, top_boxes

SIZE_WH = (160, 96)
FRAMES = 60
# 24 frames a second, a keyframe at every half of it.
RATE, GOP = Fraction(1, 24), 12
OPEN = {"x264-params": "open-gop=1:bframes=3:b-adapt=0:scenecut=0"}
CLOSED = {"x264-params": "bframes=3:b-adapt=0:scenecut=0"}
ONE = {"x264-params": "keyint=infinite:min-keyint=500"}
UNEVEN = tuple(range(0, 40)) + tuple(range(43, 43 + 3 * (FRAMES - 40), 3))


class Bright:
    """Finds bright squares, quickly."""

    name = "bright"

    def detect(self, image_bgr: np.ndarray, sizes: Sequence[int] = ()) -> tuple[DetectedFace, ...]:
        bright = cv2.inRange(image_bgr, (181, 181, 181), (255, 255, 255))
        _, _, found, _ = cv2.connectedComponentsWithStats(bright)
        boxes = sorted((x, y, x + w, y + h) for x, y, w, h, area in found[1:].tolist() if area > 50)
        return tuple(DetectedFace(FaceBox(*map(float, box)), 0.9) for box in boxes)


def picture(number: int) -> np.ndarray:
    """Two squares that sway; the left one is away for a while, and there is a cut at a keyframe."""
    ground = (90, 30, 20) if number < 3 * GOP else (10, 60, 140)
    image = np.full((SIZE_WH[1], SIZE_WH[0], 3), ground, np.uint8)
    image[70:90, (2 * number) % 150 :][:, :10] = 110
    sway = round(8 * np.sin(number / 5))
    places = [(100, 30 + sway)] + [(20 + sway, 20)] * (not 15 <= number < 21)
    for x, y in places:
        image[y : y + 32, x : x + 32] = 255 - number // 2
    return image


def clip(path: Path, times: Sequence[int] = tuple(range(FRAMES)), **wanted: Any) -> Path:
    pictures = map(picture, range(len(times)))
    wanted = {"gop": GOP, "time_base": RATE, "size_wh": SIZE_WH, "options": CLOSED} | wanted
    return make_clip(path, times, pictures=pictures, **wanted)


WITH = {"classifier": Lightness(), "make_detector": Bright}
whole = partial(analyze_video, **WITH)


def in_pieces(path: Path, options: VideoOptions, most: int = 9) -> list[PieceReading]:
    with VideoSource(path) as video:
        pieces = cut(video, options, most)
    return [read_piece(path, piece, turned_deg=0, options=options, **WITH) for piece in pieces]


def assert_equal(result: VideoResult | None, expected: VideoResult) -> None:
    assert result is not None and replace(result, timeline=expected.timeline) == expected
    for name in (*module._COLUMNS, "person"):
        got, wanted = (getattr(one.timeline, name) for one in (result, expected))
        assert got.dtype == wanted.dtype and np.array_equal(got, wanted), name


@pytest.fixture(autouse=True)
def _short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_S", 0.25)


VP9 = {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}


@pytest.fixture(
    scope="module",
    params=[
        ("closed.mp4", {}, True),
        ("open.mp4", {"options": OPEN}, True),
        ("open.mkv", {"options": OPEN}, True),
        ("uneven.mp4", {"times": UNEVEN}, True),
        ("uneven.mkv", {"times": UNEVEN}, True),
        ("from-the-middle.mp4", {"times": range(-5, FRAMES - 5)}, True),
        ("later.mkv", {"times": range(500, 500 + FRAMES)}, True),
        ("vp9.webm", VP9, True),
        ("every.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {}}, True),
        # These cannot be cut.
        ("one-keyframe.mp4", {"gop": 999, "options": ONE}, False),
        ("fragments.mp4", {"muxing": {"movflags": "frag_keyframe+empty_moov"}}, False),
        ("stream.ts", {}, False),
    ],
    ids=lambda case: case[0],
)
def any_clip(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, bool]:
    """A clip, and whether it can be cut."""
    name, wanted, is_cut = request.param
    return clip(tmp_path_factory.mktemp("pieces") / name, **wanted), is_cut


@pytest.mark.parametrize(
    "options",
    [
        VideoOptions(),
        VideoOptions(fps=11, start_s=0.3, end_s=2.1, smoothing_s=0, max_gap_s=0.1),
    ],
    ids=["all", "part"],
)
def test_the_pieces_make_the_whole(any_clip: tuple[Path, bool], options: VideoOptions) -> None:
    path, is_cut = any_clip
    readings = in_pieces(path, options)
    assert (len(readings) > 3) == is_cut
    assert is_cut or len(readings) == 1
    again = [PieceReading.from_bytes(reading.to_bytes()) for reading in readings]
    expected = whole(path, options=options)
    assert expected.timeline.cut.sum() == 1
    assert len(expected.timeline.persons()) >= 2
    assert_equal(join(again, options), expected)
    assert sum(len(one.readings.time_s) for one in readings) == (
        len(expected.timeline.time_s) + len(readings) - 1
    )


def test_each_piece_reads_its_own_part_only(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", range(72))
    with VideoSource(path) as video:
        pieces = cut(video, VideoOptions(), 3)
    assert pieces == [Piece(None, 1.0), Piece(1.0, 2.0), Piece(2.0, None)]
    readings = in_pieces(path, VideoOptions(), 3)
    assert [len(one.readings.time_s) for one in readings] == [25, 25, 24]
    assert all(a.ends[1] == b.ends[0] for a, b in pairwise(readings))


def test_short_videos_stay_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_S", 2.0)
    with VideoSource(clip(tmp_path / "a.mp4")) as video:
        assert cut(video, VideoOptions(), 9) == [Piece()]


def _other_picture(readings: list[PieceReading]) -> None:
    readings[1] = replace(readings[1], ends=(1, readings[1].ends[1]))


def _other_time(readings: list[PieceReading]) -> None:
    later = readings[1].readings.time_s + 0.01
    readings[1] = replace(readings[1], readings=replace(readings[1].readings, time_s=later))


def _damaged(readings: list[PieceReading]) -> None:
    readings[-1] = replace(readings[-1], is_sound=False)


def _missing(readings: list[PieceReading]) -> None:
    del readings[1]


@pytest.mark.parametrize("spoil", [_other_picture, _other_time, _damaged, _missing])
def test_what_does_not_fit_is_no_result(
    tmp_path: Path, spoil: Callable[[list[PieceReading]], None]
) -> None:
    readings = in_pieces(clip(tmp_path / "a.mp4"), VideoOptions(fps=8), 3)
    assert join(readings, VideoOptions(fps=8)) is not None
    spoil(readings)
    assert join(readings, VideoOptions(fps=8)) is None


def test_keyframes_that_are_none_show_at_the_seams(tmp_path: Path) -> None:
    # Marked as such, but refreshed bit by bit: whoever begins there sees another picture.
    refreshed = {"x264-params": "intra-refresh=1:bframes=0:keyint=12"}
    path = clip(tmp_path / "a.mp4", options=refreshed)
    readings = in_pieces(path, VideoOptions())
    assert len(readings) > 3 and all(reading.is_sound for reading in readings)
    assert join(readings, VideoOptions()) is None


def test_a_file_that_breaks_off_is_no_result(tmp_path: Path) -> None:
    content = clip(tmp_path / "a.mp4", muxing={"movflags": "faststart"}).read_bytes()
    data = top_boxes(content)[b"mdat"]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(content[: data + (len(content) - data) * 3 // 4])
    readings = in_pieces(broken, VideoOptions(), 3)
    assert join(readings, VideoOptions()) is None


def test_the_annotated_video_is_the_same(tmp_path: Path) -> None:
    path, options = clip(tmp_path / "a.mp4", sound="aac"), VideoOptions(fps=6)
    copies = [tmp_path / "one.mp4", tmp_path / "pieces.mp4"]
    expected = whole(path, options=options, annotated=copies[0])
    result = join(in_pieces(path, options), options)
    assert result is not None
    assert annotate(path, copies[1], result).unwritten is None
    shown = []
    for copy in copies:
        with VideoSource(copy) as video:
            assert video.facts.audio_codec == "aac"
            shown.append([(frame.time_s, frame.bgr()) for frame in video.frames()])
    for (time_s, image), (other_s, other) in zip(*shown, strict=True):
        assert time_s == other_s and np.array_equal(image, other)
    assert expected.unwritten is None
