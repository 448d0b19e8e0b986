"""Detectors that do what a test tells them, and a live analysis that uses them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from fer_core.labels import CLASS_SETS
from fer_core.live.analysis import LiveAnalysis
from fer_core.live.state import LiveSettings, LiveView
from fer_core.types import DetectedFace, FaceBox
from tests.fer_core.conftest import Lightness

FACE = DetectedFace(FaceBox(100.0, 80.0, 200.0, 200.0), 0.9)
PLAIN = LiveView(mirror=False, bars=False)


class ScriptedDetector:
    """Finds ``FACE``, after what ``before`` does with the picture."""

    def __init__(self, name: str = "scripted") -> None:
        self.name = name
        self.before: Callable[[np.ndarray], None] = lambda image: None
        self.seen: list[int] = []

    def detect(self, image_bgr: np.ndarray, sizes: Sequence[int] = ()) -> tuple[DetectedFace, ...]:
        self.seen.append(int(image_bgr[0, 0, 0]))
        self.before(image_bgr)
        return (FACE,)


def picture(number: int = 0, size_wh: tuple[int, int] = (640, 480)) -> np.ndarray:
    """A grey picture whose first pixel tells its number."""
    image = np.full((size_wh[1], size_wh[0], 3), 100, np.uint8)
    image[0, 0] = number
    return image


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds, which another thread has to bring about."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.005)


def live_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("live-")]


@pytest.fixture
def settings() -> LiveSettings:
    return LiveSettings("scripted", "fer7", 0.4, 0.0, PLAIN)


@pytest.fixture
def detector() -> ScriptedDetector:
    return ScriptedDetector()


@pytest.fixture
def make_analysis(
    settings: LiveSettings, detector: ScriptedDetector, readings_last: None
) -> Iterator[Callable[..., LiveAnalysis]]:
    """Build analyses with the scripted detector, and stop them when the test is over."""
    made: list[LiveAnalysis] = []

    def make(**options: object) -> LiveAnalysis:
        parts = {
            "load_detector": lambda name: detector,
            "load_classifier": lambda name, reading: Lightness(CLASS_SETS[name].labels),
        }
        made.append(LiveAnalysis(settings, **{**parts, **options}))
        return made[-1]

    yield make
    for analysis in made:
        analysis.stop(wait_s=30)
