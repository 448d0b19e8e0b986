"""Reading pictures: every format, and everything that can be wrong with a file."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from fer_core.errors import UnreadableImage
from fer_core.images import MAX_SIDE, encode_png, read_image, to_bgr, to_gray
from tests.conftest import ROOT
from tests.fer_core.conftest import SAMPLES, encoded

ORIENTATION = 0x0112
# Four quarters: red, green / blue, white; wider than high, so that no two orientations agree.
UPRIGHT = np.zeros((40, 64, 3), np.uint8)
UPRIGHT[:20, :32], UPRIGHT[:20, 32:] = (255, 0, 0), (0, 255, 0)
UPRIGHT[20:, :32], UPRIGHT[20:, 32:] = (0, 0, 255), (255, 255, 255)
# How a picture is stored of which a viewer undoes the orientation.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quarters(image_bgr: np.ndarray) -> list[list[int]]:
    """Return the RGB of the middles of the four quarters, row by row."""
    height, width = image_bgr.shape[:2]
    return [
        image_bgr[y * height // 4, x * width // 4, ::-1].tolist() for y in (1, 3) for x in (1, 3)
    ]


def assert_upright(content: bytes | Path, tolerance: int = 3) -> None:
    photo = read_image(content)
    assert photo.image_bgr.shape == UPRIGHT.shape
    assert photo.image_bgr.dtype == np.uint8
    assert photo.original_size_wh == (64, 40)
    assert quarters(photo.image_bgr) == pytest.approx(
        np.array(quarters(UPRIGHT[..., ::-1])), abs=tolerance
    )


def exif_bytes(entry: bytes) -> bytes:
    """Return EXIF with one raw 12-byte entry."""
    return b"Exif\0\0" + b"MM\0*\0\0\0\x08" + b"\0\x01" + entry + b"\0\0\0\0"


def png_header(width: int, height: int) -> bytes:
    """Return the start of a PNG that claims a size, with hardly any data behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF"])
def test_formats(kind: str) -> None:
    # WebP and HEIC halve the resolution of colours, so an edge bleeds a little.
    assert_upright(encoded(UPRIGHT, kind), tolerance=8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_orientation(orientation: int, kind: str) -> None:
    picture = Image.fromarray(UPRIGHT)
    if STORED_AS[orientation] is not None:
        picture = picture.transpose(STORED_AS[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert_upright(encoded(picture, kind, exif=exif.tobytes()), tolerance=8)


@pytest.mark.parametrize(("orientation", "size_wh"), [(1, (9000, 8999)), (6, (8999, 9000))])
def test_original_size_of_a_large_photo(orientation: int, size_wh: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    # Nearly square: after the reduction both sides are as long, and tell nothing any more.
    content = encoded(Image.new("1", (9000, 8999)), "PNG", exif=exif.tobytes())
    photo = read_image(content)
    assert photo.original_size_wh == size_wh
    assert max(photo.image_bgr.shape) == MAX_SIDE


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0" + bytes(range(200)),
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
        exif_bytes(struct.pack(">HHI4s", ORIENTATION, 2, 2, b"6\0\0\0")),  # text
        exif_bytes(struct.pack(">HHIHH", ORIENTATION, 3, 1, 99, 0)),
        exif_bytes(struct.pack(">HHIHH", ORIENTATION, 3, 1, 0, 0)),
        exif_bytes(struct.pack(">HHII", ORIENTATION, 3, 2, 0xFFFFFF)),  # beyond the end
        exif_bytes(struct.pack(">HHII", ORIENTATION, 5, 1, 0)),  # a ratio
    ],
)
def test_broken_exif_leaves_the_picture_as_it_is(exif: bytes) -> None:
    assert_upright(encoded(UPRIGHT, "JPEG", exif=exif))


@pytest.mark.parametrize(("tag", "kind"), [(0x010E, 11), (0x0100, 1), (0x011A, 2)])
def test_orientation_counts_where_other_exif_is_broken(tag: int, kind: int) -> None:
    good = struct.pack(">HHIHH", ORIENTATION, 3, 1, 6, 0)
    # A description that is a number, a width that is bytes: Pillow reads it, and cannot write it.
    broken = struct.pack(">HHI4s", tag, kind, 1, b"abcd")
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + b"\0\x02" + good + broken + b"\0\0\0\0"
    picture = Image.fromarray(UPRIGHT).transpose(Image.Transpose.ROTATE_90)
    assert_upright(encoded(picture, "JPEG", exif=exif))


def test_cmyk_jpeg_has_the_right_colours() -> None:
    content = encoded(Image.fromarray(UPRIGHT).convert("CMYK"), "JPEG", quality=95)
    assert Image.open(io.BytesIO(content)).mode == "CMYK"
    assert_upright(content, tolerance=8)


@pytest.mark.parametrize(
    ("level", "expected"), [(0, 0), (32768, 128), (65535, 255), (257 * 40, 40)]
)
@pytest.mark.parametrize("kind", ["grey PNG", "colour PNG", "grey TIFF", "colour TIFF"])
def test_16_bits_a_channel(kind: str, level: int, expected: int) -> None:
    color, suffix = kind.split()
    shape = (40, 64) if color == "grey" else (40, 64, 3)
    content = cv2.imencode(f".{suffix.lower()}", np.full(shape, level, np.uint16))[1].tobytes()
    assert read_image(content).image_bgr == pytest.approx(np.full((40, 64, 3), expected), abs=1)


def test_float_tiff() -> None:
    greys = np.tile(np.linspace(-0.5, 1, 64, dtype=np.float32), (40, 1))
    greys[0, 0] = np.nan
    image_bgr = read_image(encoded(greys, "TIFF")).image_bgr
    assert (image_bgr[1, 0].tolist(), image_bgr[1, -1].tolist()) == ([0, 0, 0], [255, 255, 255])


def test_palette_and_grey_and_bilevel() -> None:
    assert_upright(encoded(Image.fromarray(UPRIGHT).quantize(16), "PNG"))
    grey = np.tile(np.arange(64, dtype=np.uint8), (40, 1))
    assert (read_image(encoded(grey, "PNG")).image_bgr == grey[..., np.newaxis]).all()
    bilevel = Image.fromarray(UPRIGHT[..., 0]).convert("1")
    assert (read_image(encoded(bilevel, "PNG")).image_bgr == UPRIGHT[..., :1]).all()


def test_transparency_is_put_on_white() -> None:
    rgba = np.dstack([UPRIGHT, np.full((40, 64), 255, np.uint8)])
    rgba[:20, :32, 3] = 0
    rgba[:20, 32:, 3] = 128
    expected = [[255, 255, 255], [127, 255, 127], [0, 0, 255], [255, 255, 255]]
    for kind in ("PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        seen = quarters(read_image(encoded(rgba, kind, **options)).image_bgr)
        assert seen == pytest.approx(np.array(expected), abs=1)


def test_grey_with_transparency() -> None:
    layers = np.dstack([np.zeros((40, 64), np.uint8), np.full((40, 64), 64, np.uint8)])
    layers[:20, :, 1] = 0
    content = encoded(Image.fromarray(layers, "LA"), "PNG")
    seen = [pixel[0] for pixel in quarters(read_image(content).image_bgr)]
    assert seen == pytest.approx([255, 255, 191, 191], abs=1)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palette_with_a_transparent_colour(kind: str) -> None:
    picture = Image.fromarray(UPRIGHT).quantize(16)
    red = picture.getpixel((5, 5))
    seen = quarters(read_image(encoded(picture, kind, transparency=red)).image_bgr)
    assert seen == pytest.approx(
        np.array([[255, 255, 255], [0, 255, 0], [0, 0, 255], [255, 255, 255]]), abs=3
    )


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animation_shows_its_first_frame(kind: str) -> None:
    others = [Image.new("RGB", (64, 40), color) for color in ("black", "yellow")]
    options = {"lossless": True} if kind == "WEBP" else {}
    first = Image.fromarray(UPRIGHT)
    assert_upright(encoded(first, kind, save_all=True, append_images=others, **options))


@pytest.mark.parametrize("size_wh", [(1, 1), (15, 400), (400, 1)])
def test_too_small(size_wh: tuple[int, int]) -> None:
    with pytest.raises(UnreadableImage, match=f"only {size_wh[0]}×{size_wh[1]} pixels"):
        read_image(encoded(Image.new("RGB", size_wh), "PNG"))


@pytest.mark.parametrize("side", [10_001, 13_000, 20_000])
def test_decompression_bomb_is_refused_before_decoding(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        pytest.fail("it was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    with pytest.raises(UnreadableImage, match="at most 100 megapixels"):
        read_image(png_header(side, side))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_60_megapixels_in_bounded_memory(tmp_path: Path) -> None:
    photo = tmp_path / "large.jpg"
    Image.new("RGB", (8000, 7500), (200, 30, 60)).save(photo)
    script = """
import re, sys
from pathlib import Path
from fer_core.images import read_image
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
before = peak()
photo = read_image(Path(sys.argv[1]))
print(*photo.image_bgr.shape, *photo.original_size_wh, *photo.image_bgr[99, 99], peak() - before)
"""
    command = [sys.executable, "-c", script, str(photo)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    *shape, width, height, blue, green, red, peak_mb = map(int, output.split())
    assert shape == [3840, 4096, 3]
    assert (width, height) == (8000, 7500)
    assert (red, green, blue) == pytest.approx((200, 30, 60), abs=3)
    # Once the picture, 4 bytes a pixel, and what it is reduced to.
    assert peak_mb < 500


HEIC = encoded(UPRIGHT, "HEIF")
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"Dear diary, this is no picture.", "not a picture in a format"),
        (bytes(500), "not a picture in a format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", "not a picture in a format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture in a format"),
        (encoded(NOISE, "JPEG")[:2000], "damaged or cut off"),
        (encoded(NOISE, "JPEG")[:20], "not a picture|damaged"),
        (encoded(NOISE, "PNG")[:2000], "damaged or cut off"),
        (encoded(NOISE, "WEBP")[:500], "damaged|not a picture"),
        (encoded(NOISE, "TIFF")[:3000], "damaged|not a picture"),
        (encoded(NOISE, "BMP")[:3000], "damaged or cut off"),
        (encoded(NOISE, "GIF")[:2000], "damaged or cut off"),
        (HEIC[: len(HEIC) // 2], "damaged|not a picture"),
        # A size beyond the decoder's own limit, which it reports in a way of its own.
        (HEIC.replace(b"ispe" + bytes(6), b"ispe" + bytes(4) + b"\x40\0"), "damaged or cut off"),
    ],
)
def test_damaged_files(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableImage, match=sentence) as caught:
        read_image(content)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF"])
def test_random_damage_never_surprises(kind: str) -> None:
    rng = np.random.default_rng(1)
    content = encoded(UPRIGHT, kind)
    for _ in range(60):
        damaged = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(0, len(damaged), 6)
        damaged[places] = rng.integers(0, 256, 6)
        try:
            photo = read_image(damaged.tobytes())
        except UnreadableImage:
            continue
        assert photo.image_bgr.dtype == np.uint8
        assert photo.image_bgr.shape[2:] == (3,)


@pytest.mark.parametrize(
    "name", ["Übung 名前 🙂.JPG", "no suffix", "photo.txt", "two\nlines.png", "-rf.jpg", "a.b.c"]
)
def test_odd_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(encoded(UPRIGHT, "PNG"))
    assert_upright(path)
    assert path.read_bytes() == encoded(UPRIGHT, "PNG")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, sentence in (
        (tmp_path / "missing.jpg", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (Path("zero\0byte.jpg"), "name is not valid"),
    ):
        with pytest.raises(UnreadableImage, match=sentence):
            read_image(path)


def test_rgba_photo(media: Path) -> None:
    photo = read_image(media / "rgba_32bit.png")
    assert photo.image_bgr.shape == (1200, 626, 3)


def test_samples_are_read_as_opencv_reads_them() -> None:
    for path in sorted(SAMPLES.glob("*.jpg")):
        difference = cv2.absdiff(read_image(path).image_bgr, cv2.imread(str(path)))
        assert difference.mean() < 1


BGR = np.random.default_rng(2).integers(0, 256, (5, 7, 3), np.uint8)
BGRA = np.dstack([BGR, np.full((5, 7), 9, np.uint8)])


def test_to_gray_and_to_bgr() -> None:
    gray = cv2.cvtColor(BGR, cv2.COLOR_BGR2GRAY)
    for image in (BGR, BGRA, gray):
        assert (to_gray(image) == gray).all()
    assert to_bgr(BGR) is BGR
    assert (to_bgr(BGRA) == BGR).all()
    assert (to_bgr(gray) == gray[..., np.newaxis]).all()


@pytest.mark.parametrize("convert", [to_gray, to_bgr])
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((0, 5), np.uint8),
        np.zeros((5, 5, 3), np.float32),
        np.zeros((5, 5), np.uint16),
        np.zeros((5, 5, 2), np.uint8),
        np.zeros((5, 5, 5), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((2, 5, 5, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(convert: object, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 \(H, W, 3\)"):
        convert(image)


@pytest.mark.parametrize("image", [BGR, BGR[..., 0]])
def test_encode_png_loses_nothing(image: np.ndarray) -> None:
    content = np.frombuffer(encode_png(image), np.uint8)
    assert (cv2.imdecode(content, cv2.IMREAD_UNCHANGED) == image).all()
