"""Places that are named for a data set, and are none."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from train.data.fer2013 import load_fer2013, read_picture_files
from train.data.ferplus import read_votes
from train.data.sources import MAX_LINE_CHARS, check_source, lines_of
from train.errors import DataError


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("~nosuchuser/x", "at .*~nosuchuser/x"),
        ("a" * 300, "File name too long"),
        ("/dev/zero", "/dev/zero is neither a file nor a folder"),
        ("pipe", "pipe is neither a file nor a folder"),
        ("zero.csv", "zero.csv is neither a file nor a folder"),
        ("loop", "Too many levels of symbolic links"),
        ("a\0b", "cannot be a file's name"),
        ("table.csv/x", "There is no .* at"),
    ],
)
def test_what_is_no_place_is_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "table.csv").write_text("a,b")
    for read in (load_fer2013, read_picture_files, read_votes):
        with pytest.raises(DataError, match=sentence):
            read(tmp_path / name)


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_place_without_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_folder: bool
) -> None:
    """Whoever may read everything, such as root, is refused nothing: so the system's answer."""

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path if is_folder else tmp_path / "table.csv"
    (tmp_path / "table.csv").touch()
    monkeypatch.setattr(*((os, "scandir") if is_folder else (Path, "open")), refuse)
    with pytest.raises(DataError, match=f"{path} cannot be read: Permission denied"):
        check_source(path, "data set")


def test_what_is_there(tmp_path: Path) -> None:
    assert check_source(tmp_path, "data set") == tmp_path


def test_lines() -> None:
    text = "a,b\n" + MAX_LINE_CHARS * "x"
    assert "".join(lines_of(io.StringIO(text), Path("a.csv"))) == text
    with pytest.raises(DataError, match=r"a\.csv has a line of more than 100,000 letters"):
        list(lines_of(io.StringIO(text + "x"), Path("a.csv")))
