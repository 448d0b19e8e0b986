"""Files that are found in folders, and names and marks of those that are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_core.files import (
    check_writable,
    files_in,
    is_own_result,
    mark_png,
    source_digest,
    source_of_png,
    unclaimed,
    write_at_once,
)
from fer_core.images import encode_png, read_image

SUFFIXES = (".jpg", ".png")


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(*paths: Path) -> list[str]:
    return [str(name) for _, name in files_in(paths, SUFFIXES)]


def test_folders_are_searched_in_the_order_of_names(tmp_path: Path) -> None:
    fill(tmp_path, "c.jpg", "a.PNG", "b/z.jpg", "b/a/y.jpg", "notes.txt", "jpg", "b.jpg/x.jpg")
    assert found(tmp_path) == ["a.PNG", "b/a/y.jpg", "b/z.jpg", "b.jpg/x.jpg", "c.jpg"]
    assert [path for path, _ in files_in([tmp_path / "b"], SUFFIXES)] == [
        tmp_path / "b" / "a" / "y.jpg",
        tmp_path / "b" / "z.jpg",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "._a.jpg",
        ".hidden.jpg",
        ".thumbnails/a.jpg",
        ".Trash/a.jpg",
        "__MACOSX/a.jpg",
        "below/__MACOSX/._a.jpg",
        "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "$RECYCLE.BIN/a.jpg",
        ".0123456789abcdef.part/a.png",
        "a.jpg.annotated.mp4",
    ],
)
def test_what_other_systems_leave_is_passed_over(tmp_path: Path, name: str) -> None:
    fill(tmp_path, name, "kept.jpg")
    suffixes = (*SUFFIXES, ".mp4")
    assert [str(path) for _, path in files_in([tmp_path], suffixes)] == ["kept.jpg"]
    # What is named is wanted.
    assert [path for path, _ in files_in([tmp_path / name], suffixes)] == [tmp_path / name]


def test_a_hidden_folder_that_is_named_is_searched(tmp_path: Path) -> None:
    fill(tmp_path, ".cache/@eaDir/a.jpg")
    assert found(tmp_path / ".cache" / "@eaDir") == ["a.jpg"]


def test_what_is_no_file_is_passed_over_and_links_to_folders_are_not_followed(
    tmp_path: Path,
) -> None:
    fill(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "b.jpg")
    (tmp_path / "c.jpg").symlink_to("/dev/zero")
    (tmp_path / "d.jpg").symlink_to("a.jpg")
    (tmp_path / "e").symlink_to(tmp_path)
    assert found(tmp_path) == ["a.jpg", "d.jpg"]


def test_a_folder_that_cannot_be_searched_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a.jpg", "b/b.jpg", "c.jpg")
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if path.name == "b":
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert found(tmp_path) == ["a.jpg", "b", "c.jpg"]


def test_a_name_that_is_too_long_is_an_input_like_any_other(tmp_path: Path) -> None:
    assert found(tmp_path / ("a" * 300)) == ["a" * 300]


def test_marked_pictures(tmp_path: Path) -> None:
    image = np.arange(40 * 40 * 3, dtype=np.uint8).reshape(40, 40, 3)
    path = tmp_path / "a.jpg.png"
    path.write_bytes(encode_png(image))
    assert source_of_png(path) is None and not is_own_result(path)
    digest = source_digest(tmp_path / "a.jpg")
    path.write_bytes(mark_png(encode_png(image), digest))
    assert source_of_png(path) == digest and is_own_result(path)
    assert "a.jpg" not in digest
    # It is a picture like any other, for decoders that check every sum.
    assert (cv2.imread(str(path)) == image).all()
    assert (read_image(path).image_bgr == image).all()


def test_digests_tell_files_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert source_digest(Path("a.jpg")) == source_digest(tmp_path / "b" / ".." / "a.jpg")
    assert source_digest(Path("a.jpg")) != source_digest(Path("b.jpg"))


def test_names_that_are_taken_get_a_number(tmp_path: Path) -> None:
    base = tmp_path / "new" / "a.mp4"
    taken = {base, base.with_name("a.mp4-2")}
    assert unclaimed(base, ".json", lambda base: True) == base
    assert unclaimed(base, ".json", lambda base: base not in taken) == base.with_name("a.mp4-3")
    assert base.parent.is_dir()


@pytest.mark.parametrize("letter", ["a", "é", "名", "🙂", "\udcff"])
def test_names_that_are_too_long_are_cut(tmp_path: Path, letter: str) -> None:
    ending = ".annotated.mp4"
    for count in range(230 // len(os.fsencode(letter)), 260 // len(os.fsencode(letter))):
        bases = [tmp_path / (count * letter + last) for last in ".1"]
        names = [unclaimed(base, ending, lambda base: True).name for base in bases]
        assert names[0] != names[1]
        for base, name in zip(bases, names, strict=True):
            assert len(os.fsencode(name + ending)) <= 255
            if len(os.fsencode(base.name + ending)) <= 255:
                assert name == base.name
            else:
                assert name.startswith(30 * letter)


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_at_once(path, b"first")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_at_once(path, b"second")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.bin", b"first")]
    write_at_once(path, b"third")
    assert path.read_bytes() == b"third"


def test_what_cannot_be_written_is_known_beforehand(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    check_writable(target)
    assert target.parent.is_dir() and not list(target.parent.iterdir())
    target.write_text("older")
    check_writable(target)
    assert target.read_text() == "older" and list(target.parent.iterdir()) == [target]
    with pytest.raises(IsADirectoryError):
        check_writable(tmp_path / "new")
    with pytest.raises(OSError):
        check_writable(target / "below.html")
