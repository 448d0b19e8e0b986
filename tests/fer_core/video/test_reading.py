"""Videos that are damaged: what is readable is read, and the rest is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.video.source import VideoSource
from tests.fer_core.video.clips import make_clip


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.mp4", {"muxing": {"movflags": "faststart"}, "sound": "aac"}),
        ("a.mkv", {"sound": "aac"}),
        ("a.webm", {"codec": "libvpx", "sound": "libopus", "options": {"deadline": "realtime"}}),
        ("a.avi", {"codec": "mpeg4"}),
    ],
)
@pytest.mark.parametrize("share", [0.4, 0.75])
def test_a_file_that_breaks_off(
    tmp_path: Path, name: str, how: dict[str, Any], share: float
) -> None:
    whole = make_clip(tmp_path / name, range(120), noisy=True, **how)
    intact = [frame.bgr() for frame in VideoSource(whole).frames()]
    content = whole.read_bytes()
    path = tmp_path / f"broken-{name}"
    path.write_bytes(content[: int(len(content) * share)])
    video = VideoSource(path)
    frames = list(video.frames())
    assert 120 * share * 0.5 < len(frames) < 120 * share * 1.3
    # The last ones may miss what they refer to.
    for frame in frames[:-5]:
        assert np.array_equal(frame.bgr(), intact[frame.index])
    assert video.damage is not None
    assert f"breaks off after {frames[-1].time_s:.1f} of 4." in video.damage
    assert [frame.time_s for frame in frames] == sorted({frame.time_s for frame in frames})
    assert len(list(video.frames(end_s=0.5))) == 15
    assert video.damage is None


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_unreadable_places_are_passed_and_counted(tmp_path: Path, name: str) -> None:
    path = make_clip(tmp_path / name, range(120), noisy=True)
    intact = [frame.bgr() for frame in VideoSource(path).frames()]
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = np.random.default_rng(0).bytes(4000)
    path.write_bytes(content)
    video = VideoSource(path)
    frames = list(video.frames())
    assert video.damage is not None and "frame" in video.damage
    assert "breaks off" not in video.damage
    # What is far from the place is as it was, before and behind.
    for frame in [*frames[:30], *frames[-30:]]:
        assert np.array_equal(frame.bgr(), intact[round(frame.time_s * 30)])
    assert frames[-1].time_s == pytest.approx(119 / 30, abs=0.001)


def test_damage_is_known_while_reading(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", range(120), noisy=True)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = np.random.default_rng(0).bytes(4000)
    path.write_bytes(content)
    video = VideoSource(path)
    known = [video.damage is not None for _ in video.frames()]
    assert not any(known[:30])
    assert known[-1]
    video.frame_at(0.1)
    assert video.damage is not None
