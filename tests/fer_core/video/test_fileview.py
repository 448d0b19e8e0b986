"""Several readers of one open file."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from fer_core.video import fileview
from fer_core.video.fileview import FarView, FileView, view_of

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def file() -> Iterator[BinaryIO]:
    """A file without a name, at some position of its own."""
    with tempfile.TemporaryFile() as opened:
        opened.write(CONTENT)
        opened.flush()
        opened.seek(7)
        yield opened


def test_it_reads_without_moving_the_file(file: BinaryIO) -> None:
    with FileView(file) as view:
        assert view.read(3) == CONTENT[:3]
        assert view.read() == CONTENT[3:]
        assert view.read(5) == b""
    assert file.tell() == 7


def test_views_have_positions_of_their_own(file: BinaryIO) -> None:
    with FileView(file) as one, FileView(file) as other:
        one.seek(1000)
        assert other.read(4) == CONTENT[:4]
        assert one.read(4) == CONTENT[1000:1004]
        assert (one.tell(), other.tell()) == (1004, 4)


@pytest.mark.parametrize(
    ("offset", "whence", "position"),
    [
        (100, os.SEEK_SET, 100),
        (5, os.SEEK_CUR, 15),
        (-3, os.SEEK_CUR, 7),
        (-10, os.SEEK_END, len(CONTENT) - 10),
        (10, os.SEEK_END, len(CONTENT) + 10),
    ],
)
def test_seeking(file: BinaryIO, offset: int, whence: int, position: int) -> None:
    with FileView(file) as view:
        view.seek(10)
        assert view.seek(offset, whence) == view.tell() == position
        assert view.read(2) == CONTENT[position : position + 2]


@pytest.mark.parametrize(("offset", "whence"), [(-1, os.SEEK_SET), (-1, os.SEEK_CUR), (0, 9)])
def test_impossible_positions_are_refused(file: BinaryIO, offset: int, whence: int) -> None:
    with FileView(file) as view, pytest.raises(ValueError):
        view.seek(offset, whence)


def test_it_outlives_the_file() -> None:
    with tempfile.TemporaryFile() as opened:
        opened.write(CONTENT)
        opened.flush()
        view = FileView(opened)
    assert view.read(4) == CONTENT[:4]
    view.close()
    view.close()
    with pytest.raises(ValueError):
        view.read(1)
    with pytest.raises(ValueError):
        FileView(opened)


def test_it_sees_what_is_written_later(file: BinaryIO) -> None:
    with FileView(file) as view:
        view.seek(0, os.SEEK_END)
        file.seek(0, os.SEEK_END)
        file.write(b"more")
        file.flush()
        assert view.read() == b"more"


def test_it_can_be_buffered(file: BinaryIO) -> None:
    with io.BufferedReader(FileView(file)) as reader:
        assert reader.read(10) == CONTENT[:10]
        assert reader.seekable() and reader.readable() and not reader.writable()


def test_many_threads_read_one_file(file: BinaryIO) -> None:
    found: list[bytes] = []

    def read() -> None:
        with FileView(file) as view:
            found.append(b"".join(iter(lambda: view.read(97), b"")))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 8


def test_files_in_memory_get_a_view_too() -> None:
    upload = io.BytesIO(CONTENT)
    upload.seek(9)
    with view_of(upload) as view:
        assert view.read(3) == CONTENT[:3]
    assert upload.tell() == 9


def test_a_far_file_is_read_in_blocks_that_its_views_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fileview, "_BLOCK_BYTES", 1000)
    monkeypatch.setattr(fileview, "_MOST_BLOCKS", 3)
    asked = []

    def read_at(size: int, position: int) -> bytes:
        asked.append((size, position))
        return CONTENT[position : position + size]

    with FarView(read_at, len(CONTENT)) as far, view_of(far) as other:
        assert far.read(10) == other.read(10) == CONTENT[:10]
        far.seek(-5, os.SEEK_END)
        assert far.read(9) == CONTENT[-5:] and far.read(1) == b""
        other.seek(900)
        assert other.read(1200) == CONTENT[900:2100]
        assert asked == [(1000, 0), (240, 10_000), (1000, 1000), (1000, 2000)]
        other.seek(0)
        assert other.read() == CONTENT
        assert len(asked) == 4 + 8  # three of all eleven were kept
    with FarView(lambda _size, position: b"short"[position:], 100) as far:
        assert far.read() == b"short"
