"""The running app, and a real Chromium that visits it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.proxy import RESOLVED
from benchmarks.proxy import caddy as find_caddy
from tests.archives import write_archive
from tests.browser.running import running_app
from tests.cells import cell_of, write_pictures
from tests.conftest import unpacked

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    RESOLVED,
]


@pytest.fixture(scope="session")
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's temporary files go."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def server(
    temporary_folder: Path,
    yunet_file: Path,
    tiny_files: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of the app, started for these tests with YuNet, a small data set and archive.

    It has the drawn faces, and pictures for one cell of the confusion matrix.
    """
    in_cell = set(cell_of().names.tolist())
    others = {name: face for name, face in tiny_files.items() if Path(name).stem not in in_cell}
    data = write_pictures(unpacked(others, tmp_path_factory.mktemp("data")))
    archive = write_archive(tmp_path_factory.mktemp("archive"))
    environment = {
        "FER_YUNET": str(yunet_file),
        "FER2013": str(data),
        "FER_ARCHIVE": str(archive.readings),
    }
    with running_app(temporary_folder, environment) as app:
        yield app.address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium with a fake camera."""
    if not CHROMIUM.exists():
        pytest.skip("needs Chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=30_000)
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def caddy() -> str:
    """The proxy of deploy/."""
    found = find_caddy()
    if found is None:
        pytest.skip("needs Caddy; on Debian: apt-get install caddy")
    return found


@pytest.fixture
def page(chromium: Browser, server: str) -> Iterator[Page]:
    """An empty tab of a new visitor, relative to the app's address."""
    context = chromium.new_context(base_url=server, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()
