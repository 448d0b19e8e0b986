"""From a picture's file to its pixels: eight bits a channel, on white, and no larger than needed.

Pillow does the work: here, or in a process with limits of memory and time where the header does not
bound it. That process imports little, so that it starts in a tenth of a second.
"""

from __future__ import annotations

import io
import json
import math
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image, JpegImagePlugin, PngImagePlugin

from fer_core.errors import UnreadableImage
from fer_core.headers import (
    BAND_PIXELS,
    check_size,
    exif_orientation,
    jpeg_scale,
    reduced_size,
    xmp_orientation,
)

DAMAGED = "The picture is damaged or cut off, and cannot be decoded."
_TOO_LONG = "The picture takes too long to decode."
# What decoders raise on damaged files; which one is up to the format and the damage.
_DECODING_ERRORS = (
    OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError,
    SyntaxError, MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip
_MAX_CPU_S = 8
# Beyond this the process waits for something that does not come.
_MAX_WAIT_S = 120
_LOOK_EVERY_S = 0.2
_MAX_HEAD_BYTES = 1000
_THREADS = 2
# Stacks of threads, and what the libraries map without touching it.
_ADDRESS_SPACE_BYTES = 64 << 20
# 16-bit greys may have been measured with fewer bits; a few hot pixels say nothing of that.
_BRIGHT_SHARE = 0.999
_SAMPLE_SIDE = 1024


@dataclass(frozen=True, slots=True)
class Pixels:
    """A decoded picture.

    Attributes:
        picture: Of mode "RGB", as it is stored, perhaps on its side.
        size_wh: Its size in pixels before it was reduced.
        orientation: As EXIF counts, 1 to 8.
    """

    picture: Image.Image
    size_wh: tuple[int, int]
    orientation: int


def decode(content: bytes, file_format: str) -> Pixels:
    """Decode the first picture of a file.

    Args:
        content: The file.
        file_format: Pillow's name of its format.

    Raises:
        UnreadableImage: It is damaged, or not of the size that its header told.
    """
    try:
        _prepare(file_format)
        with _opened(io.BytesIO(content), file_format) as picture:
            if file_format != "JPEG":
                return pixels_of(picture)
            size_wh = width, height = picture.size
            scale = jpeg_scale(size_wh)
            picture.draft("RGB", (width // scale, height // scale))
            return replace(pixels_of(picture), size_wh=size_wh)
    except _DECODING_ERRORS as error:
        raise UnreadableImage(DAMAGED) from error


def _opened(file: BinaryIO, file_format: str) -> Image.Image:
    # Image.open() has limits of its own, on sizes that are reduced or allowed here.
    if file_format == "JPEG":
        return JpegImagePlugin.JpegImageFile(file)
    if file_format == "PNG":
        return PngImagePlugin.PngImageFile(file)
    return Image.open(file, formats=(file_format,))


def pixels_of(picture: Image.Image) -> Pixels:
    """Return a picture of Pillow's, which stays as it is, decoded and reduced.

    Raises:
        UnreadableImage: It is damaged, or has too few or too many pixels.
    """
    check_size(picture.size)
    try:
        picture.load()
        return Pixels(_reduced(picture), picture.size, _orientation(picture))
    except _DECODING_ERRORS as error:
        raise UnreadableImage(DAMAGED) from error


def _prepare(file_format: str) -> None:
    """Make Pillow ready for a format."""
    if file_format == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener(decode_threads=_THREADS)
    elif file_format == "AVIF":
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = _THREADS


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; what is damaged counts as 1, upright."""
    exif = picture.info.get("exif") or _profile(picture.info.get("Raw profile type exif", ""))
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    return exif_orientation(exif.removeprefix(b"Exif\0\0")) or xmp_orientation(xmp) or 1


def _profile(text: str) -> bytes:
    """Return what ImageMagick writes into a PNG: hexadecimal, after three lines."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except ValueError:
        return b""


def _reduced(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB, reduced; in bands, so that no full copy is ever made."""
    size_wh = width, height = reduced_size(picture.size)
    if picture.mode == "RGB" and picture.size == size_wh and not picture.has_transparency_data:
        return picture
    white_level = _white_level(picture) if picture.mode.startswith(("I", "F")) else 0.0
    whole = Image.new("RGB", size_wh)
    scale = picture.height / height
    rows = max(1, int(BAND_PIXELS / (picture.width * scale)))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        begin, end = top * scale, min(picture.height, bottom * scale)
        first = math.floor(begin)
        band = picture.crop((0, first, picture.width, math.ceil(end)))
        band = _eight_bit(band, white_level) if white_level else _on_white(band)
        box = (0, begin - first, band.width, end - first)
        whole.paste(band.resize((width, bottom - top), Image.Resampling.BOX, box), (0, top))
    return whole


def _white_level(picture: Image.Image) -> float:
    """Return the level of white in a picture of more than 8 bits, by what is in it.

    Integers have 8, 10, 12 bits or more, whatever the file has room for; of floats, white is the
    brightest but for one in a thousand.
    """
    import numpy as np

    sides = min(picture.width, _SAMPLE_SIDE), min(picture.height, _SAMPLE_SIDE)
    levels = np.asarray(picture.resize(sides, Image.Resampling.NEAREST), np.float64)
    finite = levels[np.isfinite(levels)]
    brightest = float(np.quantile(finite, _BRIGHT_SHARE)) if finite.size else 0.0
    if picture.mode == "F":
        return brightest if brightest > 0 else 1.0
    return float((1 << max(8, int(brightest).bit_length())) - 1)


def _eight_bit(band: Image.Image, white_level: float) -> Image.Image:
    """Return grey of 8 bits; what is not finite is black, or white where it is infinite."""
    import numpy as np

    levels = np.nan_to_num(np.asarray(band, np.float32), nan=0, posinf=white_level, neginf=0)
    levels = np.clip(levels, 0, white_level) * (255 / white_level)
    return Image.fromarray((levels + 0.5).astype(np.uint8))


def _on_white(band: Image.Image) -> Image.Image:
    if band.has_transparency_data:
        layers = band.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")
    return band if band.mode in ("L", "RGB") else band.convert("RGB")


# --- In a process of its own --------------------------------------------------------------------


def decode_apart(
    content: bytes,
    file_format: str,
    need_bytes: int,
    on_wait: Callable[[], object] | None = None,
) -> Pixels:
    """Decode as ``decode`` does, in a process that ends when it takes too much memory or time.

    Memory is limited on Linux, and the processor's time on macOS too; on Windows the process ends
    after two minutes.

    Args:
        content: The file.
        file_format: Pillow's name of its format.
        need_bytes: Memory that decoding it should take at most.
        on_wait: Called five times a second; what it raises ends the process.

    Raises:
        UnreadableImage: It is damaged, or takes more memory or time.
    """
    root = str(Path(__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        # Each thread would reserve room for memory of its own, and count it.
        "MALLOC_ARENA_MAX": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    # "-P": nothing is imported from the folder that the user happens to be in.
    command = [sys.executable, "-P", "-m", __name__, file_format, str(need_bytes)]
    last = time.monotonic() + _MAX_WAIT_S
    output: list[bytes] = []
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, env=env)
    except OSError as error:
        raise UnreadableImage(
            "The picture cannot be decoded: no process can be started."
        ) from error
    with process:
        # communicate() with a timeout forgets what of the input it has not sent yet.
        talk = threading.Thread(target=lambda: output.append(process.communicate(content)[0]))
        talk.start()
        try:
            while True:
                talk.join(_LOOK_EVERY_S)
                if not talk.is_alive():
                    break
                if time.monotonic() > last:
                    raise UnreadableImage(_TOO_LONG)
                if on_wait is not None:
                    on_wait()
        finally:
            process.kill()
            talk.join()
    if process.returncode == -getattr(signal, "SIGXCPU", 0):
        raise UnreadableImage(_TOO_LONG)
    answer = memoryview(b"".join(output))
    if process.returncode or not answer:
        raise UnreadableImage(DAMAGED)
    length = bytes(answer[:_MAX_HEAD_BYTES]).index(b"\n")
    said, data = json.loads(bytes(answer[:length])), answer[length + 1 :]
    if "error" in said:
        raise UnreadableImage(said["error"])
    picture = Image.frombytes("RGB", tuple(said["reduced"]), data)
    return Pixels(picture, tuple(said["size"]), said["orientation"])


def main() -> None:
    """Decode what is on standard input; write a line of JSON and the pixels to standard output."""
    file_format, need_bytes = sys.argv[1], int(sys.argv[2])
    if file_format == "TIFF":
        # The one with greys of more than 8 bits; before the limits, which libraries know not of.
        import numpy  # noqa: F401
    _prepare(file_format)
    _limit(need_bytes)
    data = b""
    try:
        pixels = decode(sys.stdin.buffer.read(), file_format)
        said = {
            "reduced": pixels.picture.size,
            "size": pixels.size_wh,
            "orientation": pixels.orientation,
        }
        data = pixels.picture.tobytes()
    except (UnreadableImage, MemoryError) as error:
        said = {"error": str(error) or DAMAGED}
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + data)


def _limit(need_bytes: int) -> None:
    """Let this process have some seconds, and that much more memory; where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_CPU_S, _MAX_CPU_S + 1))
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = used + need_bytes + _ADDRESS_SPACE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (OSError, ValueError):
        # No Linux, or a limit that is lower already.
        return


if __name__ == "__main__":
    main()
