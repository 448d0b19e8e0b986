"""What all tests share: where the real pictures are, and a reason when they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs ../shared/{name}, which is not here")
    return path


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real photos and videos."""
    return _shared("media")


@pytest.fixture(scope="session")
def yunet_file() -> Path:
    """A YuNet network that stands in for the downloaded one."""
    return _shared("models/yunet_n_320_320.onnx")


@pytest.fixture(scope="session")
def fer2013_archive() -> Path:
    """FER-2013 as Kaggle ships it, packed."""
    return _shared("fer2013/fer2013.tar.xz")
