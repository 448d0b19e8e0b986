"""Photos as they come in, and examples: the repository's portraits, and what is made of them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps

from ui.common.images import as_image, as_jpeg, decoded_jpeg

SAMPLES_DIR = Path(__file__).resolve().parents[2] / "assets" / "samples"
_PORTRAITS = {
    "eileen-collins.jpg": ("Eileen Collins", "NASA"),
    "grace-hopper.jpg": ("Grace Hopper", "US Navy"),
}
_THUMBNAIL_WH = (240, 240)
_CLIP_WH, _CLIP_RATE, _CLIP_S = (640, 400), 15, 6


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo as it came in: its name and the content of its file."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Example:
    """Something to try.

    Attributes:
        title: What it is.
        source: Whom it is from.
        upload: The photo; None for the clip, which ``sample_clip`` makes when it is asked for.
        thumbnail: A square of it, as a JPEG.
    """

    title: str
    source: str
    upload: Upload | None
    thumbnail: bytes


def sample_uploads() -> list[Upload]:
    """Return the sample photos of the repository."""
    return [Upload(path.name, path.read_bytes()) for path in sorted(SAMPLES_DIR.glob("*.jpg"))]


@cache
def examples() -> tuple[Example, ...]:
    """Return what visitors can try: each portrait, both in one picture, and a clip of both."""
    portraits = [
        Example(*_PORTRAITS[upload.name], upload, _thumbnail(decoded_jpeg(upload.content)))
        for upload in sample_uploads()
    ]
    both = Upload("two-portraits.jpg", as_jpeg(as_image(_side_by_side())))
    halves = [
        decoded_jpeg(one.thumbnail)[:, _THUMBNAIL_WH[0] // 4 : -_THUMBNAIL_WH[0] // 4]
        for one in portraits
    ]
    both_thumbnail = as_jpeg(as_image(np.hstack(halves)))
    return (
        *portraits,
        Example("Two people", "Both portraits", both, both_thumbnail),
        Example("A clip", f"{_CLIP_S} seconds, made here", None, both_thumbnail),
    )


@cache
def sample_clip() -> Upload:
    """Return an MP4 in which the camera turns over both portraits, nears them and leaves."""
    # PyAV is for those who want a video.
    import av

    content = io.BytesIO()
    with av.open(content, "w", "mp4") as container:
        stream = container.add_stream("libx264", rate=_CLIP_RATE)
        stream.width, stream.height = _CLIP_WH
        stream.pix_fmt = "yuv420p"
        count = _CLIP_S * _CLIP_RATE
        for number in range(count):
            frame_bgr = _clip_frame(number / count)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_bgr, "bgr24")))
        container.mux(stream.encode())
    return Upload("two-portraits.mp4", content.getvalue())


@cache
def _side_by_side() -> NDArray[np.uint8]:
    pictures = [decoded_jpeg(upload.content) for upload in sample_uploads()]
    height = min(len(picture) for picture in pictures)
    return np.hstack([picture[:height] for picture in pictures])


def _clip_frame(part: float) -> NDArray[np.uint8]:
    """Return the frame at a part of the clip, 0 to 1, BGR."""
    image = _side_by_side()
    (height, width), (shown_width, shown_height) = image.shape[:2], _CLIP_WH
    phase = 2 * np.pi * part
    zoom = shown_width / width * (1.15 + 0.25 * np.sin(phase))
    matrix = cv2.getRotationMatrix2D((width / 2, height * 0.4), 12 * np.sin(2 * phase), zoom)
    matrix[:, 2] += (shown_width - width) / 2, shown_height / 2 - height * 0.4
    shown = cv2.warpAffine(image, matrix, _CLIP_WH, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown, np.uint8)


def _thumbnail(image_bgr: NDArray[np.uint8]) -> bytes:
    return as_jpeg(ImageOps.fit(as_image(image_bgr), _THUMBNAIL_WH))
