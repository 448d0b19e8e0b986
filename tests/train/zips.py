"""Archives of pictures, made in memory."""

from __future__ import annotations

import io
import struct
import zipfile

import cv2
import numpy as np


def zip_of(files: dict[str, bytes], **options: int) -> bytes:
    """Return a .zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def png(face_gray: np.ndarray) -> bytes:
    """Return a picture as the content of a .png."""
    return bytes(cv2.imencode(".png", face_gray)[1])


PNG = png(np.full((48, 48), 90, np.uint8))


def lying_bomb() -> bytes:
    """Return a .zip whose directory says 100 bytes of a file that unpacks to 20 MB."""
    size = 20 << 20
    content = zip_of({"happy/a.png": bytes(size)}, compression=zipfile.ZIP_DEFLATED)
    lie = content.replace(struct.pack("<I", size), struct.pack("<I", 100))
    assert lie != content
    return lie


def many_entries(count: int) -> bytes:
    """Return a .zip that has nothing but a directory of as many entries."""
    name = b"happy/a.png"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, len(name), *[0] * 6)
    directory = (entry + name) * count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(directory), 0, 0)
    return directory + end
