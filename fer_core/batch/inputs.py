"""From what the user names to the single inputs, one after the other: nothing is kept of them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import takewhile
from math import inf
from pathlib import Path
from typing import TextIO

from fer_core.batch.plan import Input
from fer_core.batch.schema import FAILED, PHOTO, SKIPPED, VIDEO
from fer_core.batch.stores import Entry, address_of, is_remote, listed, look_at, path_of
from fer_core.commands import failure_of
from fer_core.errors import StoreError, StoreUnreachable
from fer_core.files import ANNOTATED_VIDEO, VIDEO_SUFFIXES, is_own_result
from fer_core.images import IMAGE_SUFFIXES

_MAGIC = re.compile(r"[*?\[]")


def find_inputs(names: Iterable[str], suffixes: dict[str, str] | None = None) -> Iterator[Input]:
    """Yield the inputs that names stand for.

    Args:
        names: Files, which are read whatever they are called; folders, searched to the bottom for
            the endings of pictures and videos; patterns with ``*``, ``?``, ``[…]``, and ``**`` for
            folders of any depth, whose other files are skipped.
        suffixes: The kind of a file by its ending.

    Yields:
        An input for each file, and one that failed for what is not there or cannot be searched. A
        file that several names stand for comes several times.

    Raises:
        StoreError: A store cannot be used.
    """
    suffixes = suffixes or kinds_by_suffix()
    for name in names:
        address = address_of(name)
        is_pattern = _MAGIC.search(address) is not None
        if is_pattern and look_at(_fixed(address)) is None:
            continue
        found = _looked(address) if is_pattern else look_at(address)
        if found is None and is_pattern:
            yield from (_input(entry, suffixes) for entry in _matching(address))
        elif found is None:
            yield _failed(address, PHOTO, "There is no such file.", "NotFound")
        elif found.is_folder:
            yield from (
                _input(entry, suffixes) for entry in _below(address) if _is_wanted(entry, suffixes)
            )
        else:
            yield _named(found, suffixes)


def names_in(lists: Iterable[Path]) -> Iterator[str]:
    """Yield the names in lists, one per line; ``-`` is standard input.

    Raises:
        OSError: A list cannot be read.
    """
    for path in lists:
        file: TextIO
        with (
            nullcontext(sys.stdin)
            if str(path) == "-"
            else path.open(encoding="utf-8", errors="surrogateescape")
        ) as file:
            for line in file:
                if name := line.rstrip("\r\n"):
                    yield name


def kinds_by_suffix() -> dict[str, str]:
    """Return whether a file is a photo or a video, by its ending in lower case."""
    return dict.fromkeys(IMAGE_SUFFIXES, PHOTO) | dict.fromkeys(VIDEO_SUFFIXES, VIDEO)


def _looked(address: str) -> Entry | None:
    # A bucket cannot be asked for what no file can be called.
    try:
        return look_at(address)
    except (OSError, StoreError):
        return None


def _suffix(address: str) -> str:
    return os.path.splitext(address)[1].lower()


def _failed(address: str, kind: str, reason: str, error: str) -> Input:
    return Input(address, kind, status=FAILED, reason=reason, error=error)


def _named(entry: Entry, suffixes: dict[str, str]) -> Input:
    """Return a file that the user named: its name says at most how it is read."""
    kind = suffixes.get(_suffix(entry.address), PHOTO)
    path = path_of(entry.address)
    if not is_remote(entry.address) and not os.path.isfile(path):
        reason = "The file cannot be read: it is a device or a pipe."
        return _failed(entry.address, kind, reason, "NotAFile")
    return Input(entry.address, kind, entry.size_bytes, entry.modified_us)


def _input(entry: Entry, suffixes: dict[str, str]) -> Input:
    """Return a file that was found: what its ending does not make an input is skipped."""
    kind = suffixes.get(_suffix(entry.address))
    size = entry.size_bytes, entry.modified_us
    if entry.reason is not None:
        return Input(entry.address, PHOTO, *size, FAILED, entry.reason, entry.error)
    if kind is None:
        reason = "Its ending is neither that of a picture nor that of a video."
        return Input(entry.address, PHOTO, *size, SKIPPED, reason)
    return Input(entry.address, kind, *size)


def _is_wanted(entry: Entry, suffixes: dict[str, str]) -> bool:
    """Return whether a folder gives a file: not one that nobody meant."""
    if entry.reason is not None:
        return True
    if _suffix(entry.address) not in suffixes:
        return False
    if is_remote(entry.address):
        # The mark in a picture is not looked for: that would fetch each of them twice.
        return not entry.address.endswith(ANNOTATED_VIDEO)
    return not is_own_result(Path(path_of(entry.address)))


def _below(folder: str, levels: float = inf) -> Iterator[Entry]:
    """Yield the files under a folder, and each folder that cannot be searched."""
    waiting = [(folder, levels)]  # without recursion, which deep folders exhaust
    while waiting:
        address, left = waiting.pop()
        try:
            for entry in listed(address):
                if not entry.is_folder or entry.reason is not None:
                    yield entry
                elif left > 1:
                    waiting.append((entry.address, left - 1))
        except StoreUnreachable:
            raise  # nor could the others be searched
        except (OSError, StoreError) as error:
            reason = failure_of(Path(path_of(address)), error)
            said = f"The folder cannot be searched: {reason}"
            yield Entry(address, True, reason=said, error=type(error).__name__)


def _matching(pattern: str) -> Iterator[Entry]:
    """Yield the files that a pattern matches."""
    folder = _fixed(pattern)
    matches = re.compile(_expression(pattern), re.DOTALL).fullmatch
    # Only as deep as the pattern reaches.
    depth = pattern.removeprefix(folder).strip("/").count("/") + 1
    for entry in _below(folder, inf if "**" in pattern else depth):
        if entry.reason is not None or matches(entry.address):
            yield entry


def _fixed(pattern: str) -> str:
    """Return the folder that all have in common that a pattern may match."""
    parts = takewhile(lambda part: not _MAGIC.search(part), pattern.split("/"))
    return "/".join(parts) or "/"


def _expression(pattern: str) -> str:
    """Return a pattern as a regular expression."""
    expression, at = "", 0
    while at < len(pattern):
        rest = pattern[at:]
        if rest.startswith("**/"):
            expression, at = expression + "(?:[^/]+/)*", at + 3
        elif rest.startswith("**"):
            expression, at = expression + ".*", at + 2
        elif rest[0] == "*":
            expression, at = expression + "[^/]*", at + 1
        elif rest[0] == "?":
            expression, at = expression + "[^/]", at + 1
        elif (choice := re.match(r"\[(!?)([^]/]+)\]", rest)) is not None:
            negated = "^/" if choice[1] else ""
            inside = choice[2].replace("\\", "\\\\")
            inside = f"\\{inside}" if inside.startswith("^") else inside
            expression, at = f"{expression}[{negated}{inside}]", at + choice.end()
        else:
            expression, at = expression + re.escape(rest[0]), at + 1
    return expression
