"""Files that commands find in folders, and how they write theirs.

No result takes another file's name, none is half-written, and none is read again as an input.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count
from pathlib import Path

# Stands for what comes on standard input. It is told apart by identity: ./- is a file.
STANDARD_INPUT = Path("-")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
ANNOTATED_VIDEO = ".annotated.mp4"
# What systems leave in folders, besides what they hide: unpacked archives, storage servers, bins.
_LITTER = (
    "__MACOSX", "@eaDir", "@Recycle", "@Recently-Snapshot", "#recycle", "#snapshot",
    "$RECYCLE.BIN", "System Volume Information", "lost+found",
)  # fmt: skip
# What every usual file system takes for one name.
_MAX_NAME_BYTES = 255
# A PNG begins with its signature and one IHDR chunk of 13 bytes (ISO/IEC 15948, 5.2 and 5.3).
_PNG_HEAD_BYTES = 8 + 12 + 13
_MARK = b"tEXtfacial-emotions\0"
_DIGEST_CHARS = 16


def files_in(paths: Sequence[Path], suffixes: Collection[str]) -> Iterator[tuple[Path, Path]]:
    """Yield every input with its name relative to the argument that led to it.

    Args:
        paths: Files, which are taken whatever they are called, and folders, searched to the bottom
            except for what is hidden, what other systems leave there, and the command line's own
            annotated pictures and videos. A folder that cannot be searched is yielded itself:
            whoever reads it learns why.
        suffixes: Endings in lower case, with the dot, of the files that a folder gives.
    """
    for path in paths:
        if path is STANDARD_INPUT:
            yield path, Path("stdin")
        elif os.path.isdir(path):
            for file in _search(path, suffixes):
                yield file, file.relative_to(path)
        else:
            yield path, Path(path.name)


def _search(folder: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """Yield files in the order of their names; without recursion, which deep folders exhaust."""
    waiting = [(folder, True)]
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            if os.path.isfile(path) and not is_own_result(path):
                yield path
            continue
        try:
            with os.scandir(path) as entries:
                found = sorted(
                    (entry.name, entry.is_dir(follow_symlinks=False))
                    for entry in entries
                    if not is_litter(entry.name)
                )
        except OSError:
            yield path
            continue
        waiting += [
            (path / name, is_below)
            for name, is_below in reversed(found)
            if is_below or os.path.splitext(name)[1].lower() in suffixes
        ]


def is_litter(name: str) -> bool:
    """Return whether a file or folder of that name is hidden, or what other systems leave."""
    return name.startswith(".") or name in _LITTER


def is_own_result(path: Path) -> bool:
    """Return whether a file is an annotated picture or video that the command line wrote."""
    if path.name.endswith(ANNOTATED_VIDEO):
        return True
    try:
        return path.suffix.lower() == ".png" and source_of_png(path) is not None
    except OSError:
        return False


def mark_png(content: bytes, source: str) -> bytes:
    """Return a PNG that says whose annotated picture it is.

    Args:
        content: A PNG file.
        source: The digest of the picture that was annotated, from ``source_digest``.
    """
    chunk = _MARK + source.encode("ascii")
    chunk = (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    return content[:_PNG_HEAD_BYTES] + chunk + content[_PNG_HEAD_BYTES:]


def source_of_png(path: Path) -> str | None:
    """Return the digest that ``mark_png`` wrote into a file, or None.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_PNG_HEAD_BYTES + 4 + len(_MARK) + _DIGEST_CHARS)
    mark, digest = head[_PNG_HEAD_BYTES + 4 :][: len(_MARK)], head[-_DIGEST_CHARS:]
    return digest.decode("ascii", "replace") if mark == _MARK else None


def source_digest(path: Path) -> str:
    """Return what tells a file apart from others of its name, without giving away its place."""
    place = os.fsencode(os.path.realpath(path))
    return hashlib.sha256(place).hexdigest()[:_DIGEST_CHARS]


def unclaimed(base: Path, longest_ending: str, is_ours: Callable[[Path], bool]) -> Path:
    """Return a name for results that is nobody else's, and make its folder.

    Args:
        base: The name wanted. Where it is another file's, a number is added; where it is too long
            for a file system, it is cut, and a few digits keep it apart from others.
        longest_ending: The longest ending that files will add to it.
        is_ours: Whether results of this name would be this input's, or there are none.

    Raises:
        OSError: There can be no file of this name.
    """
    base.parent.mkdir(parents=True, exist_ok=True)
    names = (base.name if number == 1 else f"{base.name}-{number}" for number in count(1))
    candidates = (base.with_name(_fitted(name, longest_ending)) for name in names)
    return next(candidate for candidate in candidates if is_ours(candidate))


def _fitted(name: str, ending: str) -> str:
    """Return a name that has at most 255 bytes together with its ending."""
    room = _MAX_NAME_BYTES - len(os.fsencode(ending))
    if len(os.fsencode(name)) <= room:
        return name
    digits = f"~{hashlib.sha256(os.fsencode(name)).hexdigest()[:10]}"
    while len(os.fsencode(name + digits)) > room:
        name = name[:-1]
    return name + digits


def check_writable(path: Path) -> None:
    """Make a result's folder, and find out now what would keep it from being written at the end.

    Raises:
        OSError: The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = _part(path)
    part.touch(exist_ok=False)
    part.unlink()


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it, and leave nothing if that fails.

    Raises:
        OSError: It cannot be written.
    """
    part = _part(path)
    try:
        with part.open("xb") as file:
            file.write(content)
        part.replace(path)
    except BaseException:  # Ctrl-C too
        part.unlink(missing_ok=True)
        raise


def _part(path: Path) -> Path:
    return path.with_name(f".{secrets.token_hex(8)}.part")
