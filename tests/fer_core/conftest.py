"""Builders for the core's tests; portraits that the repository itself holds, so that most of
them run without ``../shared``."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from fer_core import detection, pipeline
from fer_core.classifier import EmotionClassifier
from fer_core.detection import HaarDetector, YuNetDetector
from fer_core.labels import FER7
from fer_core.readings import softmax
from fer_core.types import DetectedFace, FaceBox, FaceReading, Probabilities, QualityFinding
from tests.conftest import ROOT
from tests.once import found_and_read_once

SAMPLES = ROOT / "assets" / "samples"
MODELS = ROOT / "assets" / "models"

# Where the samples show a face and little else, as (x, y, width, height), and the size to which
# that is reduced: to find the face takes a tenth of the time.
HEADS = {
    "grace-hopper.jpg": ((105, 40, 320, 384), (120, 144)),
    "eileen-collins.jpg": ((100, 10, 240, 240), (120, 120)),
}


@pytest.fixture(scope="module", autouse=True)
def _detectors(tmp_path_factory: pytest.TempPathFactory, haar: HaarDetector) -> Iterator[None]:
    """Have "auto" mean Haar, whatever the user downloaded before, and Haar be loaded once.

    To load it takes longer than most searches here.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_YUNET", str(tmp_path_factory.getbasetemp() / "absent.onnx"))
        patch.setattr(detection, "HaarDetector", lambda: haar)
        pipeline.shared_detector.cache_clear()
        yield
    pipeline.shared_detector.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def _faces_are_found_and_read_once() -> Iterator[None]:
    """Those modules that test detectors or networks themselves have another of this name."""
    with found_and_read_once():
        yield


@pytest.fixture
def yunet_env(monkeypatch: pytest.MonkeyPatch, yunet_file: Path) -> Iterator[None]:
    """YuNet as if it had been downloaded."""
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    pipeline.shared_detector.cache_clear()
    yield
    pipeline.shared_detector.cache_clear()


@pytest.fixture(scope="session")
def haar() -> HaarDetector:
    return HaarDetector()


@pytest.fixture(scope="session")
def yunet(yunet_file: Path) -> YuNetDetector:
    return YuNetDetector(yunet_file)


@pytest.fixture(scope="session")
def fer7() -> EmotionClassifier:
    return EmotionClassifier.load("fer7")


class Lightness:
    """Reads how light faces are, at once: for tests of what is around the network."""

    def __init__(self, labels: tuple[str, ...] = FER7.labels) -> None:
        self.labels = labels
        self._logits_of_light = np.linspace(0, 1 / 50, len(labels))

    def predict(self, faces_gray: Any) -> np.ndarray:
        return softmax(np.outer([face.mean() for face in faces_gray], self._logits_of_light))


@pytest.fixture
def portrait() -> np.ndarray:
    """BGR (600, 512, 3) with one frontal face; the test's own to change."""
    return cv2.imread(str(SAMPLES / "grace-hopper.jpg"))


@cache
def small_sample(name: str = "grace-hopper.jpg") -> np.ndarray:
    """Return BGR (H, W, 3) with the one face of a sample, small; not to be changed."""
    (x, y, width, height), size_wh = HEADS[name]
    cut = cv2.imread(str(SAMPLES / name))[y : y + height, x : x + width]
    return cv2.resize(cut, size_wh, interpolation=cv2.INTER_AREA)


@pytest.fixture
def small_portrait() -> np.ndarray:
    """BGR (144, 120, 3) with one frontal face, where its size does not matter; the test's own."""
    return small_sample().copy()


@pytest.fixture(scope="session")
def portrait_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This one as a JPEG file; not to be changed."""
    path = tmp_path_factory.mktemp("portrait") / "portrait.jpg"
    cv2.imwrite(str(path), small_sample())
    return path


@pytest.fixture(scope="session")
def crops() -> np.ndarray:
    """40 grey faces of 96x96 pixels: windows around the portraits' faces, all different."""
    gray = cv2.imread(str(SAMPLES / "grace-hopper.jpg"), cv2.IMREAD_GRAYSCALE)
    corners = [(110 + 5 * (i % 8), 150 + 5 * (i // 8)) for i in range(40)]
    return np.stack([cv2.resize(gray[y : y + 200, x : x + 200], (96, 96)) for y, x in corners])


@pytest.fixture
def make_face() -> Callable[..., FaceReading]:
    """Build a reading with what the test cares about, and the rest plausible."""

    def make(
        box: tuple[float, float, float, float] = (10, 10, 60, 70),
        probabilities: tuple[float, ...] = (0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05),
        landmarks: Any = None,
        quality: tuple[QualityFinding, ...] = (),
    ) -> FaceReading:
        points = None if landmarks is None else np.array(landmarks, np.float32)
        return FaceReading(
            DetectedFace(FaceBox(*map(float, box)), 0.9, points),
            Probabilities(FER7.labels, np.array(probabilities, np.float32)),
            np.zeros((48, 48), np.uint8),
            quality,
        )

    return make


def encoded(picture: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    """Return a Pillow picture, or an RGB or grey array, as the content of a file."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    file = io.BytesIO()
    if kind == "HEIF":
        # Not through Pillow: to make it known there is what read_image has to do itself.
        pillow_heif.from_pillow(picture).save(file, **options)
    else:
        picture.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def closed_port() -> int:
    """A local port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
