"""Room on the disk: files without a name, where what goes into them will fit."""

from __future__ import annotations

import shutil
import tempfile
from typing import BinaryIO, cast

from fer_core.errors import FerError
from ui.common.public import without_paths

# Others write there too.
_SPARE_BYTES = 50_000_000


class NoRoom(FerError):
    """The disk has no room for a video."""


def temporary_file(what: str, need_bytes: int) -> BinaryIO:
    """Return a new file, which the system frees with the process at the latest.

    Args:
        what: What goes into it, as the beginning of a sentence.
        need_bytes: How large that will be, about.

    Raises:
        NoRoom: So much is not free.
    """
    folder = tempfile.gettempdir()
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < need_bytes + _SPARE_BYTES:
        raise NoRoom(
            without_paths(
                f"{what} needs {_megabytes(need_bytes + _SPARE_BYTES)} in the temporary folder "
                f"{folder}, where {_megabytes(free_bytes)} are free."
            )
        )
    return cast(BinaryIO, tempfile.TemporaryFile(prefix="fer-"))


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"
