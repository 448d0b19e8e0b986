"""What all tests share: where the real pictures are, and a reason when they are not."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

# Parallel workers share the processor's cores: more threads would only wait for one another.
# Before NumPy, OpenCV and TensorFlow, which read this when they are imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_FOR_THREADS_NUM": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
    }

# Before TensorFlow, whose own copy of OpenSSL would take the place of the one in it.
import pylibsrtp  # noqa: F401
import pytest

from tests import drawn

# What is imported and collected stays: to look through it for garbage again and again is in vain.
gc.set_threshold(100_000, 50, 50)

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
# All of them need Chromium.
BROWSER_TESTS = ROOT / "tests" / "browser"

# What a test needs, by the fixtures that it uses, itself or through others. Tests that train or
# export something themselves are marked by hand.
MARKERS = {
    "chromium": "browser",
    "trained_run": "training",
    "ensembles_dir": "training",
    "network": "training",
    "cases": "shared",
    "media": "shared",
    "wild": "shared",
    "yunet_file": "shared",
    "fer2013_archive": "shared",
}


_KERAS_LOADED_BY = pytest.StashKey[str]()


def _left_out(config: pytest.Config) -> set[str]:
    """Return the markers whose tests are certainly not run."""
    expression = config.option.markexpr
    unclear = "(" in expression or " or " in expression
    return set() if unclear else set(re.findall(r"\bnot (\w+)", expression))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import what is left out as a whole: Keras alone takes seconds."""
    left_out = _left_out(config)
    if collection_path == BROWSER_TESTS and "browser" in left_out:
        return True
    if collection_path.suffix != ".py" or not left_out:
        return None
    marked = re.findall(r"^pytestmark = pytest\.mark\.(\w+)$", collection_path.read_text(), re.M)
    return True if left_out & set(marked) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Where tests that need Keras are left out, fail the first that loads it nevertheless."""
    yield
    if (
        "keras" in sys.modules
        and "training" in _left_out(item.config)
        and item.config.stash.setdefault(_KERAS_LOADED_BY, item.nodeid) == item.nodeid
    ):
        pytest.fail("This test, or what was collected, loads Keras without the marker `training`.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for fixture, marker in MARKERS.items():
            if fixture in fixtures:
                item.add_marker(marker)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole files, and browser tests as two: those with a camera, and the others.

    One server and one browser serve all of each. Files go out in their order, so the browser tests,
    which take longest, begin at once.
    """
    from xdist.scheduler import LoadScopeScheduling

    class FileScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith("tests/browser/"):
                return "camera" if "/test_live" in nodeid else "browser"
            return nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return FileScheduling(config, log)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported, TensorFlow above all.

    Streamlit collects after every run of a page, which would take longer than the run.
    """
    gc.collect()
    gc.freeze()


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
def cases() -> Path:
    """The folder of files that were once read wrongly, or brought the app down."""
    return _shared("cases")


@pytest.fixture(scope="session")
def wild() -> Path:
    """The folder of labelled ordinary photos."""
    return _shared("wild")


@pytest.fixture(scope="session")
def yunet_file() -> Path:
    """A YuNet network that stands in for the downloaded one."""
    return _shared("models/yunet_n_320_320.onnx")


@pytest.fixture(scope="session")
def fer2013_archive() -> Path:
    """FER-2013 as Kaggle ships it, packed."""
    return _shared("fer2013/fer2013.tar.xz")


@pytest.fixture(scope="session")
def tiny_files() -> dict[str, bytes]:
    """Drawn faces as JPEG files of every split and class, by their path in the archive."""
    return drawn.draw_files()


@pytest.fixture(scope="session")
def tiny_folder(tiny_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """These files unpacked; not to be changed."""
    return unpacked(tiny_files, tmp_path_factory.mktemp("fer2013"))


@pytest.fixture(scope="session")
def tiny_votes(tiny_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Votes on them, in FER+'s form."""
    return drawn.write_votes(tiny_files, tmp_path_factory.mktemp("votes") / "ferplus.csv")


@pytest.fixture(scope="session")
def tiny_set(tiny_folder: Path) -> Any:
    """These files loaded; not to be changed."""
    from train.data.fer2013 import load_fer2013

    return load_fer2013(tiny_folder)


@pytest.fixture
def readings_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera's readings are drawn for as long as a busy machine may take to ask for it."""
    monkeypatch.setattr("fer_core.live.analysis.READING_LIFE_S", 60.0)


def unpacked(files: dict[str, bytes], folder: Path) -> Path:
    """Write files into a folder by their path in it, and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
