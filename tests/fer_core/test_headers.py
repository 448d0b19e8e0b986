"""What a picture costs, by its header alone."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.errors import UnreadableImage
from fer_core.headers import (
    MAX_BYTES,
    exif_orientation,
    jpeg_scale,
    read_header,
    reduced_size,
    xmp_orientation,
)
from fer_core.images import read_image
from tests.fer_core import hostile
from tests.fer_core.conftest import encoded

MEMORY = "would take [0-9,]+ MB of memory to decode; at most 550 MB are allowed"
TIME = "takes too long to decode"
PARTS = "made of too many parts"
PIXELS = "at most 100 megapixels can be opened"
DAMAGED = "damaged and cannot be read as a picture"


def heif_of(width: int, height: int, brand: bytes = b"heic") -> bytes:
    """Return the boxes of a HEIC that claims a size."""
    size = struct.pack(">I4sIII", 20, b"ispe", 0, width, height)
    meta = struct.pack(">I4sI", 12 + len(size), b"meta", 0) + size
    return struct.pack(">I4s4sI", 16, b"ftyp", brand, 0) + meta


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (hostile.webp, MEMORY),
        (lambda: hostile.webp(16_383), PIXELS),
        (lambda: hostile.tiff_of_strips(200_000), PARTS),
        (lambda: hostile.tiff_of_tags(2_000, 1_000_000), DAMAGED),
        (lambda: hostile.tiff_of_tiles(40_000), MEMORY),
        (lambda: hostile.tiff(hostile.tiff_entries(9_999, 9_999, bits=32, compression=8)), MEMORY),
        (lambda: hostile.tiff(hostile.tiff_entries(20_000, 9_999), big=True), PIXELS),
        (lambda: hostile.jpeg_of_scans(1600, 1200, 2000), TIME),
        (lambda: hostile.jpeg_of_scans(16, 16, 120_000), PARTS),
        (lambda: hostile.jpeg(40_000, 40_000), TIME),
        (lambda: hostile.jpeg_of_segments(120_000), PARTS),
        (lambda: hostile.png(10_001, 10_001), PIXELS),
        (lambda: hostile.png(64, 64, extra=hostile.png_chunk(b"prVt") * 120_000), PARTS),
        (lambda: hostile.gif(60_000, 60_000), PIXELS),
        (lambda: hostile.bmp(20_000, -20_000), PIXELS),
        (lambda: heif_of(9_999, 9_999), MEMORY),
        (lambda: heif_of(9_999, 9_999, b"avif"), MEMORY),
        (lambda: heif_of(1 << 20, 1 << 20), PIXELS),
        (lambda: heif_of(64, 64, b"isom"), "not a picture"),
        (lambda: hostile.png(90_000, 100), "only 90000×100 pixels, too few"),
    ],
)
def test_what_takes_too_much_is_refused_by_its_header(
    make: Callable[[], bytes], sentence: str
) -> None:
    with pytest.raises(UnreadableImage, match=sentence) as caught:
        read_header(make())
    assert str(caught.value).endswith(".")


def test_files_that_ended_the_server(cases: Path) -> None:
    with pytest.raises(UnreadableImage, match=MEMORY):
        read_header((cases / "webp_34_bytes.webp").read_bytes())
    header = read_header((cases / "float_100mp.tif").read_bytes())
    assert not header.bounded
    assert header.need_bytes < MAX_BYTES


@pytest.mark.parametrize(
    ("content", "bounded"),
    [
        (hostile.jpeg(12_000, 9_000), True),
        (hostile.png(9_999, 9_999, color=6), True),
        (hostile.webp(7_500), True),
        (heif_of(8_064, 6_048), False),
        (heif_of(8_000, 6_000, b"avif"), False),
    ],
)
def test_large_photos_are_no_bombs(content: bytes, bounded: bool) -> None:
    header = read_header(content)
    assert 50_000_000 < header.need_bytes <= MAX_BYTES
    assert header.bounded is bounded


def test_a_photo_takes_a_few_copies_of_itself() -> None:
    need_bytes = read_header(hostile.jpeg(4_000, 3_000)).need_bytes
    assert 3 * 12_000_000 < need_bytes < 20 * 12_000_000


def test_a_progressive_jpeg_is_held_as_a_whole() -> None:
    sequential = hostile.jpeg(12_000, 9_000)
    progressive = sequential.replace(b"\xff\xc0", b"\xff\xc2", 1)
    needs = [read_header(content).need_bytes for content in (sequential, progressive)]
    assert needs[1] - needs[0] > 12_000 * 9_000


@pytest.mark.parametrize(
    ("size_wh", "scale", "reduced_wh"),
    [
        ((4_096, 3_000), 1, (4_096, 3_000)),
        ((8_191, 100), 1, (4_096, 50)),
        ((12_000, 9_000), 2, (4_096, 3_072)),
        ((3_000, 20_000), 4, (614, 4_096)),
        ((65_535, 65_535), 8, (4_096, 4_096)),
    ],
)
def test_how_far_a_jpeg_is_reduced(
    size_wh: tuple[int, int], scale: int, reduced_wh: tuple[int, int]
) -> None:
    assert jpeg_scale(size_wh) == scale
    assert reduced_size(size_wh) == reduced_wh


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


@pytest.mark.parametrize("progressive", [False, True])
def test_the_end_of_a_jpeg(progressive: bool) -> None:
    content = encoded(NOISE, "JPEG", progressive=progressive)
    assert not read_header(content).incomplete
    # Phones append a video, which may hold anything.
    assert not read_header(content + b"\xff\xda\0\x08" * 100).incomplete
    for cut in (1, 2, 10, 200):
        header = read_header(content[:-cut])
        assert header.incomplete
        assert bytes(header.parts[-1]) == b"\xff\xd9"


def test_a_jpeg_cut_within_a_table_ends_before_it() -> None:
    content = encoded(NOISE, "JPEG", progressive=True)
    table = content.rindex(b"\xff\xc4")
    parts = read_header(content[: table + 9]).parts
    assert content[:table].endswith(bytes(parts[-2]))


def test_a_jpeg_without_channels_is_damaged() -> None:
    content = bytearray(encoded(NOISE, "JPEG", progressive=True))
    content[content.index(b"\xff\xc2") + 9] = 0
    with pytest.raises(UnreadableImage):
        read_image(bytes(content))


def test_only_what_decodes_a_jpeg_reaches_the_decoder() -> None:
    exif = hostile.exif_of_entries(4_800)
    content = hostile.jpeg_of_segments(3, exif)
    kept = b"".join(read_header(content).parts)
    assert kept == b"".join(read_header(hostile.jpeg_of_segments(0)).parts)
    adobe = encoded(Image.new("CMYK", (64, 64)), "JPEG")
    assert b"Adobe" in b"".join(read_header(adobe).parts)


def test_orientation_in_xmp() -> None:
    assert xmp_orientation(b'<rdf tiff:Orientation="6"/>') == 6
    assert xmp_orientation(b"<tiff:Orientation>3</tiff:Orientation>") == 3
    assert xmp_orientation(b'tiff:Orientation="9"') is None
    assert xmp_orientation(b"") is None


def test_orientation_in_exif() -> None:
    entry = struct.pack("<HHIHH", 274, 3, 1, 8, 0)
    assert exif_orientation(b"II*\0\x08\0\0\0\x01\0" + entry) == 8
    assert exif_orientation(b"II*\0\x08\0\0\0\xff\xff" + entry) == 8
    assert exif_orientation(b"II*\0\xff\xff\xff\xff") is None
    assert exif_orientation(b"") is None
