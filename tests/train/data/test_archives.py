"""Archives from anybody: what is refused as a whole, whatever they say of themselves."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from tests.train.zips import PNG, lying_bomb, many_entries, png, zip_of
from train.data import archives
from train.data.archives import PictureArchive
from train.errors import ArchiveError

LABELS = FER7.labels
NOISE = {
    f"{label}/{index}.png": png(np.random.default_rng(index).integers(0, 256, (48, 48), np.uint8))
    for index, label in enumerate(LABELS)
}


def test_six_classes_do_not_know_disgust() -> None:
    with PictureArchive(zip_of({"disgust/a.png": PNG, "sad/b.png": PNG}), FER6.labels) as archive:
        assert [(file.name, FER6.labels[file.label]) for file in archive.files] == [
            ("sad/b.png", "sad")
        ]
        assert [skipped.name for skipped in archive.skipped] == ["disgust/a.png"]


def refused(content: bytes, word: str, labels: Sequence[str] = LABELS) -> None:
    with pytest.raises(ArchiveError, match=word) as caught:
        PictureArchive(content, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../happy/a.png",
        "happy/../../a.png",
        "/happy/a.png",
        "happy\\..\\..\\a.png",
        "\\happy\\a.png",
        "C:/happy/a.png",
        "C:\\happy\\a.png",
        "..",
    ],
)
def test_paths_that_leave_the_folder(name: str) -> None:
    info = zipfile.ZipInfo("happy/x.png")
    info.filename = name  # past ZipInfo's own repair
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, PNG)
    refused(buffer.getvalue(), "leaves its folder")


def test_a_name_with_a_zero_byte() -> None:
    content = zip_of({"happy/aXb.png": PNG}).replace(b"aXb", b"a\0b")
    refused(content, "leaves its folder")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(kind: int) -> None:
    info = zipfile.ZipInfo("happy/a.png")
    info.external_attr = (kind | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(buffer.getvalue(), "link or a device")


@pytest.mark.parametrize("name", ["inner.zip", "happy/INNER.ZIP", "a.tar.gz", "b.7z", "c.rar"])
def test_nested_archives(name: str) -> None:
    refused(zip_of({"happy/a.png": PNG, name: b"PK"}), "another archive")


def test_a_bomb_by_its_ratio() -> None:
    bomb = zip_of({"happy/a.png": bytes(20 << 20)}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 16
    refused(bomb, "100-fold")


def test_a_bomb_of_one_large_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1 << 20)
    noise = np.random.default_rng(0).bytes((1 << 20) + 1)
    refused(zip_of({"happy/a.png": noise}), "more than 1 MB unpacked")


def test_a_bomb_of_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 5 << 20)
    noise = np.random.default_rng(0).bytes(1 << 20)
    refused(zip_of({f"happy/{index}.png": noise for index in range(6)}), "more than 5 MB")
    monkeypatch.setattr(archives, "MAX_FILES", 5)
    refused(zip_of({f"happy/{index}.png": b"" for index in range(6)}), "more than 5 files")


def test_a_large_directory_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        pytest.fail("its entries were looked at")

    content = many_entries(300_000)
    monkeypatch.setattr(zipfile, "ZipInfo", read)
    refused(content, "more than 20,000 files")


@pytest.mark.parametrize("name", ["", ".", "./.", "./"])
def test_entries_without_a_name_are_left_out(name: str) -> None:
    info = zipfile.ZipInfo("x")
    info.filename = name  # past ZipInfo's own repair
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, PNG)
        archive.writestr("happy/a.png", PNG)
    with PictureArchive(buffer.getvalue(), LABELS) as archive:
        assert [file.name for file in archive.files] == ["happy/a.png"]


def test_an_entry_before_the_beginning_of_the_file() -> None:
    # zipfile takes a directory that begins later than it says for one that something stands before.
    content = zip_of({"happy/a.png": PNG})
    end = content.rindex(b"PK\5\6")
    (place,) = struct.unpack_from("<L", content, end + 16)
    later = content[: end + 16] + struct.pack("<L", place + 1000) + content[end + 20 :]
    with PictureArchive(later, LABELS) as archive, pytest.raises(ArchiveError, match="damaged"):
        archive.read("happy/a.png")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be read: No such file"):
        PictureArchive(tmp_path / "absent.zip", LABELS)


def test_a_bomb_that_lies_about_its_size() -> None:
    """The directory says 100 bytes; not more than these are ever decompressed."""
    archive = PictureArchive(lying_bomb(), LABELS)
    with archive, pytest.raises(ArchiveError, match="damaged"):
        archive.read("happy/a.png")


def test_a_member_before_the_beginning_of_the_file() -> None:
    """Its directory alone is left, and the places in it are counted back from there."""
    content = zip_of({"happy/a.png": PNG})
    with (
        PictureArchive(content[content.find(b"PK\x01\x02") :], LABELS) as archive,
        pytest.raises(ArchiveError, match="damaged"),
    ):
        archive.read("happy/a.png")


def test_too_large_an_archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 1 << 10)
    content = zip_of({"happy/a.png": bytes(2 << 10)})
    refused(content, "larger than")
    path = tmp_path / "large.zip"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="larger than"):
        PictureArchive(path, LABELS)


def test_an_encrypted_archive() -> None:
    content = bytearray(zip_of({"happy/a.png": PNG}))
    content[content.find(b"PK\x01\x02") + 8] |= 1
    refused(bytes(content), "encrypted")


def test_the_same_name_twice() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("happy/a.png", PNG)
        archive.writestr("happy/a.png", b"other")
    refused(buffer.getvalue(), "two files called")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off", PNG])
def test_what_is_no_zip(content: bytes) -> None:
    refused(content, r"no whole \.zip")


def test_a_cut_off_archive() -> None:
    content = zip_of(NOISE)
    refused(content[: len(content) // 2], r"no whole \.zip")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be read"):
        PictureArchive(tmp_path / "missing.zip", LABELS)


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({}, "no labelled picture"),
        ({"bored/a.png": PNG}, "bored/a.png"),
        ({"happy/": b""}, "no labelled picture"),
        ({"a.csv": b"name,label\n", "happy/a.png": PNG}, "no labelled picture"),
        ({"a.csv": b"name,label\n", "b.csv": b"name,label\n"}, "2 tables"),
        ({"a.csv": b"file,emotion\nx,happy\n"}, "columns name and label"),
        ({"a.csv": b""}, "columns name and label"),
        ({"a.csv": b"name,label\n\xff\xfe,happy\n"}, "UTF-8"),
    ],
)
def test_archives_without_a_labelled_picture(files: dict[str, bytes], word: str) -> None:
    refused(zip_of(files), word)


def test_a_table_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    table = b"name,label\n" + b"a.png,happy\n" * 50
    monkeypatch.setattr(archives, "MAX_FILES", 20)
    refused(zip_of({"a.csv": table, "a.png": PNG}), "more than 20 rows")
    monkeypatch.setattr(archives, "MAX_TABLE_BYTES", 100)
    refused(zip_of({"a.csv": table, "a.png": PNG}), "more than")


def test_every_length_of_a_cut_archive_has_a_named_end() -> None:
    content = zip_of(dict(list(NOISE.items())[:2]))
    for length in range(0, len(content), 97):
        with pytest.raises(ArchiveError):
            PictureArchive(content[:length], LABELS)
