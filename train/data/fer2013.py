"""FER-2013 in memory, as uint8: 35,887 pictures take 83 MB."""

from __future__ import annotations

import csv
import hashlib
import lzma
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.labels import FER7, ClassSet
from train.data.archives import open_zip
from train.data.picture_ids import picture_id, picture_ids
from train.data.sources import check_source, lines_of
from train.errors import ArchiveError, DataError

SIDE = 48
TRAINING, PUBLIC_TEST, PRIVATE_TEST = "Training", "PublicTest", "PrivateTest"
TEST = "test"
TESTS = (PUBLIC_TEST, PRIVATE_TEST)
# Pictures a split and class, in the order of FER7, as Kaggle ships the data set.
EXPECTED_COUNTS = {
    TRAINING: (3995, 436, 4097, 7215, 4830, 3171, 4965),
    PUBLIC_TEST: (467, 56, 496, 895, 653, 415, 607),
    PRIVATE_TEST: (491, 55, 528, 879, 594, 416, 626),
}
# Three times as many as FER-2013 has; beyond, something else is read, and fills the memory.
_MAX_PICTURES = 100_000
_MAX_FILE_BYTES = 1 << 20


def in_split(splits: NDArray[np.str_], name: str) -> NDArray[np.bool_]:
    """Return which pictures are of a split; "test" is PublicTest and PrivateTest together.

    Args:
        splits: str ``(N,)``, the split of each picture.
        name: Of the split.

    Returns:
        bool ``(N,)``.
    """
    return np.isin(splits, TESTS if name == TEST else (name,))


@dataclass(frozen=True, slots=True)
class FaceSet:
    """Labelled faces.

    Attributes:
        faces_gray: uint8 ``(N, 48, 48)``.
        labels: int64 ``(N,)``, positions in ``class_set.labels``.
        splits: str ``(N,)``: "Training", "PublicTest" or "PrivateTest".
        names: str ``(N,)``: "<split>_<number>"; the number is the file's, or the row's in a CSV.
            Two come twice; what is unique is in ``ids``.
        class_set: What the labels mean.
    """

    faces_gray: NDArray[np.uint8]
    labels: NDArray[np.int64]
    splits: NDArray[np.str_]
    names: NDArray[np.str_]
    class_set: ClassSet = FER7

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def words(self) -> NDArray[np.str_]:
        """Str ``(N,)``, the labels in words."""
        return np.array(self.class_set.labels)[self.labels]

    @property
    def ids(self) -> NDArray[np.str_]:
        """Str ``(N,)``, what the pictures are known by, as ``picture_ids`` makes it."""
        return picture_ids(self.names, self.words)

    def where(self, mask: NDArray[np.bool_] | NDArray[np.int64]) -> FaceSet:
        """Return the faces that a mask or a list of positions selects."""
        return FaceSet(
            self.faces_gray[mask],
            self.labels[mask],
            self.splits[mask],
            self.names[mask],
            self.class_set,
        )

    def split(self, name: str) -> FaceSet:
        """Return one split; "test" is PublicTest and PrivateTest together.

        Raises:
            DataError: There is no such split in the data.
        """
        selected = self.where(in_split(self.splits, name))
        if len(selected) == 0:
            raise DataError(f"The data set has no pictures of the split {name}.")
        return selected

    def as_classes(self, class_set: ClassSet) -> FaceSet:
        """Return the faces whose emotion is in ``class_set``, labelled in its order."""
        position = {label: index for index, label in enumerate(class_set.labels)}
        table = np.array([position.get(label, -1) for label in self.class_set.labels])
        labels = table[self.labels]
        kept = self.where(labels >= 0)
        return FaceSet(kept.faces_gray, labels[labels >= 0], kept.splits, kept.names, class_set)

    def pixel_groups(self) -> NDArray[np.int64]:
        """Return int64 ``(N,)``: the same number for pixel-identical pictures only."""
        digests = [hashlib.sha256(face.tobytes()).digest() for face in self.faces_gray]
        numbers: dict[bytes, int] = {}
        return np.array([numbers.setdefault(d, len(numbers)) for d in digests], np.int64)


def load_fer2013(path: Path) -> FaceSet:
    """Load FER-2013 from any form that Kaggle ships it in.

    Args:
        path: A folder, a ``.zip`` or a ``.tar`` (also compressed) with one folder of pictures
            a class, named ``<split>_<number>.jpg``; or ``fer2013.csv``.

    Returns:
        All readable splits, in the order of split and number.

    Raises:
        DataError: Nothing usable is there, or a picture cannot be read.
    """
    check_source(path, "data set")
    is_table = path.suffix.lower() == ".csv" and path.is_file()
    rows = _rows_of_csv(path) if is_table else _rows_of_files(_members(path))
    try:
        # Two names come twice, with another label, so only with the label is the order one.
        samples = sorted(islice(rows, _MAX_PICTURES + 1), key=_place)
    except _READ_ERRORS as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if len(samples) > _MAX_PICTURES:
        raise DataError(f"{path} has more than {_MAX_PICTURES:,} pictures, so it is no FER-2013.")
    if not samples:
        raise DataError(f"{path} has no pictures named like {TRAINING}_123.jpg in class folders.")
    faces, labels, splits, names = zip(*samples, strict=True)
    return FaceSet(
        np.stack(faces), np.array(labels, np.int64), np.array(splits), np.array(names), FER7
    )


def read_picture_files(path: Path) -> dict[str, bytes]:
    """Read the files of FER-2013's pictures as they are, without decoding them.

    Args:
        path: A folder or an archive, as for ``load_fer2013``.

    Returns:
        The content of each file by the id of its picture, such as "Training_123/happy".

    Raises:
        DataError: Nothing usable is there.
    """
    check_source(path, "data set")
    try:
        files = {
            picture_id(file.stem, file.parent.name): read()
            for file, read in _members(path)
            if _labelled(file) is not None
        }
    except _READ_ERRORS as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not files:
        raise DataError(f"{path} has no pictures named like {TRAINING}_123.jpg in class folders.")
    return files


def count_faults(dataset: FaceSet) -> list[str]:
    """Compare the number of pictures per split and class with the published data set.

    Returns:
        A sentence for every count that differs; empty for the whole data set.
    """
    found = Counter(zip(dataset.splits.tolist(), dataset.labels.tolist(), strict=True))
    return [
        f"{split}/{label}: {found[split, index]} pictures instead of {expected}."
        for split, counts in EXPECTED_COUNTS.items()
        for index, (label, expected) in enumerate(zip(FER7.labels, counts, strict=True))
        if found[split, index] != expected
    ]


def counts_table(dataset: FaceSet) -> str:
    """Return the number of pictures per class and split as a table to read."""
    splits = list(EXPECTED_COUNTS)
    lines = [f"{'':8} " + " ".join(f"{split:>11}" for split in splits)]
    for index, label in enumerate(dataset.class_set.labels):
        found = [int(((dataset.splits == s) & (dataset.labels == index)).sum()) for s in splits]
        lines.append(f"{label:8} " + " ".join(f"{count:11,}" for count in found))
    return "\n".join(lines)


def hold_out(dataset: FaceSet, share: float, seed: int) -> tuple[FaceSet, FaceSet]:
    """Split faces in two, class by class, with pixel-identical pictures on one side.

    Args:
        dataset: Faces of one split. The same faces in another order are split otherwise, so a
            network must be calibrated on the form of the data set that it was trained on.
        share: Share of each class that is held out.
        seed: Decides which pictures are held out.

    Returns:
        The faces kept and the faces held out.

    Raises:
        DataError: There are too few faces for two parts.
    """
    groups = dataset.pixel_groups()
    order = np.random.default_rng(seed).permutation(groups.max(initial=-1) + 1)
    rank = order[groups]
    held = np.zeros(len(dataset), bool)
    for label in range(len(dataset.class_set)):
        members = np.flatnonzero(dataset.labels == label)
        chosen = members[np.argsort(rank[members], kind="stable")]
        held[chosen[: round(share * len(members))]] = True
    # A group that straddles the border, by its class or by its size, is held out as a whole.
    held = np.isin(groups, groups[held])
    if held.all() or not held.any():
        raise DataError(f"{share:.0%} of {len(dataset)} pictures cannot be held out.")
    return dataset.where(~held), dataset.where(held)


Row = tuple[NDArray[np.uint8], int, str, str]
# A file of the data set: its path inside, and how to read it, since most files may be others.
Member = tuple[PurePosixPath | Path, Callable[[], bytes]]
# FER-2013 has 36,000, and some copies have it twice.
_MAX_FILES = 200_000
# Names too long for a header, and other facts, which are read as a whole.
_LONG_HEADERS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
_READ_ERRORS = (
    ArchiveError,
    OSError,
    EOFError,
    RuntimeError,  # an encrypted .zip, or one with an unknown compression
    UnicodeDecodeError,
    csv.Error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def _place(row: Row) -> tuple[str, int, str]:
    _, label, split, name = row
    return split, int(name.rpartition("_")[2]), FER7.labels[label]


def _members(path: Path) -> Iterator[Member]:
    return _files(path) if path.is_dir() else _archive_members(path)


def _files(folder: Path) -> Iterator[Member]:
    for file in folder.rglob("*"):
        yield file.relative_to(folder), partial(_read_file, file)


def _read_file(file: Path) -> bytes:
    if not file.is_file():  # a pipe or a device has no end
        raise DataError(f"{file} is no file.")
    _check_size(file, file.stat().st_size)
    return file.read_bytes()


def _archive_members(path: Path) -> Iterator[Member]:
    """Read an archive member by member; nothing is written to disk."""
    if zipfile.is_zipfile(path):
        with path.open("rb") as file, open_zip(file, _MAX_FILES) as archive:
            for entry in archive.infolist():
                yield PurePosixPath(entry.filename), partial(_read_entry, archive, entry)
        return
    try:
        # tarfile.is_tarfile would read the first header, however long.
        tar = tarfile.open(path, tarinfo=_TarMember)  # noqa: SIM115 - closed below
    except tarfile.ReadError as error:
        raise DataError(
            f"{path} is no folder, no whole .zip or .tar archive and no .csv file."
        ) from error
    with tar:
        for number, member in enumerate(tar):
            if number == _MAX_FILES:
                raise DataError(f"{path} has more than {_MAX_FILES:,} files.")
            if member.isfile():
                yield PurePosixPath(member.name), partial(_read_member, tar, member)


class _TarMember(tarfile.TarInfo):
    """A header of a .tar, which must not hold a file's worth of names."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the header in 512 bytes."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _LONG_HEADERS and member.size > _MAX_FILE_BYTES:
            raise tarfile.ReadError("a header is too long")
        return member


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    _check_size(entry.filename, entry.file_size)
    try:
        return archive.read(entry)
    except ValueError as error:
        raise zipfile.BadZipFile(f"{entry.filename} lies before the beginning") from error


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    _check_size(member.name, member.size)
    content = archive.extractfile(member)
    return content.read() if content else b""


def _check_size(name: str | Path, size: int) -> None:
    if size > _MAX_FILE_BYTES:
        raise DataError(f"{name} is too large for a picture of {SIDE}x{SIDE} pixels.")


def _labelled(path: PurePosixPath | Path) -> tuple[int, str] | None:
    """Return the label and the split that a path names, or None if it is no picture's."""
    split, _, number = path.stem.rpartition("_")
    label = path.parent.name
    if split not in EXPECTED_COUNTS or label not in FER7.labels or not number.isdecimal():
        return None
    return FER7.labels.index(label), split


def _rows_of_files(files: Iterable[Member]) -> Iterator[Row]:
    for path, read in files:
        labelled = _labelled(path)
        if labelled is None:
            continue
        content = np.frombuffer(read(), np.uint8)
        # OpenCV has an exception for nothing, and None for everything else that is no picture.
        face = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
        if face is None or face.shape != (SIDE, SIDE):
            raise DataError(f"{path} is not a picture of {SIDE}x{SIDE} pixels.")
        yield np.asarray(face, np.uint8), *labelled, path.stem


def _rows_of_csv(path: Path) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(lines_of(file, path))
        # One of the two files that Kaggle ships has blanks before its column names.
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        if not {"emotion", "pixels", "Usage"} <= set(reader.fieldnames):
            raise DataError(f"{path} has no columns emotion, pixels and Usage.")
        for number, row in enumerate(reader):
            try:
                face, label, split = _parsed(row["pixels"], row["emotion"], row["Usage"])
            except (ValueError, OverflowError, AttributeError) as error:
                raise DataError(
                    f"{path}, row {number + 1}: not a labelled {SIDE}x{SIDE} picture of a known "
                    f"split ({error})."
                ) from error
            yield face, label, split, f"{split}_{number}"


def _parsed(pixels: str, emotion: str, usage: str) -> tuple[NDArray[np.uint8], int, str]:
    """Read the cells of one row.

    Raises:
        ValueError: One of them has a wrong value.
        OverflowError: One of them is far too large a number.
        AttributeError: One of them is missing.
    """
    split, label = usage.strip(), int(emotion)
    levels = np.array(pixels.split(), np.int64)
    if split not in EXPECTED_COUNTS:
        raise ValueError(f"Usage is {split!r}")
    if label not in range(len(FER7)):
        raise ValueError(f"emotion is {label}")
    if levels.size != SIDE * SIDE or levels.min() < 0 or levels.max() > 255:
        raise ValueError(f"{levels.size} pixels, not {SIDE * SIDE} from 0 to 255")
    return levels.astype(np.uint8).reshape(SIDE, SIDE), label, split
