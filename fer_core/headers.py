"""What a picture's file says of itself, read by hand before any decoder sees it.

Decoders believe what a file says: 34 bytes can ask for two gigabytes. The header tells what memory
and time decoding takes, and what would take too much of either is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from fer_core.errors import UnreadableImage

MAX_SIDE = 4096
MIN_SIDE = 16
MAX_PIXELS = 100_000_000
# Of one picture, whatever the machine has.
MAX_BYTES = 550_000_000
# Each scan of a JPEG goes over the whole picture, at a nanosecond a pixel even where it says
# nothing, and what comes out takes another three.
_MAX_SCANNED_PIXELS, _OUTPUT_SCANS = 3_000_000_000, 3
# Libraries look at each chunk, strip or tile of a file in Python, and keep objects for it.
_MAX_PARTS = 100_000
# Per pixel of the reduced picture: itself, and the copies on its way to an array of BGR.
_REDUCED_BYTES, _ARRAY_BYTES = 4, 14
# Pictures are reduced and put on white band by band.
BAND_PIXELS = 1 << 20
_BAND_BYTES = 16
_DAMAGED = "The file is damaged and cannot be read as a picture."
_NO_PICTURE = "The file is not a picture in a format that can be read."
_TOO_MANY_PARTS = "The picture's file is made of too many parts to be decoded."


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a picture before it is decoded.

    Attributes:
        format: The name that Pillow has for the file's format.
        need_bytes: Memory that the file and decoding it take at most.
        parts: What of the content the decoder is to see, in this order.
        bounded: Whether the decoder keeps to that; one that may not runs in a process of its own.
        orientation: As EXIF counts, 1 to 8; None where the decoder will tell.
        incomplete: Whether the end of the file is missing, and perhaps of the picture.
    """

    format: str
    need_bytes: int
    parts: tuple[bytes | memoryview, ...]
    bounded: bool = False
    orientation: int | None = None
    incomplete: bool = False


def read_header(content: bytes) -> Header:
    """Return what a file says of its picture.

    Raises:
        UnreadableImage: It is empty, no picture, damaged, or has too few or too many pixels; or
            decoding it would take too much memory or time.
    """
    if not content:
        raise UnreadableImage("The file is empty.")
    for start, read in _READERS.items():
        if re.match(start, content, re.DOTALL):
            try:
                return read(content)
            except (struct.error, LookupError, ValueError) as error:
                raise UnreadableImage(_DAMAGED) from error
    raise UnreadableImage(_NO_PICTURE)


def reduced_size(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the size that a picture is reduced to: its longer side is at most ``MAX_SIDE``."""
    scale = min(1.0, MAX_SIDE / max(1, *size_wh))
    return round(size_wh[0] * scale), round(size_wh[1] * scale)


def check_size(size_wh: tuple[int, int]) -> None:
    """Raise UnreadableImage for a picture with too few or too many pixels."""
    width, height = size_wh
    if width * height > MAX_PIXELS:
        raise UnreadableImage(
            f"The picture has {width:,}×{height:,} pixels; at most "
            f"{MAX_PIXELS // 1_000_000} megapixels can be opened."
        )
    if min(size_wh) < MIN_SIDE or min(reduced_size(size_wh)) < MIN_SIDE:
        raise UnreadableImage(
            f"The picture has only {width}×{height} pixels, too few to show a face."
        )


def decoding_bytes(size_wh: tuple[int, int], pixel_bytes: int, more_bytes: int = 0) -> int:
    """Return the memory that it takes to decode a picture and to reduce it.

    Args:
        size_wh: Size in pixels as it comes out of the decoder.
        pixel_bytes: What the decoder takes for a pixel.
        more_bytes: What it takes besides.

    Raises:
        UnreadableImage: There are too few or too many pixels, or it is too much memory.
    """
    check_size(size_wh)
    width, height = size_wh
    reduced_wh = reduced_size(size_wh)
    reduced = reduced_wh[0] * reduced_wh[1]
    band = max(BAND_PIXELS, width * -(-height // reduced_wh[1]))
    need = band * _BAND_BYTES + max(
        width * height * pixel_bytes + more_bytes + reduced * _REDUCED_BYTES,
        reduced * _ARRAY_BYTES,
    )
    if need > MAX_BYTES:
        raise UnreadableImage(
            f"The picture would take {need / 1e6:,.0f} MB of memory to decode; at most "
            f"{MAX_BYTES // 1_000_000} MB are allowed."
        )
    return need


# --- Orientation --------------------------------------------------------------------------------

_BYTE, _SHORT, _LONG, _LONG8 = 1, 3, 4, 16
_INTEGERS = {_BYTE: "B", _SHORT: "H", _LONG: "I", _LONG8: "Q"}
_ORIENTATION = 274


def exif_orientation(exif: bytes) -> int | None:
    """Return the orientation, 1 to 8, in EXIF from its byte order on; None if there is none."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return None
    try:
        (position,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, position)
        for place in range(position + 2, position + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from(order + "HHI", exif, place)
            if tag == _ORIENTATION and number == 1 and kind in (_BYTE, _SHORT, _LONG):
                return _valid(struct.unpack_from(order + _INTEGERS[kind], exif, place + 8)[0])
    except struct.error:
        pass
    return None


def xmp_orientation(xmp: bytes) -> int | None:
    """Return the orientation, 1 to 8, in XMP; None if there is none."""
    found = re.search(rb'tiff:Orientation(?:="|>)([0-9])', xmp)
    return _valid(int(found[1])) if found else None


def _valid(orientation: int) -> int | None:
    return orientation if 1 <= orientation <= 8 else None


# --- JPEG ---------------------------------------------------------------------------------------

# Zeros follow where 255 is meant; restarts are within the coded picture, and have no length.
_MARKER = re.compile(rb"\xff([^\xff\0\xd0-\xd7])")
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_START_OF_PICTURE, _END_OF_PICTURE, _START_OF_SCAN, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_WITHOUT_LENGTH = {0x01, _START_OF_PICTURE}
# What applications and people add, but for JFIF's and Adobe's marks, which tell how colours are
# coded. Pillow looks into all of it, at a cost without bound, for what nobody asks here.
_LEFT_OUT = {*range(0xE0, 0xF0), 0xFE} - {0xE0, 0xEE}


def jpeg_scale(size_wh: tuple[int, int]) -> int:
    """Return by how much a JPEG is reduced while it is decoded: 1, 2, 4 or 8."""
    least = max(1, max(size_wh) // MAX_SIDE)
    return next(scale for scale in (8, 4, 2, 1) if scale <= least)


def _jpeg(content: bytes) -> Header:
    kept: list[bytes | memoryview] = [content[:2]]
    frame = exif = xmp = b""
    progressive, incomplete = False, True
    scans = first_scan = 0
    position, stop = 2, len(content)
    for _ in range(_MAX_PARTS):
        found = _MARKER.search(content, position)
        if found is None:
            break
        marker, position = found[1][0], found.end()
        if marker == _END_OF_PICTURE:
            incomplete, stop = False, found.start()
            break
        if marker in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(content[position : position + 2])
        if position + max(2, length) > len(content):
            # Decoders would take what follows, the mark of the end, for the rest of it.
            stop = found.start()
            break
        data = content[position + 2 : position + length]
        position += length
        if marker == _START_OF_SCAN:
            first_scan = first_scan or found.start()
            scans += 1
        elif marker in _SOF:
            frame, progressive = data, marker in _PROGRESSIVE
        elif marker == _APP1:
            exif = exif or data[6:] * data.startswith(b"Exif\0\0")
            xmp = xmp or data * data.startswith(b"http://ns.adobe.com/xap/")
        if not first_scan and marker not in _LEFT_OUT:
            kept.append(content[found.start() : position])
    else:
        raise UnreadableImage(_TOO_MANY_PARTS)
    if not first_scan:
        raise UnreadableImage(_DAMAGED)
    height, width, channels = struct.unpack_from(">HHB", frame, 1)
    if width * height * (scans + _OUTPUT_SCANS) > _MAX_SCANNED_PIXELS:
        raise UnreadableImage("The picture takes too long to decode.")
    scale = jpeg_scale((width, height))
    # All coefficients are held until the last scan, two bytes each, whatever size comes out.
    held = 2 * _samples(frame, width * height) if progressive or scans > 1 else 0
    return Header(
        "JPEG",
        decoding_bytes(
            (-(-width // scale), -(-height // scale)),
            1 if channels == 1 else 4,
            held + 2 * len(content),
        ),
        # With the mark of the end where the file ends, decoders show what there is.
        (*kept, memoryview(content)[first_scan:stop], b"\xff\xd9"),
        bounded=True,
        orientation=exif_orientation(exif) or xmp_orientation(xmp) or 1,
        incomplete=incomplete,
    )


def _samples(frame: bytes, pixels: int) -> int:
    """Return how many values a JPEG has in all its channels, some at a lower resolution."""
    areas = [(frame[6 + 3 * i + 1] >> 4) * (frame[6 + 3 * i + 1] & 15) for i in range(frame[5])]
    return pixels * sum(areas) // max([1, *areas])


# --- PNG and WebP -------------------------------------------------------------------------------


def _png(content: bytes) -> Header:
    width, height, bits, color = struct.unpack_from(">IIBB", content, 16)
    position = 8
    for _ in range(_MAX_PARTS):
        if position + 8 > len(content):
            break
        position += 12 + struct.unpack_from(">I", content, position)[0]
    else:
        raise UnreadableImage(_TOO_MANY_PARTS)
    # Grey of up to 16 bits, a palette, or several channels.
    pixel_bytes = {0: max(1, bits // 8), 3: 1}.get(color, 4)
    need = decoding_bytes((width, height), pixel_bytes, len(content))
    return Header("PNG", need, (content,), bounded=True)


def _webp(content: bytes) -> Header:
    sizes: list[tuple[int, int]] = []
    exif = xmp = b""
    animated = False
    position = 12
    for _ in range(_MAX_PARTS):
        if position + 8 > len(content):
            break
        kind, length = struct.unpack_from("<4sI", content, position)
        position += 8
        if kind == b"VP8X":
            sides = content[position + 4 : position + 7], content[position + 7 : position + 10]
            width, height = (int.from_bytes(side, "little") + 1 for side in sides)
            sizes.append((width, height))
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", content, position + 6)
            sizes.append((width & 0x3FFF, height & 0x3FFF))
        elif kind == b"VP8L":
            (packed,) = struct.unpack_from("<I", content, position + 1)
            sizes.append(((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1))
        elif kind == b"ANMF":
            animated = True
        elif kind == b"EXIF":
            exif = content[position : position + length].removeprefix(b"Exif\0\0")
        elif kind == b"XMP ":
            xmp = content[position : position + length]
        position += length + length % 2
    else:
        raise UnreadableImage(_TOO_MANY_PARTS)
    size_wh = max(sizes, key=lambda size: size[0] * size[1], default=None)
    if size_wh is None:
        raise UnreadableImage(_DAMAGED)
    orientation = exif_orientation(exif) or xmp_orientation(xmp) or 1
    if animated:
        return _unbounded("WEBP", size_wh, 17, content)
    need = decoding_bytes(size_wh, 8, len(content))
    return Header("WEBP", need, (content,), bounded=True, orientation=orientation)


# --- Formats whose decoders get a process of their own --------------------------------------------

# What Python and Pillow take before there is a picture.
_PROCESS_BYTES = 30_000_000


def _unbounded(
    name: str, size_wh: tuple[int, int], pixel_bytes: int, content: bytes, more_bytes: int = 0
) -> Header:
    more_bytes += _PROCESS_BYTES + 2 * len(content)
    return Header(name, decoding_bytes(size_wh, pixel_bytes, more_bytes), (content,))


def _gif(content: bytes) -> Header:
    width, height = struct.unpack_from("<HH", content, 6)
    return _unbounded("GIF", (width, height), 4, content)


def _bmp(content: bytes) -> Header:
    old = struct.unpack_from("<I", content, 14)[0] == 12
    width, height = struct.unpack_from("<HH" if old else "<ii", content, 18)
    # A negative height is of a picture that is stored from the top.
    return _unbounded("BMP", (abs(width), abs(height)), 4, content)


_TIFF_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TIFF_BYTES |= {16: 8, 17: 8, 18: 8}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLORS = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _ROWS, _PLANES = 273, 277, 278, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES = 322, 323, 324
_UNCOMPRESSED, _YCBCR, _SEPARATE = 1, 6, 2


def _tiff(content: bytes) -> Header:
    values, counts, total = _first_directory(content)
    if max(counts.get(_STRIPS, 0), counts.get(_TILES, 0), len(counts)) > _MAX_PARTS:
        raise UnreadableImage(_TOO_MANY_PARTS)
    if total > len(content):
        raise UnreadableImage(_DAMAGED)
    width, height = values[_WIDTH], values[_HEIGHT]
    bits, samples = values.get(_BITS, 1), values.get(_SAMPLES, 1)
    buffered = 0
    if values.get(_COMPRESSION) != _UNCOMPRESSED:
        # A strip or a tile is decoded as a whole, and it says itself how large it is.
        if _TILES in counts:
            buffered = values[_TILE_WIDTH] * values[_TILE_HEIGHT]
        else:
            buffered = width * min(height, values.get(_ROWS, height))
        together = 1 if values.get(_PLANES) == _SEPARATE else samples
        buffered *= max(bits * together, 32 if values.get(_COLORS) == _YCBCR else 1)
    pixel_bytes = max(1, min(4, bits // 8)) if samples == 1 else 4
    return _unbounded("TIFF", (width, height), pixel_bytes, content, buffered // 8 + total)


def _first_directory(content: bytes) -> tuple[dict[int, int], dict[int, int], int]:
    """Return a TIFF's integers, how many values each tag has, and the bytes of all of them."""
    order = "<" if content.startswith(b"II") else ">"
    if b"+" in content[2:4]:  # a "BigTIFF"
        head, count, word = 8, "Q", "Q"
    else:
        head, count, word = 4, "H", "I"
    (position,) = struct.unpack_from(order + word, content, head)
    (tags,) = struct.unpack_from(order + count, content, position)
    position += struct.calcsize(order + count)
    entry, inline = struct.Struct(f"{order}HH{word}{word}"), struct.calcsize(order + word)
    values: dict[int, int] = {}
    counts: dict[int, int] = {}
    total = 0
    for number in range(min(tags, _MAX_PARTS + 1)):
        place = position + number * entry.size
        tag, kind, counts[tag], where = entry.unpack_from(content, place)
        size = counts[tag] * _TIFF_BYTES.get(kind, 1)
        total += size
        if kind in _INTEGERS and counts[tag]:
            where = place + entry.size - inline if size <= inline else where
            if where + 8 <= len(content):
                values[tag] = struct.unpack_from(order + _INTEGERS[kind], content, where)[0]
    return values, counts, total


_STILL_BRANDS = re.compile(rb"(?:....)*?(?:hei[cxms]|hev[cxms]|mif1|msf1|avi[fs])", re.DOTALL)


def _heif(content: bytes) -> Header:
    brands = content[8 : min(1024, int.from_bytes(content[:4]))]
    if not _STILL_BRANDS.match(brands):
        raise UnreadableImage(_NO_PICTURE)  # a video, for example
    meta, position = b"", 0
    for _ in range(_MAX_PARTS):
        if meta or position >= len(content):
            break
        size, kind = struct.unpack_from(">I4s", content, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, position + 8)
        end = position + size if size else len(content)
        if kind == b"meta":
            meta = content[position:end]
        position = max(position + 8, end)
    # The sizes of the picture, of the tiles that it is made of, of a depth map …
    sizes = [struct.unpack_from(">II", meta, at.end() + 4) for at in re.finditer(b"ispe", meta)]
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    if b"avif" in brands or b"avis" in brands:
        return _unbounded("AVIF", (width, height), 9, content)
    return _unbounded("HEIF", (width, height), 8, content)


_READERS: dict[bytes, Callable[[bytes], Header]] = {
    rb"\xff\xd8\xff": _jpeg,
    rb"\x89PNG\r\n\x1a\n": _png,
    rb"RIFF....WEBP": _webp,
    rb"GIF8[79]a": _gif,
    rb"BM": _bmp,
    rb"II[*+]\0|MM\0[*+]": _tiff,
    rb"....ftyp": _heif,
}
