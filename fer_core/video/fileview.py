"""Several readers of one file, each with a position of its own."""

from __future__ import annotations

import io
import os
import threading
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from typing import BinaryIO

_BLOCK_BYTES, _MOST_BLOCKS = 1 << 20, 16


class View(io.RawIOBase):
    """Reads from a position of its own what others read, too."""

    _position = 0

    @abstractmethod
    def _size(self) -> int:
        """Return the size of what is read."""

    @abstractmethod
    def _read_at(self, size: int, position: int) -> bytes:
        """Return up to ``size`` bytes; none at the end."""

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
        content = self._read_at(size, self._position)
        self._position += len(content)
        return content

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer and return how many bytes there were."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


class FileView(View):
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

    def close(self) -> None:
        """Close this view; the file and other views stay open."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()

    def _size(self) -> int:
        return os.fstat(self._open_descriptor()).st_size

    def _read_at(self, size: int, position: int) -> bytes:
        return os.pread(self._open_descriptor(), size, position)

    def _open_descriptor(self) -> int:
        # The number of a closed descriptor may by now belong to somebody else's file.
        if self.closed:
            raise ValueError("The view is closed.")
        return self._descriptor


class FarView(View):
    """Reads here and there in a file that is slow to reach, in large blocks.

    Whoever opens a video looks at its beginning and its end again and again, so the blocks that
    were asked for last are kept, for all views of the file.
    """

    def __init__(self, read_at: Callable[[int, int], bytes], size_bytes: int) -> None:
        """Open a view at the start of a file.

        Args:
            read_at: Returns as many bytes as it is asked for from a position on, fewer at the end
                alone; called by one thread at a time.
            size_bytes: The file's size.
        """
        super().__init__()
        self._fetch, self._size_bytes = read_at, size_bytes
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def again(self) -> FarView:
        """Return another view, at the start."""
        view = FarView(self._fetch, self._size_bytes)
        view._blocks, view._lock = self._blocks, self._lock
        return view

    def _size(self) -> int:
        return self._size_bytes

    def _read_at(self, size: int, position: int) -> bytes:
        end = min(position + size, self._size_bytes)
        parts = []
        while position < end:
            number, skipped = divmod(position, _BLOCK_BYTES)
            found = self._block(number)[skipped : skipped + end - position]
            if not found:  # the file is shorter by now
                break
            parts.append(found)
            position += len(found)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        with self._lock:
            if number not in self._blocks:
                first = number * _BLOCK_BYTES
                most = min(_BLOCK_BYTES, self._size_bytes - first)
                self._blocks[number] = self._fetch(most, first)
                if len(self._blocks) > _MOST_BLOCKS:
                    self._blocks.popitem(last=False)
            self._blocks.move_to_end(number)
            return self._blocks[number]


def view_of(source: BinaryIO) -> BinaryIO:
    """Return a reader of ``source`` with a position of its own, at its start.

    Files in memory, such as a Streamlit upload, share their bytes with it.
    """
    if isinstance(source, io.BytesIO):
        return io.BytesIO(source.getvalue())
    if isinstance(source, FarView):
        return source.again()  # type: ignore[return-value]
    return FileView(source)  # type: ignore[return-value]
