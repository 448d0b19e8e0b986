"""Labelled pictures in a .zip from anybody.

Nothing is unpacked to disk, so no path can lead anywhere. All that can be known from the directory
of the archive is checked before a single file is opened, and what is opened is read up to a limit,
whatever the directory says.
"""

from __future__ import annotations

import csv
import io
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from fer_core.images import IMAGE_SUFFIXES
from train.errors import ArchiveError

MAX_ARCHIVE_BYTES = 1 << 30
MAX_FILES = 20_000
MAX_FILE_BYTES = 50 << 20
MAX_TOTAL_BYTES = 4 << 30
MAX_TABLE_BYTES = 5 << 20
# Of a table: what is said of pictures beside their labels.
MAX_COLUMNS, MAX_VALUE_LENGTH = 20, 60
# In the directory, an entry is its name and some 50 to 100 bytes. Where the directory is, the last
# 64 kB of the file say.
_ENTRY_BYTES, _MIN_READ_BYTES = 500, 1 << 17
# Pictures are compressed already; a thousandfold is a bomb, which deflate reaches at most.
MAX_RATIO = 100
_ARCHIVES = (
    ".zip", ".jar", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".iso", ".cab",
)  # fmt: skip
# The names that other data sets have for the same emotions.
_SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
_ENCRYPTED, _UTF8 = 0x1, 0x800
# What zipfile raises on damaged archives; a place before the file's beginning is a ValueError.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError,
    ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out.

    Attributes:
        name: Its path in the archive.
        reason: Why, as a sentence.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A picture in the archive, not read yet.

    Attributes:
        name: Its path in the archive.
        label: Position of its emotion in the model's labels.
        said: What the archive's table says of it besides, by column; without what is empty.
    """

    name: str
    label: int
    said: Mapping[str, str] = field(default_factory=dict)


class _Directory:
    """A file of which no more can be read at once than a directory of some entries takes.

    zipfile makes an object of every entry before anybody can count them.
    """

    def __init__(self, file: BinaryIO, max_entries: int) -> None:
        self._file = file
        self._max_entries = max_entries
        self.is_read = False

    def read(self, size: int = -1) -> bytes:
        if self.is_read:
            return self._file.read(size)
        most = max(_MIN_READ_BYTES, self._max_entries * _ENTRY_BYTES)
        content = self._file.read(most + 1 if size < 0 else min(size, most + 1))
        if len(content) > most:
            raise _too_many(self._max_entries)
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def open_zip(file: BinaryIO, max_entries: int) -> zipfile.ZipFile:
    """Return a .zip, opened unless its directory is too large; closing it leaves ``file`` open.

    Raises:
        ArchiveError: It is damaged, or has more entries.
    """
    directory = _Directory(file, max_entries)
    try:
        archive = zipfile.ZipFile(cast(BinaryIO, directory))
    except ArchiveError:
        raise
    except _DAMAGED as error:
        raise ArchiveError("The file is no whole .zip archive.") from error
    directory.is_read = True
    if len(archive.infolist()) > max_entries:
        archive.close()
        raise _too_many(max_entries)
    return archive


def _too_many(max_entries: int) -> ArchiveError:
    return ArchiveError(f"The archive has more than {max_entries:,} files.")


class PictureArchive:
    """A .zip with a folder an emotion, or with one table of names and labels.

    Use it as a context, which closes the file.
    """

    def __init__(self, source: Path | bytes, labels: Sequence[str]) -> None:
        """Open and check an archive.

        Args:
            source: The .zip, or its content.
            labels: The emotions that the model knows.

        Raises:
            ArchiveError: It is refused as a whole; the message says why.
        """
        size = len(source) if isinstance(source, bytes) else _size_of(source)
        if size > MAX_ARCHIVE_BYTES:
            raise ArchiveError(
                f"The archive is larger than {MAX_ARCHIVE_BYTES >> 20:,} MB, the most that is read."
            )
        self._file: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else _opened(source)
        try:
            self._zip = open_zip(self._file, MAX_FILES)
        except BaseException:
            self._file.close()
            raise
        try:
            self._members = _checked(self._zip.infolist())
            tables = [name for name in self._members if name.lower().endswith(".csv")]
            if len(tables) > 1:
                raise ArchiveError(
                    f"The archive has {len(tables)} tables; one at most can be used."
                )
            self.files, self.skipped = (
                self._by_table(tables[0], labels) if tables else self._by_folder(labels)
            )
            if not self.files:
                raise ArchiveError(_nothing_usable(self.skipped, labels))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> PictureArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self._zip.close()
        self._file.close()

    def read(self, name: str) -> bytes:
        """Return the content of one file.

        Raises:
            ArchiveError: It is damaged, or is larger than the archive says.
        """
        return self._read(name, MAX_FILE_BYTES)

    def _read(self, name: str, limit: int) -> bytes:
        try:
            with self._zip.open(self._members[name]) as file:
                content = file.read(limit + 1)
        except _DAMAGED as error:
            raise ArchiveError("The file is damaged in the archive.") from error
        if len(content) > limit:
            raise ArchiveError(f"The file has more than {limit >> 20} MB.")
        return content

    def _by_folder(
        self, labels: Sequence[str]
    ) -> tuple[tuple[LabelledFile, ...], tuple[Skipped, ...]]:
        files, skipped = [], []
        for name in sorted(self._members):
            path = PurePosixPath(name)
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                skipped.append(Skipped(name, "The file is no picture, by its name."))
                continue
            # The innermost folder that names an emotion: "happy/2024/anna.jpg" is happy.
            folders = [_emotion(folder) for folder in reversed(path.parts[:-1])]
            label = next((folder for folder in folders if folder in labels), None)
            if label is None:
                reason = f"None of its folders is named {_one_of(labels)}."
                skipped.append(Skipped(name, reason))
            else:
                files.append(LabelledFile(name, labels.index(label)))
        return tuple(files), tuple(skipped)

    def _by_table(
        self, table: str, labels: Sequence[str]
    ) -> tuple[tuple[LabelledFile, ...], tuple[Skipped, ...]]:
        folder = PurePosixPath(table).parent
        files: dict[str, LabelledFile] = {}
        skipped = []
        for row in _rows(self._read(table, MAX_TABLE_BYTES)):
            wanted = unicodedata.normalize("NFC", (row["name"] or "").strip())
            emotion = _emotion(row["label"] or "")
            name = str(folder / wanted)
            if not wanted or name not in self._members:
                skipped.append(Skipped(wanted, "The table names it, and the archive lacks it."))
            elif emotion not in labels:
                reason = f"Its label is {row['label']!r}, not {_one_of(labels)}."
                skipped.append(Skipped(name, reason))
            elif name in files:
                skipped.append(Skipped(name, "The table names it more than once."))
            else:
                files[name] = LabelledFile(name, labels.index(emotion), _said_in(row))
        return tuple(files.values()), tuple(skipped)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(f"{path} cannot be read: {error.strerror}.")


def _checked(entries: Sequence[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by their names; folders and helper files are left out.

    Raises:
        ArchiveError: One of the entries makes the whole archive suspicious.
    """
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        raise ArchiveError(f"Unpacked, the archive has more than {MAX_TOTAL_BYTES >> 20:,} MB.")
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = _name_of(entry)
        _check_entry(name, entry)
        # Without any parts it is the folder itself.
        if not PurePosixPath(name).parts or entry.is_dir() or _is_helper(name):
            continue
        if name in members:
            raise ArchiveError(f"The archive has two files called {name!r}.")
        members[name] = entry
    return members


def _check_entry(name: str, entry: zipfile.ZipInfo) -> None:
    # The name as it is written, too: ZipInfo cuts it at a zero byte.
    for written in (name, entry.orig_filename):
        parts = written.replace("\\", "/").split("/")
        if written.startswith(("/", "\\")) or ".." in parts or "\0" in written or ":" in parts[0]:
            raise ArchiveError(f"The archive has a path that leaves its folder: {written!r}.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"{name!r} in the archive is a link or a device, not a file.")
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveError("The archive is encrypted.")
    if PurePosixPath(name).suffix.lower() in _ARCHIVES:
        raise ArchiveError(f"The archive holds another archive, {name!r}.")
    if entry.file_size > MAX_FILE_BYTES:
        raise ArchiveError(f"{name!r} has more than {MAX_FILE_BYTES >> 20} MB unpacked.")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1) and entry.file_size > 1 << 20:
        raise ArchiveError(f"{name!r} is packed more than {MAX_RATIO}-fold, as no picture is.")


def _name_of(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry, in one of the ways in which Unicode can be written.

    Many programs write UTF-8 without saying so, and Python then reads the bytes as cp437.
    """
    name = entry.filename
    if not entry.flag_bits & _UTF8:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = entry.filename
    return unicodedata.normalize("NFC", name)


def _is_helper(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in _HELPERS


_HELPERS = (".DS_Store", "Thumbs.db", "desktop.ini")


def _emotion(text: str) -> str:
    word = text.strip().lower()
    return _SYNONYMS.get(word, word)


def _said_in(row: Mapping[str, str | None]) -> dict[str, str]:
    # What stands beyond the last column has no name.
    others = [column for column in row if column and column not in ("name", "label")]
    said = {column: " ".join((row[column] or "").split()) for column in others[:MAX_COLUMNS]}
    return {column: value[:MAX_VALUE_LENGTH] for column, value in said.items() if value}


def _rows(content: bytes) -> list[dict[str, str | None]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        reader.fieldnames = [
            " ".join(name.split()).lower()[:MAX_VALUE_LENGTH] for name in reader.fieldnames or ()
        ]
        if not {"name", "label"} <= set(reader.fieldnames):
            raise ArchiveError("The table in the archive has no columns name and label.")
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArchiveError("The table in the archive is no CSV file in UTF-8.") from error
    if len(rows) > MAX_FILES:
        raise ArchiveError(f"The table in the archive has more than {MAX_FILES:,} rows.")
    return rows


def _one_of(labels: Sequence[str]) -> str:
    return f"{', '.join(labels[:-1])} or {labels[-1]}"


def _nothing_usable(skipped: Sequence[Skipped], labels: Sequence[str]) -> str:
    first = f" For example, {skipped[0].name!r}: {skipped[0].reason}" if skipped else ""
    return (
        f"The archive has no labelled picture: it needs a folder named {_one_of(labels)} with "
        f"pictures, or a table with the columns name and label.{first}"
    )
