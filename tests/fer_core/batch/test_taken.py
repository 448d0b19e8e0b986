"""The time at which a photo was taken, in every format that holds EXIF, and in damaged ones."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from fer_core.batch.taken import taken_at
from tests.fer_core.conftest import encoded


def exif_with(text: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 1
    exif.get_ifd(0x8769)[0x9003] = text
    return exif.tobytes()


PICTURE = Image.fromarray(np.zeros((32, 32, 3), np.uint8))
EXIF = exif_with("2024:05:06 07:08:09")


@pytest.mark.parametrize("kind", ["JPEG", "HEIF"])
def test_formats(kind: str) -> None:
    assert taken_at(encoded(PICTURE, kind, exif=EXIF)) == datetime(2024, 5, 6, 7, 8, 9)


def test_the_order_of_bytes_is_the_files_own() -> None:
    swapped = bytes.fromhex(
        "457869660000 4d4d002a00000008 0001 87690004000000010000001a 00000000"
        "0001 900300020000001400000030 00000000"
    )
    assert taken_at(swapped.ljust(54, b"\0") + b"1999:12:31 23:59:59\0") == datetime(
        1999, 12, 31, 23, 59, 59
    )


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0" + b"II*\0\xff\xff\xff\xff",
        encoded(PICTURE, "JPEG"),
        encoded(PICTURE, "JPEG", exif=exif_with("    :  :     :  :  ")),
        encoded(PICTURE, "JPEG", exif=exif_with("2024:13:40 25:61:61")),
        *(EXIF[:length] for length in range(0, len(EXIF), 7)),
    ],
)
def test_none_where_the_file_does_not_say(head: bytes) -> None:
    assert taken_at(head) is None
