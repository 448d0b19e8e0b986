from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from fer_core.video.source import VideoFacts
from fer_core.video.writer import expected_bytes
from ui.video.room import NoRoom, temporary_file

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder with 300 MB of room."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 300_000_000))
    return tmp_path


def test_a_file_without_a_name(folder: Path) -> None:
    with temporary_file("The video", 200_000_000) as file:
        file.write(b"content")
        assert os.fstat(file.fileno()).st_nlink == 0 and not list(folder.iterdir())


def test_need_folder_and_what_is_free_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_PUBLIC", "0")
    with pytest.raises(NoRoom) as raised:
        temporary_file("The annotated video", 1_200_000_000)
    assert str(raised.value) == (
        f"The annotated video needs 1,250 MB in the temporary folder {folder}, where 300 MB are "
        "free."
    )


def test_strangers_see_no_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_PUBLIC", "1")
    with pytest.raises(NoRoom) as raised:
        temporary_file("The video", 1_200_000_000)
    assert str(folder) not in str(raised.value) and "1,250 MB" in str(raised.value)


def test_what_a_copy_needs_follows_from_the_video() -> None:
    facts = VideoFacts(600.0, (1920, 1080), 30.0, 18000, "h264", 0, 0, "aac", 400_000_000)
    whole = expected_bytes(facts)
    assert 300_000_000 < whole < 1_200_000_000
    assert expected_bytes(facts, 0, 60) == pytest.approx(whole / 10, rel=0.01)
    assert expected_bytes(facts, 540) == pytest.approx(whole / 10, rel=0.01)
