"""The boxes of an MP4 or QuickTime file: whether it is whole, and what its tables promise.

ISO/IEC 14496-12, 4.2: a box starts with its size, 4 bytes, and its type, 4 bytes; size 1 means that
8 more bytes have the size, 0 that the box goes on to the end. FFmpeg keeps some 36 bytes for every
sample that a table promises, and a table of a few bytes can promise 2**32 of them.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from fer_core.errors import UnreadableVideo

# Hours at 60 frames a second, with sound.
_MAX_SAMPLES = 10_000_000
# The header of an hour has some 10 MB.
_MAX_HEADER_BYTES = 100_000_000
_MAX_BOXES = 200_000
_MAX_DEPTH = 12
_TOO_LARGE = "The video's table of contents is too large."
# FFmpeg keeps together so many samples of uncompressed sound, which count singly in the tables.
_SAMPLES_TOGETHER = 1024
# What FFmpeg looks for further boxes in.
_HOLDERS = frozenset(
    b"moov hoov moof trak traf mdia minf stbl edts dinf udta tref mvex wave sinf schi meta ilst "
    b"iprp ipco".split()
)


class Box(NamedTuple):
    """A box, and where its content lies, in bytes from the file's beginning."""

    kind: bytes
    begin: int
    end: int


def lacks_moov(file: BinaryIO) -> bool:
    """Return whether a file begins as MP4 or QuickTime and has no ``moov`` box."""
    boxes = _top_level(file)
    first = next(boxes, None)
    if first is None or first.kind not in (b"ftyp", b"mdat", b"wide"):
        return False
    return all(box.kind != b"moov" for box in boxes)


def refuse_promises(file: BinaryIO) -> None:
    """Refuse an MP4 whose tables promise more samples than anybody records; take all else.

    Raises:
        UnreadableVideo: They do, or the header itself is too large.
    """
    length = file.seek(0, os.SEEK_END)
    samples = repeated = 0
    for box in _top_level(file):
        file.seek(box.begin)
        # FFmpeg finds a header also where others have only hidden it.
        hidden = box.kind == b"free" and file.read(8)[4:] in (b"mvhd", b"cmov")
        if box.kind not in _HOLDERS and not hidden:
            continue
        if box.end - box.begin > _MAX_HEADER_BYTES:
            raise UnreadableVideo(_TOO_LARGE)
        file.seek(box.begin)
        for tables in _tables_in(memoryview(file.read(box.end - box.begin)), box.kind):
            samples += tables.promised()
            repeated += tables.promised() * tables.edits
        # None is smaller than a byte.
        if samples > length or repeated > _MAX_SAMPLES:
            raise UnreadableVideo(
                "The video's table of contents promises more frames and pieces of sound than "
                "there can be."
            )


def _top_level(file: BinaryIO) -> Iterator[Box]:
    length = file.seek(0, os.SEEK_END)
    position = 0
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        box = _box(header, position, length)
        if box is None:
            return
        yield box
        position = box.end
    raise UnreadableVideo(_TOO_LARGE)


def _children(content: memoryview) -> Iterator[Box]:
    position = 0
    while (box := _box(content[position : position + 16], position, len(content))) is not None:
        yield box
        position = box.end


def _box(header: bytes | memoryview, position: int, length: int) -> Box | None:
    """Return the box at a position, which ends with what it lies in at the latest; else None."""
    if len(header) < 8:
        return None
    size, begin = int.from_bytes(header[:4]), 8
    if size == 1 and len(header) == 16:
        size, begin = int.from_bytes(header[8:]), 16
    elif size == 0:
        size = length - position
    if size < begin:
        return None
    return Box(bytes(header[4:8]), position + begin, min(position + size, length))


@dataclass(slots=True)
class _Tables:
    """What the tables of a track, or outside of tracks, say."""

    samples: int = 0
    in_runs: int = 0
    edits: int = 1
    kinds: set[bytes] = field(default_factory=set)
    durations: bytes = b""
    chunks: int = 0
    per_chunk: int = 0

    def promised(self) -> int:
        """Return how many samples FFmpeg would keep."""
        samples = self.samples
        # One entry, for samples that last one unit each: uncompressed sound.
        if self.kinds == {b"soun"} and self.durations[:4] + self.durations[8:] == _ONE_UNIT:
            samples = self.chunks * -(-self.per_chunk // _SAMPLES_TOGETHER)
        return samples + self.in_runs


_ONE_UNIT = (1).to_bytes(4) * 2


def _tables_in(content: memoryview, kind: bytes) -> list[_Tables]:
    """Return the tables in a box on the top level, those of each track together."""
    outside = _Tables()
    tracks = [outside]
    _look_into(b"moov" if kind == b"free" else kind, content, outside, tracks, _MAX_DEPTH)
    return tracks


def _look_into(
    kind: bytes, content: memoryview, tables: _Tables, tracks: list[_Tables], depth: int
) -> None:
    count = int.from_bytes(content[4:8])
    if kind in (b"stsz", b"stz2"):
        tables.samples += int.from_bytes(content[8:12])
    elif kind == b"trun":
        tables.in_runs += count
    elif kind == b"elst":
        tables.edits = max(tables.edits, count)
    elif kind == b"stts":
        tables.durations = bytes(content[4:16])
    elif kind in (b"stco", b"co64"):
        tables.chunks += count
    elif kind == b"stsc":
        per_chunk = (int.from_bytes(content[at : at + 4]) for at in range(12, len(content), 12))
        tables.per_chunk = max(per_chunk, default=0)
    elif kind == b"hdlr":
        tables.kinds |= {bytes(content[8:12])} & {b"vide", b"soun"}
    elif kind == b"stsd":
        # Further boxes follow each description, whose own length depends on the codec.
        described = bytes(content)
        for table in (b"stsz", b"stz2", b"trun", b"elst"):
            if table in described:
                begin = described.index(table) + 4
                _look_into(table, content[begin:], tables, tracks, depth)
    elif kind == b"cmov" and depth > 0:
        _look_into(b"moov", memoryview(_inflated(content)), tables, tracks, depth - 1)
    elif kind in _HOLDERS and depth > 0:
        if kind == b"trak":
            tables = _Tables()
            tracks.append(tables)
        if kind == b"meta":  # a version may precede its boxes, of which the first is the handler
            content = content[max(0, bytes(content[:64]).find(b"hdlr") - 4) :]
        for box in _children(content):
            _look_into(box.kind, content[box.begin : box.end], tables, tracks, depth - 1)


def _inflated(content: memoryview) -> bytes:
    """Return what a compressed header, as QuickTime wrote them once, holds."""
    data = next((box for box in _children(content) if box.kind == b"cmvd"), None)
    if data is None:
        return b""
    if int.from_bytes(content[data.begin : data.begin + 4]) > _MAX_HEADER_BYTES:
        raise UnreadableVideo(_TOO_LARGE)
    try:
        unpacker = zlib.decompressobj()
        return unpacker.decompress(content[data.begin + 4 : data.end], _MAX_HEADER_BYTES)
    except zlib.error:
        return b""
