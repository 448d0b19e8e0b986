"""Several readers of one open file, each with a position of its own."""

from __future__ import annotations

import io
import os
from typing import BinaryIO


class FileView(io.RawIOBase):
    """Reads an open file without moving its position.

    Worker and page can so read one ``tempfile.TemporaryFile`` at once, which has no name to open
    again. A view has a handle of its own: the content stays until the last view is closed, also
    when ``file`` is closed before. What is written after a view was opened is seen too, once it
    has left Python's buffer (``file.flush()``).
    """

    def __init__(self, file: BinaryIO) -> None:
        """Open a view at the start of ``file``.

        Raises:
            ValueError: ``file`` is closed.
            io.UnsupportedOperation: It lives in memory and has no descriptor.
        """
        super().__init__()
        self._descriptor = os.dup(file.fileno())
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return this view's position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move this view's position and return it.

        Raises:
            ValueError: ``whence`` is unknown, or the position would be negative.
        """
        if whence == os.SEEK_CUR:
            offset += self._position
        elif whence == os.SEEK_END:
            offset += self._size()
        elif whence != os.SEEK_SET:
            raise ValueError(f"Unknown whence: {whence}.")
        if offset < 0:
            raise ValueError(f"A position cannot be negative: {offset}.")
        self._position = offset
        return offset

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` bytes; all that are left when it is None or negative."""
        if size is None or size < 0:
            size = max(0, self._size() - self._position)
        content = os.pread(self._open_descriptor(), size, self._position)
        self._position += len(content)
        return content

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer and return how many bytes there were."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Close this view; the file and other views stay open."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()

    def _size(self) -> int:
        return os.fstat(self._open_descriptor()).st_size

    def _open_descriptor(self) -> int:
        # The number of a closed descriptor may by now belong to somebody else's file.
        if self.closed:
            raise ValueError("The view is closed.")
        return self._descriptor


def view_of(source: BinaryIO) -> BinaryIO:
    """Return a reader of ``source`` with a position of its own, at its start.

    Files in memory, such as a Streamlit upload, share their bytes with it.
    """
    if isinstance(source, io.BytesIO):
        return io.BytesIO(source.getvalue())
    return FileView(source)  # type: ignore[return-value]
