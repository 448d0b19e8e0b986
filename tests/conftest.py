"""What all tests share: where the real pictures are, and a reason when they are not."""

from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

# Before TensorFlow, whose own copy of OpenSSL would take the place of the one in it.
import pylibsrtp  # noqa: F401
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
TINY_COUNTS = {"Training": 24, "PublicTest": 8, "PrivateTest": 8}


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


@pytest.fixture(scope="session")
def tiny_files(fer2013_archive: Path) -> dict[str, bytes]:
    """The first real JPEG files of every split and class, by their path in the archive."""
    files: dict[str, bytes] = {}
    found: Counter[tuple[str, str]] = Counter()
    wanted = len(TINY_COUNTS) * 7
    with tarfile.open(fer2013_archive) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            split = path.stem.partition("_")[0]
            group = split, path.parent.name
            if member.isfile() and found[group] < TINY_COUNTS.get(split, 0):
                content = archive.extractfile(member)
                assert content is not None
                files[member.name] = content.read()
                found[group] += 1
                if sum(found[key] == TINY_COUNTS[key[0]] for key in found) == wanted:
                    break
    return files


@pytest.fixture(scope="session")
def tiny_folder(tiny_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """These files unpacked; not to be changed."""
    folder = tmp_path_factory.mktemp("fer2013")
    for name, content in tiny_files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def tiny_set(tiny_folder: Path) -> Any:
    """These files loaded; not to be changed."""
    from train.data.fer2013 import load_fer2013

    return load_fer2013(tiny_folder)
