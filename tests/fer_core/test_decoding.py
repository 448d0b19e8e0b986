"""Decoding in a process of its own, which is bounded and can be ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core import decoding
from fer_core.decoding import decode, decode_apart
from fer_core.errors import UnreadableImage
from fer_core.headers import read_header
from tests.conftest import ROOT
from tests.fer_core import hostile
from tests.fer_core.conftest import encoded

# Five million runs of one pixel, which Pillow takes one by one.
SLOW = hostile.bmp(4_000, 4_000, bits=8, rle=b"\x01\x07" * 5_000_000)


def test_a_process_gives_what_is_decoded_here() -> None:
    picture = Image.effect_noise((5_000, 50), 60).convert("RGBA")
    content = encoded(picture, "TIFF", compression="tiff_lzw")
    here, apart = (
        decode(content, "TIFF"),
        decode_apart(content, "TIFF", read_header(content).need_bytes),
    )
    assert here.picture.size == (4096, 41)
    assert (np.asarray(apart.picture) == np.asarray(here.picture)).all()
    assert (apart.size_wh, apart.orientation) == (here.size_wh, here.orientation)


def test_200_megapixels_are_decoded_at_half_their_size() -> None:
    content = hostile.jpeg(16_320, 12_240)
    pixels = decode(b"".join(read_header(content).parts), "JPEG")
    assert (pixels.picture.size, pixels.size_wh) == ((4096, 3072), (16_320, 12_240))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory")
def test_a_process_that_takes_more_than_its_header_says() -> None:
    content = hostile.tiff_of_equal_strips(9_000, 100)
    with pytest.raises(UnreadableImage, match="damaged"):
        decode_apart(content, "TIFF", 10_000_000)


def test_a_process_ends_when_nobody_waits_for_it() -> None:
    class GaveUpError(Exception):
        pass

    def give_up() -> None:
        raise GaveUpError

    with pytest.raises(GaveUpError):
        decode_apart(SLOW, "BMP", 300_000_000, give_up)


def test_a_process_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_MAX_WAIT_S", 0)
    with pytest.raises(UnreadableImage, match="takes too long"):
        decode_apart(SLOW, "BMP", 300_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory and Linux's /proc")
def test_hostile_files_in_bounded_memory(tmp_path: Path) -> None:
    files = {
        "108 megapixels": hostile.jpeg(12_000, 9_000),
        "60 megapixels": hostile.jpeg(8_000, 7_500),
        "WebP": hostile.webp(),
        "strips": hostile.tiff_of_strips(1_000_000),
        "equal strips": hostile.tiff_of_equal_strips(2_000, 2_000_000),
        "tags": hostile.tiff_of_tags(2_000, 1_000_000),
        "tile": hostile.tiff_of_tiles(40_000),
        "scans": hostile.jpeg_of_scans(1600, 1200, 2_000),
        "segments": hostile.jpeg_of_segments(120_000),
        "EXIF": hostile.jpeg_of_segments(1, hostile.exif_of_entries(4_800)),
        "PNG": hostile.png(9_999, 9_999, bits=16, color=6),
        "chunks": hostile.png(64, 64, extra=hostile.png_chunk(b"prVt") * 120_000),
        "GIF": hostile.gif(64, 64, frame=(60_000, 60_000)),
        "BMP": hostile.bmp(9_999, 9_999),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    script = """
import json, re, resource, sys
from pathlib import Path
from fer_core.budget import shared_budget
from fer_core.errors import UnreadableImage
from fer_core.images import read_image
def of_process(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
shared_budget()
before = of_process("VmHWM")
resource.setrlimit(resource.RLIMIT_AS, (of_process("VmSize") + 600_000_000,) * 2)
said = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        said[path.name] = read_image(path).image_bgr.shape
    except UnreadableImage as error:
        said[path.name] = str(error)
print(json.dumps([said, of_process("VmHWM") - before]))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    said, peak_bytes = json.loads(output)
    read = {name: shape for name, shape in said.items() if isinstance(shape, list)}
    assert read == {
        "108 megapixels": [3072, 4096, 3],
        "60 megapixels": [3840, 4096, 3],
        "equal strips": [2000, 2000, 3],
        "EXIF": [64, 64, 3],
    }
    assert peak_bytes < 500_000_000
