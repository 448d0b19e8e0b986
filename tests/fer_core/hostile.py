"""Small files that would take a decoder's time or memory, written header by header."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

TAGS = {"width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262}
OFFSETS, SAMPLES, ROWS, COUNTS = 273, 277, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = 322, 323, 324, 325
BYTE, SHORT, LONG, LONG8 = 1, 3, 4, 16


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png(
    width: int, height: int, *, bits: int = 8, color: int = 2, extra: bytes = b"", data: bytes = b""
) -> bytes:
    """Return a PNG that claims a size, with hardly any data behind it."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    pixels = png_chunk(b"IDAT", data or zlib.compress(bytes(100)))
    start = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    return start + extra + pixels + png_chunk(b"IEND")


def webp(side: int = 9999) -> bytes:
    """Return a lossless WebP of one colour."""
    size = struct.pack("<I", (side - 1) | (side - 1) << 14)
    # Five codes with one symbol each, so that a pixel takes no bit.
    data = b"\x2f" + size + bytes([0x88, 0x88, 0x88, 0x08, 0, 0, 0, 0, 0])
    body = b"WEBPVP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(entries: dict[int, tuple[int, int, bytes]], *, big: bool = False) -> bytes:
    """Return a TIFF with one directory: by tag its type, how many values, and the values.

    Values of more bytes than fit into an entry follow the directory. No bytes stand for those at
    the start of the file, as often as it takes.
    """
    entry_size, inline, word = (20, 8, "Q") if big else (12, 4, "I")
    head = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) if big else b"II*\0" + struct.pack("<I", 8)
    count = struct.pack("<Q" if big else "<H", len(entries))
    end = len(head) + len(count) + entry_size * len(entries) + struct.calcsize(word)
    directory, values = count, b""
    for tag, (kind, number, data) in sorted(entries.items()):
        if len(data) > inline:
            place = struct.pack("<" + word, end + len(values))
            values += data
        else:
            place = data.ljust(inline, b"\0")
        directory += struct.pack("<HH" + word, tag, kind, number) + place
    return head + directory + struct.pack("<" + word, 0) + values


def tiff_entries(
    width: int,
    height: int,
    *,
    bits: int = 8,
    compression: int = 1,
    **more: int,
) -> dict[int, tuple[int, int, bytes]]:
    """Return the entries of a grey picture; strips or tiles are to be added."""
    values = {
        "width": width,
        "height": height,
        "bits": bits,
        "compression": compression,
        "photometric": 1,
        **more,
    }
    return {TAGS[name]: (LONG, 1, struct.pack("<I", value)) for name, value in values.items()}


def tiff_of_strips(count: int) -> bytes:
    """Return a TIFF of as many strips, an offset of one byte each."""
    entries = tiff_entries(64, 64)
    entries[OFFSETS] = entries[COUNTS] = (BYTE, count, bytes(count))
    entries[ROWS] = (LONG, 1, struct.pack("<I", 1))
    return tiff(entries)


def tiff_of_tags(count: int, size: int) -> bytes:
    """Return a TIFF with as many further tags, all with the same bytes as their value."""
    entries = tiff_entries(64, 64)
    entries[OFFSETS] = (LONG, 1, struct.pack("<I", 8))
    entries |= {40000 + tag: (BYTE, size, struct.pack("<I", 8)) for tag in range(count)}
    return tiff(entries) + bytes(size)


def tiff_of_tiles(tile_side: int) -> bytes:
    """Return a TIFF of 64x64 pixels in one tile that is much larger."""
    data = zlib.compress(bytes(100_000))
    entries = tiff_entries(64, 64, compression=8)
    for tag, value in (
        (TILE_WIDTH, tile_side),
        (TILE_HEIGHT, tile_side),
        (TILE_OFFSETS, 8),
        (TILE_COUNTS, len(data)),
    ):
        entries[tag] = (LONG, 1, struct.pack("<I", value))
    return tiff(entries) + data


def tiff_of_equal_strips(count: int, size: int) -> bytes:
    """Return a TIFF each of whose strips is nearly the whole file."""
    data = zlib.compress(bytes(count)).ljust(size, b"\0")
    entries = tiff_entries(count, count, compression=8)
    entries[COUNTS] = (LONG, count, struct.pack("<I", size) * count)
    entries[ROWS] = (LONG, 1, struct.pack("<I", 1))
    entries[OFFSETS] = (LONG, count, bytes(4 * count))
    place = len(tiff(entries))
    entries[OFFSETS] = (LONG, count, struct.pack("<I", place) * count)
    return tiff(entries) + data


def jpeg(width: int, height: int) -> bytes:
    """Return a grey JPEG, six bits for each block of 8x8 pixels."""
    file = io.BytesIO()
    Image.new("L", (64, 64), 128).save(file, "JPEG")
    content = file.getvalue()
    size = content.index(b"\xff\xc0") + 5
    scan = content.index(b"\xff\xda")
    begin = scan + 2 + int.from_bytes(content[scan + 2 : scan + 4])
    # Four times: the same grey as before, and nothing more in this block.
    blocks = b"\x28\xa2\x8a" * (-(-width // 8) * -(-height // 8) // 4 + 1)
    claim = struct.pack(">HH", height, width)
    return content[:size] + claim + content[size + 4 : begin] + blocks + b"\xff\xd9"


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """Return a progressive JPEG of one colour whose last scan comes as often as that."""
    file = io.BytesIO()
    Image.new("L", (width, height), 90).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    last = content.rfind(b"\xff\xda")
    table = content.rfind(b"\xff\xc4", 0, last)
    end = content.rfind(b"\xff\xd9")
    return content[:end] + content[table:end] * scans + b"\xff\xd9"


def jpeg_of_segments(count: int, data: bytes = b"") -> bytes:
    """Return a JPEG with as many segments for an application, all with these bytes."""
    file = io.BytesIO()
    Image.new("L", (64, 64), 90).save(file, "JPEG")
    content = file.getvalue()
    segment = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    return content[:2] + segment * count + content[2:]


def exif_of_entries(count: int) -> bytes:
    """Return EXIF of 60 kB whose entries all have nearly all of it as their value."""
    entries = b"".join(struct.pack(">HHII", tag, 7, 58_000, 8) for tag in range(1000, 1000 + count))
    directory = struct.pack(">H", count) + entries + bytes(4)
    return b"Exif\0\0MM\0*\0\0\0\x08" + directory.ljust(59_000, b"\0")


def gif(width: int, height: int, *, comment: bytes = b"", frame: tuple[int, int] = ()) -> bytes:
    """Return a GIF of one frame."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    blocks = b"".join(
        bytes([len(part)]) + part
        for part in (comment[i : i + 255] for i in range(0, len(comment), 255))
    )
    extension = b"\x21\xfe" + blocks + b"\0" if comment else b""
    place = b"," + struct.pack("<HHHHB", 0, 0, *(frame or (width, height)), 0)
    return b"GIF89a" + screen + extension + place + b"\x02\x02\x4c\x01\x00" + b";"


def bmp(width: int, height: int, *, bits: int = 24, rle: bytes = b"") -> bytes:
    """Return a bitmap that claims a size; coded by runs of equal pixels where there are some."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, bool(rle), 0, 0, 0, 0, 0)
    palette = bytes(1024) if bits == 8 else b""
    start = 14 + len(head) + len(palette)
    return struct.pack("<2sIII", b"BM", start + len(rle), 0, start) + head + palette + rle
