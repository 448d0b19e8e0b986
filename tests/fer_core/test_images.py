"""Reading pictures: every format, and everything that can be wrong with a file."""

from __future__ import annotations

import io
import os
import struct
import zlib
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from fer_core import headers, images
from fer_core.budget import MemoryBudget
from fer_core.decoding import decode
from fer_core.detection import HaarDetector
from fer_core.errors import UnreadableImage
from fer_core.headers import MAX_SIDE
from fer_core.images import encode_png, read_image, to_bgr, to_gray
from tests.fer_core import hostile
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


FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF"]


@pytest.fixture(autouse=True)
def _here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode in this process, which is faster, but for tests of the other one."""
    if "apart" not in request.fixturenames:
        monkeypatch.setattr(images, "decode_apart", lambda content, kind, *_: decode(content, kind))


@pytest.fixture
def apart() -> None:
    """Decode in a process of its own where users get one."""


@pytest.mark.parametrize("kind", FORMATS)
def test_formats(kind: str) -> None:
    # WebP, HEIC and AVIF halve the resolution of colours, so an edge bleeds a little.
    assert_upright(encoded(UPRIGHT, kind), tolerance=8)


@pytest.mark.usefixtures("apart")
def test_formats_in_a_process_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing of where the user is may be imported there.
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    for kind in ("BMP", "TIFF", "GIF", "HEIF", "AVIF"):
        assert_upright(encoded(UPRIGHT, kind), tolerance=8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_orientation(orientation: int, kind: str) -> None:
    picture = Image.fromarray(UPRIGHT)
    if STORED_AS[orientation] is not None:
        picture = picture.transpose(STORED_AS[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert_upright(encoded(picture, kind, exif=exif.tobytes()), tolerance=8)


@pytest.mark.parametrize(("orientation", "size_wh"), [(1, (96, 95)), (6, (95, 96))])
def test_original_size_of_a_photo_that_is_reduced(
    monkeypatch: pytest.MonkeyPatch, orientation: int, size_wh: tuple[int, int]
) -> None:
    monkeypatch.setattr(headers, "MAX_SIDE", 40)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    # Nearly square: after the reduction both sides are as long, and tell nothing any more.
    content = encoded(Image.new("1", (96, 95)), "PNG", exif=exif.tobytes())
    photo = read_image(content)
    assert photo.original_size_wh == size_wh
    assert photo.image_bgr.shape == (40, 40, 3)


@pytest.mark.filterwarnings("error")
def test_a_large_photo_is_reduced_without_a_warning() -> None:
    width, height = 9600, 9599
    rows = zlib.compress(bytes((1 + width // 4) * height), 1)
    photo = read_image(hostile.png(width, height, bits=2, color=0, data=rows))
    assert photo.original_size_wh == (width, height)
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
    levels = np.full((40, 64) if color == "grey" else (40, 64, 3), level, np.uint16)
    levels[:, 60:] = 65535
    image_bgr = read_image(cv2.imencode(f".{suffix.lower()}", levels)[1].tobytes()).image_bgr
    assert image_bgr.shape == (40, 64, 3)
    assert np.abs(image_bgr[:, :60].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_greys_of_fewer_bits_than_the_file_has(bits: int, suffix: str) -> None:
    levels = np.tile(np.linspace(0, 2**bits - 1, 64).astype(np.uint16), (40, 1))
    # A hot pixel is no reason to take the rest for black.
    levels[7, 7] = 65535
    image_bgr = read_image(cv2.imencode(suffix, levels)[1].tobytes()).image_bgr
    assert image_bgr[9, :, 0] == pytest.approx(np.linspace(0, 255, 64), abs=1.5)


@pytest.mark.parametrize("largest", [0.01, 1, 300])
def test_float_tiff(largest: float) -> None:
    greys = np.tile(np.linspace(-0.5, 1, 64, dtype=np.float32) * largest, (40, 1))
    greys[0, :3] = np.nan, np.inf, -np.inf
    image_bgr = read_image(encoded(greys, "TIFF")).image_bgr
    assert (image_bgr[1, 0].tolist(), image_bgr[1, -1].tolist()) == ([0, 0, 0], [255, 255, 255])
    assert image_bgr[0, :3, 0].tolist() == [0, 255, 0]
    assert int(image_bgr[1, 42, 0]) == pytest.approx(127, abs=1)


def test_a_float_tiff_without_one_finite_value() -> None:
    greys = np.full((40, 64), np.nan, np.float32)
    assert not read_image(encoded(greys, "TIFF")).image_bgr.any()


@pytest.mark.parametrize(
    ("suffix", "bits"), [(".png", 8), (".png", 12), (".tiff", 12), (".tiff", 16), (".tiff", 0)]
)
def test_a_face_in_deep_greys_is_found(
    suffix: str, bits: int, small_portrait: np.ndarray, haar: HaarDetector
) -> None:
    gray = to_gray(small_portrait)
    if bits:
        levels = np.round(gray / 255.0 * (2**bits - 1)).astype(np.uint16)
        content = cv2.imencode(suffix, levels)[1].tobytes()
    else:
        levels = gray.astype(np.float32) / 10
        levels[0, :2] = np.nan, np.inf
        content = encoded(levels, "TIFF")
    found = haar.detect(read_image(content).image_bgr)
    assert len(found) == len(haar.detect(small_portrait)) == 1


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


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_animation_shows_its_first_frame(kind: str) -> None:
    others = [Image.new("RGB", (64, 40), color) for color in ("black", "yellow")]
    options = {"lossless": True} if kind == "WEBP" else {}
    first = Image.fromarray(UPRIGHT)
    content = encoded(first, kind, save_all=True, append_images=others, **options)
    assert_upright(content, tolerance=8)


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
        read_image(hostile.png(side, side))


HEIC = encoded(UPRIGHT, "HEIF")
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
JPEG = encoded(NOISE, "JPEG")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"Dear diary, this is no picture.", "not a picture in a format"),
        (bytes(500), "not a picture in a format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", "not a picture in a format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture in a format"),
        (JPEG[: JPEG.index(b"\xff\xda") + 15], "damaged or cut off"),
        (JPEG[:20], "not a picture|damaged"),
        (encoded(NOISE, "PNG")[:2000], "damaged or cut off"),
        (encoded(NOISE, "WEBP")[:500], "damaged|not a picture"),
        (encoded(NOISE, "TIFF")[:3000], "damaged|not a picture"),
        (encoded(NOISE, "BMP")[:3000], "damaged or cut off"),
        (encoded(NOISE, "GIF")[:2000], "damaged or cut off"),
        (HEIC[: len(HEIC) // 2], "damaged|not a picture"),
        (HEIC.replace(b"ispe" + bytes(6), b"ispe" + bytes(4) + b"\x40\0"), "100 megapixels"),
    ],
)
def test_damaged_files(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableImage, match=sentence) as caught:
        read_image(content)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", FORMATS)
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


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs Unix's devices")
def test_devices_and_pipes_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in ("/dev/zero", tmp_path / "pipe.jpg"):
        with pytest.raises(UnreadableImage, match="a device or a pipe"):
            read_image(path)


def test_a_file_without_an_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 1_000_000)
    monkeypatch.setattr(images, "_READ_BYTES", 1_000)
    path = tmp_path / "large.png"
    path.write_bytes(encoded(UPRIGHT, "PNG").ljust(1_000_001, b"\0"))
    with open("/dev/zero", "rb") as endless:
        for source in (path, endless):
            with pytest.raises(UnreadableImage, match="more than 1 MB"):
                read_image(source)
    path.write_bytes(encoded(UPRIGHT, "PNG").ljust(1_000_000, b"\0"))
    assert_upright(path)


SMOOTH = cv2.resize(NOISE, (480, 640), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kept", [-2, -10, 0.99, 0.95, 0.5])
def test_a_jpeg_without_its_end_is_read_as_far_as_it_goes(kept: float, progressive: bool) -> None:
    whole = encoded(SMOOTH, "JPEG", quality=90, progressive=progressive)
    content = whole[: kept if kept < 0 else int(kept * len(whole))]
    photo = read_image(content)
    assert photo.incomplete
    assert not read_image(whole).incomplete
    rows = int(640 * (kept if kept > 0 else 0.98) * 0.9)
    difference = cv2.absdiff(photo.image_bgr, read_image(whole).image_bgr)[:rows]
    assert difference.mean() < (6 if progressive else 0.01)


def test_a_jpeg_of_which_hardly_anything_is_there() -> None:
    content = encoded(SMOOTH, "JPEG", quality=90)
    with pytest.raises(UnreadableImage, match="damaged or cut off"):
        read_image(content[: len(content) // 20])


def test_pictures_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = MemoryBudget(30_000_000)
    monkeypatch.setattr(images, "shared_budget", lambda: budget)
    said = []

    def on_wait(sentence: str) -> None:
        said.append(sentence)
        release.close()

    with ExitStack() as release:
        release.enter_context(budget.reserve(20_000_000))
        assert read_image(encoded(UPRIGHT, "PNG"), on_wait=on_wait).image_bgr.shape == (40, 64, 3)
    assert said == ["Waiting for other pictures …"]
    with pytest.raises(UnreadableImage, match="at most 30 MB can be used for that here"):
        read_image(encoded(Image.new("L", (3000, 3000)), "JPEG"))


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
