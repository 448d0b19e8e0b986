"""Small whole files of every kind that is read, to be damaged."""

from __future__ import annotations

import csv
import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
from PIL import Image

from tests.fer_core.video.clips import make_clip, noise
from tests.train.zips import PNG, zip_of
from train.data.ferplus import _COLUMNS

_SIZE_WH = (48, 40)
# Suffix, codec of the picture, of the sound, and the pixel format where it is not the usual one.
_CLIPS = (
    (".mp4", "libx264", "aac", "yuv420p"),
    (".mp4", "mpeg4", None, "yuv420p"),
    (".mov", "mjpeg", "pcm_s16le", "yuvj420p"),
    (".webm", "libvpx", "libopus", "yuv420p"),
    (".webm", "libvpx-vp9", None, "yuv420p"),
    (".mkv", "libx264", "libopus", "yuv420p"),
    (".avi", "mpeg4", "libmp3lame", "yuv420p"),
    (".avi", "mjpeg", None, "yuvj420p"),
    (".ts", "mpeg2video", "mp2", "yuv420p"),
    (".ts", "libx264", "aac", "yuv420p"),
)


def make_seeds() -> dict[str, list[bytes]]:
    """Return whole files by their suffix, which also says who reads them."""
    seeds = {".jpg": [], ".png": [], ".webp": [], ".bmp": [], ".tif": [], ".gif": []}
    seeds |= {".heic": [], ".avif": [], ".zip": [], ".tar": [], ".csv": []}
    _add_pictures(seeds)
    with tempfile.TemporaryDirectory() as folder:
        for number, (suffix, codec, sound, pix_fmt) in enumerate(_CLIPS):
            path = make_clip(
                Path(folder) / f"{number}{suffix}",
                tuple(range(8)),
                codec=codec,
                pix_fmt=pix_fmt,
                sound=sound,
                pictures=[noise(seed=seed) for seed in range(8)],
            )
            seeds.setdefault(suffix, []).append(path.read_bytes())
    _add_archives(seeds)
    _add_tables(seeds)
    return seeds


def _add_pictures(seeds: dict[str, list[bytes]]) -> None:
    rgb = Image.fromarray(np.ascontiguousarray(noise(_SIZE_WH)[..., ::-1]))
    other = Image.fromarray(noise(_SIZE_WH, 1))
    gray, levels = rgb.convert("L"), np.arange(48 * 40, dtype=np.uint16).reshape(40, 48) * 32
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [other, rgb]}

    def add(suffix: str, picture: Image.Image, kind: str, **options: object) -> None:
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        seeds[suffix].append(buffer.getvalue())

    add(".jpg", rgb, "JPEG", exif=exif)
    add(".jpg", rgb, "JPEG", progressive=True)
    add(".jpg", rgb.convert("CMYK"), "JPEG")
    add(".png", rgb, "PNG")
    add(".png", Image.fromarray(levels), "PNG")
    add(".png", rgb.quantize(16), "PNG", transparency=3)
    add(".png", rgb, "PNG", **frames)
    for options in ({"lossless": True}, {"exif": exif}, frames):
        add(".webp", rgb, "WEBP", **options)
    for picture in (rgb, gray, rgb.convert("1"), rgb.quantize(16)):
        add(".bmp", picture, "BMP")
    for compression in (None, "tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        add(".tif", rgb, "TIFF", compression=compression)
    add(".tif", Image.fromarray(levels), "TIFF")
    add(".tif", Image.fromarray(levels.astype(np.float32)), "TIFF", compression="tiff_deflate")
    add(".tif", rgb, "TIFF", **frames)
    add(".gif", rgb, "GIF")
    add(".gif", rgb, "GIF", **frames)
    add(".avif", rgb, "AVIF")
    add(".avif", rgb, "AVIF", exif=exif)
    buffer = io.BytesIO()
    pillow_heif.from_pillow(rgb).save(buffer, format="HEIF")
    seeds[".heic"].append(buffer.getvalue())


def _add_archives(seeds: dict[str, list[bytes]]) -> None:
    pictures = {"happy/a.png": PNG, "sad/b.png": PNG}
    labels = b"name,label\na.png,happy\nb.png,sad\n"
    fer2013 = {f"{label}/Training_{n}.png": PNG for n, label in enumerate(("happy", "sad"))}
    deflated = zipfile.ZIP_DEFLATED
    seeds[".zip"] += [
        zip_of(pictures),
        zip_of({"labels.csv": labels, "a.png": PNG, "b.png": PNG}, compression=deflated),
        zip_of(fer2013, compression=deflated),
    ]
    for mode in ("w", "w:gz", "w:xz", "w:bz2"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as archive:
            for name, content in fer2013.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        seeds[".tar"].append(buffer.getvalue())


def _add_tables(seeds: dict[str, list[bytes]]) -> None:
    pixels = " ".join(map(str, cv2.imdecode(np.frombuffer(PNG, np.uint8), 0).ravel().tolist()))
    tables = (
        [["emotion", "pixels", "Usage"], ["3", pixels, "Training"], ["4", pixels, "PublicTest"]],
        [["image", *_COLUMNS], ["Training/happy/Training_0.jpg", *"1800000000"]],
        [["name", "label"], ["a.png", "happy"], ["b.png", "sad"]],
    )
    for rows in tables:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        seeds[".csv"].append(text.getvalue().encode())
