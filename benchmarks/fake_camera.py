"""A camera for Chromium that shows a real face, with a number in every frame.

Chromium's fake camera plays a file again and again, raw YUV4MPEG2 at the rate that its header
names. Each frame carries its number as a row of black and white squares, so that a script in the
page can tell when a frame was taken and when it came back.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

FRAME_RATE = 30
SQUARE = 16
# The first square is white and the last one black, which tells a mirrored picture.
BITS = 10
SQUARES = BITS + 2
CHROMIUM_FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # Without it the browser hides its addresses behind names that no server here can resolve.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


def write_camera(
    pictures: Iterable[NDArray[np.uint8]],
    target: Path,
    *,
    numbered: bool = True,
    rate: int = FRAME_RATE,
) -> Path:
    """Write a file for ``--use-file-for-fake-video-capture``.

    Args:
        pictures: Frames, uint8 ``(H, W, 3)`` with even sides, all of one size; at most 1024 when
            they are numbered.
        target: Where to write; 640x480 takes 0.5 MB a frame.
        numbered: Whether each frame shows its number.
        rate: Frames a second.

    Returns:
        ``target``.

    Raises:
        ValueError: There are more frames than numbers.
    """
    with target.open("wb") as file:
        for number, picture in enumerate(pictures):
            if number == 0:
                height, width = picture.shape[:2]
                header = f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n"
                file.write(header.encode())
            frame = picture.copy()
            if numbered:
                draw_number(frame, number)
            file.write(b"FRAME\n")
            file.write(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    return target


def draw_number(image_bgr: NDArray[np.uint8], number: int) -> None:
    """Draw a number as squares in the middle of the lower edge, in place.

    Raises:
        ValueError: There are no such numbers.
    """
    if not 0 <= number < 2**BITS:
        raise ValueError(f"Numbers go from 0 to {2**BITS - 1}, not to {number}.")
    squares = [1, *(number >> bit & 1 for bit in reversed(range(BITS))), 0]
    top = image_bgr.shape[0] - SQUARE
    left = (image_bgr.shape[1] - SQUARES * SQUARE) // 2
    for place, white in enumerate(squares):
        x = left + place * SQUARE
        image_bgr[top:, x : x + SQUARE] = 255 * white


def clip_pictures(
    clip: Path, *, frames: int, size_wh: tuple[int, int] = (640, 480), faces: int = 1
) -> Iterator[NDArray[np.uint8]]:
    """Yield pictures of a clip, from its beginning and again as needed.

    Args:
        clip: A video with one face in its middle.
        frames: How many pictures.
        size_wh: Their size in pixels.
        faces: How often the face stands side by side.
    """
    width, height = size_wh
    edges = np.linspace(0, width, faces + 1).astype(int)
    taken = 0
    while taken < frames:
        with av.open(str(clip)) as container:
            for frame in itertools.islice(container.decode(video=0), frames - taken):
                image = frame.to_ndarray(format="bgr24")
                # The middle of the clip, in the shape of one face's part.
                part = min(1.0, width / faces / height * image.shape[0] / image.shape[1])
                margin = int((1 - part) / 2 * image.shape[1])
                middle = image[:, margin : image.shape[1] - margin]
                yield np.hstack(
                    [cv2.resize(middle, (int(b - a), height)) for a, b in itertools.pairwise(edges)]
                )
                taken += 1


def portrait_pictures(photos: Sequence[Path], *, frames: int) -> Iterator[NDArray[np.uint8]]:
    """Yield pictures of portraits side by side, 640x480, that come nearer and go back.

    Args:
        photos: One or more portraits.
        frames: How many pictures.
    """
    width = 640 // len(photos) // 2 * 2
    loaded = [cv2.imread(str(photo)) for photo in photos]
    for number in range(frames):
        zoom = 1.1 + 0.1 * np.sin(2 * np.pi * number / frames)
        parts = []
        for image in loaded:
            scale = zoom * max(width / image.shape[1], 480 / image.shape[0])
            shift = np.float32(
                [
                    [scale, 0, (width - scale * image.shape[1]) / 2],
                    [0, scale, 0],
                ]
            )
            parts.append(cv2.warpAffine(image, shift, (width, 480)))
        yield np.hstack(parts)
