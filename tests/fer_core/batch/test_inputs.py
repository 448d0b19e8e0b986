"""From what the user names to inputs, on this machine and in a store that fsspec opens."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from fer_core.batch.inputs import find_inputs, names_in
from fer_core.batch.plan import Input
from fer_core.batch.stores import address_of, path_of
from fer_core.errors import StoreError

# fsspec's name for the files of this machine: they are read as those of any other store.
STORE = "local://"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for name in (
        "a.jpg", "b.MP4", "notes.txt", "day/c.png", "day/one/d.webp", "day/[x].jpg",
        ".hidden/e.jpg", "__MACOSX/f.jpg", "day/._c.png", "g.annotated.mp4",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"1" * len(name))
    return folder


def found(*names: str | Path) -> dict[str, Input]:
    return {item.address: item for item in find_inputs(map(str, names))}


@pytest.mark.parametrize("store", ["", "file://", STORE])
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("", {"a.jpg", "b.MP4", "day/c.png", "day/one/d.webp", "day/[x].jpg"}),
        ("/day/", {"day/c.png", "day/one/d.webp", "day/[x].jpg"}),
        ("/*.jpg", {"a.jpg"}),
        ("/**/*.p?g", {"day/c.png"}),
        ("/**/[a-c].*", {"a.jpg", "b.MP4", "day/c.png"}),
        ("/*/*.[!p]*", {"day/[x].jpg"}),
        ("/day/[x].jpg", {"day/[x].jpg"}),
        ("/none/*.jpg", set()),
    ],
)
def test_folders_patterns_and_files(archive: Path, store: str, name: str, wanted: set[str]) -> None:
    prefix = f"{STORE}{archive}" if store == STORE else str(archive)
    inputs = found(f"{store}{archive}{name}")
    assert inputs.keys() == {f"{prefix}/{name}" for name in wanted}
    for address, item in inputs.items():
        stat = os.stat(address.removeprefix(STORE))
        assert item.status == "read" and item.reason is None
        assert (item.size_bytes, item.modified_us) == (stat.st_size, stat.st_mtime_ns // 1000)
        assert item.kind == ("video" if address.endswith("MP4") else "photo")


def test_what_is_named_is_read_and_what_a_pattern_only_sweeps_up_is_skipped(archive: Path) -> None:
    (named,) = found(archive / "notes.txt").values()
    assert (named.kind, named.status) == ("photo", "read")
    (swept,) = found(archive / "*.txt").values()
    assert swept.status == "skipped"
    assert swept.reason == "Its ending is neither that of a picture nor that of a video."


def test_what_is_not_there_or_cannot_be_read_is_said(archive: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (absent,) = found(archive / "absent.jpg").values()
    assert (absent.status, absent.reason) == ("failed", "There is no such file.")
    assert absent.error == "NotFound"
    (pipe,) = found(tmp_path / "pipe.jpg").values()
    assert pipe.reason == "The file cannot be read: it is a device or a pipe."
    assert pipe.error == "NotAFile"
    with pytest.raises(StoreError, match=r"^nowhere://x cannot be used: .*nowhere.*\.$"):
        found("nowhere://x/a.jpg")


def test_folders_that_cannot_be_searched_are_said(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("/day"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    inputs = found(archive)
    assert inputs[f"{archive}/day"].status == "failed"
    assert inputs[f"{archive}/day"].reason == "The folder cannot be searched: Permission denied."
    assert inputs[f"{archive}/day"].error == "PermissionError"
    assert f"{archive}/a.jpg" in inputs


def test_names_that_are_no_text_stand_in_tables_all_the_same(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.jpg")
    with open(path, "wb") as file:
        file.write(b"12")
    (item,) = found(tmp_path).values()
    assert item.address == f"file://{tmp_path}/caf%E9.jpg"
    assert os.fsencode(path_of(item.address)) == path
    assert found(item.address) == {item.address: item}


def test_one_file_has_one_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert address_of("a/../b c.jpg") == f"{tmp_path}/b c.jpg"
    assert address_of(f"file://{tmp_path}/b%20c.jpg") == f"{tmp_path}/b c.jpg"
    assert address_of("s3://bucket/b c/") == "s3://bucket/b c"
    with pytest.raises(StoreError, match="a user or a password") as error:
        address_of("s3://key:secret@bucket/a")
    assert "secret" not in str(error.value)


def test_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list.txt").write_bytes(b"a.jpg\r\n\n caf\xe9 .jpg\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("last.jpg"))
    names = list(names_in([tmp_path / "list.txt", Path("-")]))
    assert names == ["a.jpg", " caf\udce9 .jpg", "last.jpg"]
