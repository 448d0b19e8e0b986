"""What a data set is read from: files and folders that somebody names, and may name wrongly."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from train.errors import DataError

# A row of fer2013.csv has a tenth of it; without an end, a line would fill the memory.
MAX_LINE_CHARS = 100_000


def check_source(path: Path, what: str) -> Path:
    """Return a place if a file or a folder is there that can be read.

    Devices and pipes are refused: they can have no end, or nobody who ever writes.

    Args:
        path: The place.
        what: What should be there, for the error, such as "data set".

    Raises:
        DataError: Nothing is there, or nothing that can be read.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind == stat.S_IFDIR:
            os.scandir(path).close()
        elif kind == stat.S_IFREG:
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"There is no {what} at {path}.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a zero byte
        raise DataError(f"{str(path)!r} cannot be a file's name.") from error
    if kind not in (stat.S_IFDIR, stat.S_IFREG):
        raise DataError(f"{path} is neither a file nor a folder.")
    return path


def lines_of(table: TextIO, path: Path) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        table: The open file.
        path: Its place, for the error.

    Raises:
        DataError: A line is longer than that of any table.
    """
    while line := table.readline(MAX_LINE_CHARS + 1):
        if len(line) > MAX_LINE_CHARS:
            raise DataError(f"{path} has a line of more than {MAX_LINE_CHARS:,} letters.")
        yield line
