from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fer_core.timeline import Timeline
from tests.fer_core.test_timeline import timeline_of
from ui.common.images import as_jpeg
from ui.video import alike as alike_module
from ui.video.alike import alike
from ui.video.runs import View

# Person 1 comes back as 2 after a cut, beside whom 3 is seen all the time.
FRAMES = [(n / 10, {(1 if n < 5 else 2): 0.9, 3: 0.9}) for n in range(10)]
LOOKS = {1: 7, 2: 7, 3: 8}


def portrait(seed: int, shade: int = 0) -> bytes:
    """Return a JPEG of blocks, which a seed tells apart."""
    blocks = np.random.default_rng(seed).integers(0, 200, (4, 4, 3))
    return as_jpeg(Image.fromarray((blocks.repeat(16, 0).repeat(16, 1) + shade).astype(np.uint8)))


def view_of(timeline: Timeline) -> View:
    return View(timeline, timeline.probabilities, np.full(len(timeline.row), "happy"))


@pytest.fixture
def cut_once(monkeypatch: pytest.MonkeyPatch) -> View:
    """Readings of two shots, in which faces are drawn by ``LOOKS``."""
    timeline = timeline_of(*FRAMES)

    def faces(video: object, view: View, rows: list[int]) -> dict[int, bytes]:
        return {row: portrait(LOOKS[int(view.timeline.person[row])], row % 5) for row in rows}

    monkeypatch.setattr(alike_module, "faces_of", faces)
    return view_of(replace(timeline, cut=np.arange(10) == 5))


def test_who_comes_back_after_a_cut_is_found_until_it_is_refused(cut_once: View) -> None:
    assert alike(None, cut_once, set()) == (1, 2)
    assert alike(None, cut_once, {(1, 2)}) is None


def test_who_is_seen_at_once_is_never_the_same(
    cut_once: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOOKS, 3, 7)
    monkeypatch.setitem(LOOKS, 2, 9)
    assert alike(None, cut_once, set()) is None


def test_without_a_cut_nobody_was_counted_anew(cut_once: View) -> None:
    whole = replace(cut_once.timeline, cut=np.zeros(10, bool))
    assert alike(None, view_of(whole), set()) is None
