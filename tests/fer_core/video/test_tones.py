"""HDR as ordinary screens show it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorTrc

from fer_core.video.source import VideoSource
from fer_core.video.tones import to_standard
from tests.fer_core.video.clips import copy, make_clip

HLG, PQ = ColorTrc.ARIB_STD_B67, ColorTrc.SMPTE2084


def greys(*levels: int) -> np.ndarray:
    return np.repeat(np.array(levels, np.uint8), 3).reshape(1, -1, 3)


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_greys_stay_grey_and_rise_from_black_to_white(transfer: int) -> None:
    shown = to_standard(greys(*range(256)), transfer)
    assert (np.ptp(shown.astype(int), axis=2) <= 2).all()
    levels = shown[0, :, 0].astype(int)
    assert (np.diff(levels) >= 0).all()
    assert levels[0] == 0 and levels[-1] == 255


@pytest.mark.parametrize(("transfer", "white"), [(HLG, 0.75), (PQ, 0.58)])
def test_a_white_shirt_is_nearly_white(transfer: int, white: float) -> None:
    # ITU-R BT.2408: the signals of 203 candela a square metre.
    assert 215 < to_standard(greys(round(255 * white)), transfer)[0, 0, 0] < 245


def test_colours_become_as_strong_as_they_were() -> None:
    # BT.709's red in BT.2020's colours, as HLG.
    red = np.array([[[40, 80, 190]]], np.uint8)
    blue_green_red = to_standard(red, HLG)[0, 0].astype(int)
    assert blue_green_red[2] - blue_green_red[0] > 190 - 40


@pytest.mark.parametrize("name", ["hlg.mov", "pq.mp4"])
def test_the_copy_of_a_recording(cases: Path, media: Path, tmp_path: Path, name: str) -> None:
    copy(VideoSource(cases / name), tmp_path / "copy.mp4", end_s=0.2)
    shown = VideoSource(tmp_path / "copy.mp4").frame_at(0.1).bgr()
    # Both were made from this one.
    usual = VideoSource(media / "one_face_15s.mp4").frame_at(0.1).bgr(480)
    for statistic in (np.mean, np.std):
        assert statistic(shown, axis=(0, 1)) == pytest.approx(statistic(usual, axis=(0, 1)), abs=12)
    with av.open(tmp_path / "copy.mp4") as container:
        context = container.streams.video[0].codec_context
        tags = context.color_trc, context.color_primaries, context.colorspace, context.color_range
    assert tags == (1, 1, 1, 1)


def test_ordinary_pictures_are_left_alone(tmp_path: Path) -> None:
    flat = [np.full((64, 96, 3), (40, 90, 200), np.uint8)]
    frame = next(VideoSource(make_clip(tmp_path / "a.mp4", [0], pictures=flat)).frames())
    assert np.abs(frame.bgr().astype(int) - flat[0]).max() <= 6
