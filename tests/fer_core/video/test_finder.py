"""Faces found in several frames at once, on the cores that there are."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fer_core.detection import WholePicture
from fer_core.video.finder import FaceFinder
from fer_core.video.source import VideoSource
from tests.fer_core.video.clips import make_clip


@pytest.mark.parametrize(("cores", "threads"), [(1, set()), (2, {"find-faces_0", "find-faces_1"})])
def test_one_core_has_no_further_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, threads: set[str]
) -> None:
    monkeypatch.setattr("fer_core.video.finder.usable_cores", lambda: cores)
    with VideoSource(make_clip(tmp_path / "a.mp4")) as video, FaceFinder(WholePicture, 9) as finder:
        found = [finder.submit(frame) for frame in video.frames(fps=10)]
        assert [len(one.result().faces) for one in found] == [1] * 10
        names = {thread.name for thread in threading.enumerate()}
        assert {name for name in names if name.startswith("find-faces")} == threads
