from __future__ import annotations

from pathlib import Path

import pytest

from tests.archives import Archive, write_archive
from ui.archive.index import Index, open_index


@pytest.fixture(scope="package")
def archive(tmp_path_factory: pytest.TempPathFactory, clip: bytes) -> Archive:
    """Sixty photos of three years and a video; not to be changed."""
    return write_archive(tmp_path_factory.mktemp("archive"), clip)


@pytest.fixture(scope="package")
def index(archive: Archive) -> Index:
    """Its data set, opened."""
    return open_index(str(archive.readings))


@pytest.fixture
def own(tmp_path: Path) -> Archive:
    """An archive to be changed."""
    return write_archive(tmp_path / "own")
