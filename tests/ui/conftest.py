"""The app under Streamlit's AppTest, on the built-in detector unless a test says otherwise."""

from __future__ import annotations

import functools
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, local_script_runner

from tests.once import found_and_read_once
from train.evaluation.explain import occlusion_sensitivity
from ui.common import why
from ui.common.jobs import get_queue
from ui.live.session import shared_slots
from ui.photo.shelf import get_shelves
from ui.video.shelf import get_shelf

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "assets" / "samples" / "eileen-collins.jpg"


@pytest.fixture(scope="session", autouse=True)
def _what_is_the_same_in_every_run_is_done_once() -> Iterator[None]:
    """An AppTest reads the metadata of all installed packages, and each of its runs compiles."""
    search = functools.cache(manifest_scanner.scan_component_manifests)
    scripts = ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", search)
        patch.setattr(local_script_runner, "ScriptCache", lambda: scripts)
        yield


@pytest.fixture(scope="session", autouse=True)
def _keras_keeps_its_state() -> Iterator[None]:
    """Where it is loaded, Streamlit clears it after each run, which takes longer than a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        yield


@pytest.fixture(scope="module", autouse=True)
def _faces_are_found_and_read_once() -> Iterator[None]:
    with found_and_read_once():
        yield


@pytest.fixture(scope="module", autouse=True)
def _faces_are_covered_in_four_places() -> Iterator[None]:
    """Where the square moves is not a page's business, and each place is a face to read."""

    def coarsely(*given: Any, window: int, stride: int) -> NDArray[np.float32]:
        return occlusion_sensitivity(*given, window=max(window, 24), stride=max(stride, 24))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(why, "occlusion_sensitivity", coarsely)
        yield


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """The app before its first page, on a machine without YuNet."""
    monkeypatch.setenv("FER_YUNET", str(tmp_path / "none.onnx"))
    # The work of one test's visitors must not be there for the next. Networks and stored findings
    # may be: they are known by their files' ages.
    for held in (get_queue, get_shelf, get_shelves, shared_slots):
        held.__wrapped__.cache_clear()
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)


@pytest.fixture
def home(app: AppTest) -> AppTest:
    """The home page, run once."""
    return app.run()


@pytest.fixture
def photo_page(app: AppTest) -> AppTest:
    """The photo page."""
    return app.switch_page("pages/1_Photo.py").run()


@pytest.fixture
def upload(photo_page: AppTest) -> Callable[..., AppTest]:
    """Upload (name, content) pairs at once and run the page until all is analysed."""

    def run(*files: tuple[str, bytes]) -> AppTest:
        uploads = [(name, content, "image/jpeg") for name, content in files]
        return photo_page.file_uploader[0].set_value(uploads).run()

    return run


@pytest.fixture(scope="session")
def clip() -> bytes:
    """A grey MP4 of one second without a face."""
    content = io.BytesIO()
    with av.open(content, "w", "mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in range(10):
            image = np.full((48, 64, 3), 20 * level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(stream.encode())
    return content.getvalue()


def address(app: AppTest) -> dict[str, str]:
    """Return what the browser is told to have in the page's address, by name."""
    told = [json.loads(component.proto.json) for component in app.get("bidi_component")
            if component.key.startswith("address-")]  # fmt: skip
    return {data["name"]: data["value"] for data in told}


def until(holds: Callable[[], bool]) -> None:
    clock = threading.Event()
    for _ in range(2000):
        if holds():
            return
        clock.wait(0.01)
    raise AssertionError("it never came to that")
