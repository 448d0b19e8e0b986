"""Damages files as disks, networks and malice do, above all where their headers are."""

from __future__ import annotations

import struct
import zlib
from random import Random

# Numbers at which fields of headers overflow, or promise far too much.
_NUMBERS = (
    0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 9_999, 16_384, 40_000,
    0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF,
    0xFFFF_FFFF_FFFF_FFFF,
)  # fmt: skip
_HEADER_BYTES = (24, 64, 600)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def damaged(content: bytes, others: list[bytes], random: Random) -> bytes:
    """Return a damaged copy of a file.

    Args:
        content: The file.
        others: Files of the same kind, parts of which may get into it.
        random: Decides how.
    """
    made = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        _damage(made, others, random)
    return _with_checksums(bytes(made))


def _damage(made: bytearray, others: list[bytes], random: Random) -> None:
    if not made:
        return
    # The headers of most kinds are at the beginning, those of archives and some videos at the end.
    near = random.choice(("begin", "begin", "begin", "end", "anywhere"))
    length = len(made)
    reach = length if near == "anywhere" else min(random.choice(_HEADER_BYTES), length)
    at = random.randrange(reach)
    if near == "end":
        at = length - 1 - at
    kind = random.randrange(8)
    if kind <= 2:
        width, order = random.choice((1, 2, 4, 8)), random.choice(("little", "big"))
        number = random.choice(_NUMBERS) % (1 << 8 * width)
        made[at : at + width] = number.to_bytes(width, order)
    elif kind == 3:
        made[at] ^= 1 << random.randrange(8)
    elif kind == 4:
        made[at] = random.randrange(256)
    elif kind == 5:
        del made[at : at + random.choice((1, 4, 16, 256, length))]
    elif kind == 6:
        part = random.choice((1, 4, 16, 256))
        made[at:at] = made[at : at + part] * random.choice((1, 2, 50))
    else:
        other = random.choice(others)
        start = random.randrange(max(1, len(other)))
        part = random.choice((4, 16, 256))
        made[at : at + part] = other[start : start + part]


def _with_checksums(content: bytes) -> bytes:
    """Return a PNG with the checksums of its chunks, or decoders would look no further."""
    if not content.startswith(_SIGNATURE):
        return content
    made, at = bytearray(content), len(_SIGNATURE)
    while at + 12 <= len(made):
        (length,) = struct.unpack_from(">I", made, at)
        end = at + 8 + length
        if end + 4 > len(made):
            break
        struct.pack_into(">I", made, end, zlib.crc32(made[at + 4 : end]))
        at = end + 4
    return bytes(made)
