"""Where a video is written to: a path, through a temporary file beside it, or an open file."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


class Sink:
    """Takes what FFmpeg writes, keeps the first error, and leaves no half file behind.

    FFmpeg goes on writing after an error, and PyAV prints all but the first; so an error is kept
    here, later writes come to nothing, and the writer looks at ``error`` when it suits.

    Attributes:
        error: What went wrong first, or None.
    """

    error: OSError | None

    def __init__(self, target: Path | BinaryIO) -> None:
        """Open the file.

        Raises:
            OSError: A path's folder is missing or not writable, or an open file is not.
        """
        self.error = None
        self._target = target
        self._temporary: Path | None = None
        self._file: BinaryIO
        if isinstance(target, Path):
            self._temporary = target.with_name(f".{target.stem[:40]}-{secrets.token_hex(4)}.part")
            self._file = self._temporary.open("x+b", buffering=0)
        else:
            target.seek(0)
            target.truncate()
            target.flush()
            # Past Python's buffer: what it holds when the disk is full could not be got rid of.
            self._file = getattr(target, "raw", target)

    def write(self, content: bytes) -> int:
        """Write all of ``content``, or note why not."""
        left = memoryview(content)
        while left and self.error is None:
            try:
                left = left[self._file.write(left) :]
            except OSError as error:
                self.error = error
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, or note why not."""
        if self.error is None:
            try:
                return self._file.seek(offset, whence)
            except OSError as error:
                self.error = error
        return offset

    def tell(self) -> int:
        """Return the position."""
        return 0 if self.error is not None else self._file.tell()

    def reader(self) -> SinkReader:
        """Return a reader of what is written, for FFmpeg to move the index to the front."""
        return SinkReader(self)

    def read_at(self, position: int, size: int) -> bytes:
        """Return what was written, without moving the position; nothing after an error."""
        if self.error is not None:
            return b""
        try:
            before = self._file.tell()
            self._file.seek(position)
            content = self._file.read(size)
            self._file.seek(before)
        except OSError as error:
            self.error = error
            return b""
        return content

    def finish(self) -> None:
        """Complete the file; a path takes its name, an open file goes back to its start.

        Raises:
            OSError: Something could not be written.
        """
        if self.error is None:
            self._file.flush()
        if self.error is not None:
            raise self.error
        if self._temporary is not None and isinstance(self._target, Path):
            self._file.close()
            self._temporary.replace(self._target)
        else:
            self._file.seek(0)

    def discard(self) -> None:
        """Remove what was written; an open file stays open and becomes empty."""
        self.error = self.error or OSError("The file is given up.")
        with suppress(OSError, ValueError):
            if self._temporary is None:
                self._file.seek(0)
                self._file.truncate()
            else:
                self._file.close()
        if self._temporary is not None:
            with suppress(OSError):
                self._temporary.unlink(missing_ok=True)


class SinkReader:
    """A position of its own in a file that is being written."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes."""
        content = self._sink.read_at(self._position, size)
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; FFmpeg, which does not know the size, never asks for the end."""
        self._position = offset + (self._position if whence == os.SEEK_CUR else 0)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position
