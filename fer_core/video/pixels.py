"""Pixels of a decoded picture: upright, in square pixels, converted only as far as needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Self

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from fer_core.images import to_gray
from fer_core.types import DetectedFace, FaceBox
from fer_core.video.tones import is_hdr, to_standard

# 8-bit formats whose first plane is the brightness.
_LUMA_FIRST = frozenset(
    f"yuv{kind}{chroma}p" for kind in ("", "j", "a") for chroma in ("420", "422", "444")
) | {"nv12", "nv21", "nv16"}
# AVColorSpace with the weights of cv2's grey; 2 is "unspecified", which swscale takes for the
# same. BT.709 and BT.2020 weigh the colours otherwise.
_BT601 = (2, 5, 6)
# Wider or higher pixels are a damaged header rather than a format.
_MAX_PIXEL_ASPECT = 4
_FULL_RANGE = 2  # AVColorRange
_FULL_FROM_LIMITED = np.clip(np.rint((np.arange(256) - 16.0) * 255 / 219), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Layout:
    """How stored pictures become upright ones.

    Attributes:
        stored_wh: Width and height, in square pixels, before turning.
        swapped: Whether rows become columns.
        mirrored_x: Whether left and right change places, after that.
        mirrored_y: Whether top and bottom do.
    """

    stored_wh: tuple[int, int]
    swapped: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @classmethod
    def of(cls, picture: av.VideoFrame, pixel_aspect: Fraction | None = None) -> Self:
        """Read size and display matrix of a picture.

        FFmpeg's libavutil/display.h: nine int32 ``(a, b, u, c, d, v, x, y, w)``; the stored
        point (p, q) is shown at ``(a p + c q, b p + d q)``. Other angles count as the nearest
        right one.

        Args:
            picture: A decoded picture.
            pixel_aspect: Width of a stored pixel over its height.
        """
        width = picture.width
        if pixel_aspect and 1 / _MAX_PIXEL_ASPECT <= pixel_aspect <= _MAX_PIXEL_ASPECT:
            width = max(1, round(width * pixel_aspect))
        size = (width, picture.height)
        side_data: Any = picture.side_data
        matrix = side_data.get("DISPLAYMATRIX")
        if matrix is None:
            return cls(size)
        a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(size, False, a < 0, d < 0)
        return cls(size, True, c < 0, b < 0)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return (self.stored_wh[1], self.stored_wh[0]) if self.swapped else self.stored_wh

    @property
    def rotation_deg(self) -> int:
        """Degrees clockwise by which stored pictures are turned, apart from mirroring."""
        if self.swapped:
            return 270 if self.mirrored_y else 90
        return 180 if self.mirrored_x and self.mirrored_y else 0

    def turned(self, degrees: int) -> Layout:
        """Return the layout of pictures that are then turned clockwise by 0, 90, 180 or 270."""
        layout = self
        for _ in range(degrees // 90):
            # A quarter turn: rows become columns, then left and right change places.
            layout = replace(
                layout,
                swapped=not layout.swapped,
                mirrored_x=not layout.mirrored_y,
                mirrored_y=layout.mirrored_x,
            )
        return layout

    def upright(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a stored picture ``(H, W)`` or ``(H, W, C)``."""
        if self.swapped:
            image = np.asarray(cv2.transpose(image), np.uint8)
        if self.mirrored_x and self.mirrored_y:
            return np.asarray(cv2.flip(image, -1), np.uint8)
        if self.mirrored_x or self.mirrored_y:
            return np.asarray(cv2.flip(image, 1 if self.mirrored_x else 0), np.uint8)
        return image


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies in one of another shape: in the middle, as large as it fits.

    Attributes:
        outer_wh: Width and height of the whole.
        inner_wh: Width and height of the picture in it.
    """

    outer_wh: tuple[int, int]
    inner_wh: tuple[int, int]

    @classmethod
    def of(cls, own_wh: tuple[int, int], outer_wh: tuple[int, int]) -> Self:
        """Fit a picture of one size into another."""
        scale = min(outer / own for own, outer in zip(own_wh, outer_wh, strict=True))
        width, height = (max(1, round(side * scale)) for side in own_wh)
        return cls(outer_wh, (width, height))

    @property
    def corner_xy(self) -> tuple[int, int]:
        """The picture's upper left corner in the whole."""
        (width, height), (inner_width, inner_height) = self.outer_wh, self.inner_wh
        return (width - inner_width) // 2, (height - inner_height) // 2

    def image(self, own_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture uint8 ``(H, W, 3)`` on black, in the size of the whole."""
        (width, height), (inner_width, inner_height) = self.outer_wh, self.inner_wh
        x, y = self.corner_xy
        whole = np.zeros((height, width, 3), np.uint8)
        whole[y : y + inner_height, x : x + inner_width] = cv2.resize(own_bgr, self.inner_wh)
        return whole

    def face(self, face: DetectedFace, own_width: int) -> DetectedFace:
        """Return a face in pixels of the whole.

        Args:
            face: A face as it was found in the picture alone.
            own_width: Width of the picture that it was found in.
        """
        scaled = face.scaled(self.inner_wh[0] / own_width)
        x, y = self.corner_xy
        if not x and not y:
            return scaled
        x1, y1, x2, y2 = scaled.box.xyxy
        moved = (
            None if scaled.landmarks is None else scaled.landmarks + np.array([x, y], np.float32)
        )
        return replace(scaled, box=FaceBox(x1 + x, y1 + y, x2 + x, y2 + y), landmarks=moved)


def reduced(size_wh: tuple[int, int], longer_side: int | None) -> tuple[int, int]:
    """Return a size with at most ``longer_side`` pixels on its longer side.

    Raises:
        ValueError: ``longer_side`` is below 1.
    """
    if longer_side is None:
        return size_wh
    if longer_side < 1:
        raise ValueError(f"A picture needs at least one pixel, not {longer_side}.")
    scale = min(1.0, longer_side / max(size_wh))
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))


def upright_bgr(
    picture: av.VideoFrame, layout: Layout, longer_side: int | None = None
) -> NDArray[np.uint8]:
    """Return a new uint8 ``(H, W, 3)``, upright, at most ``longer_side`` pixels long.

    Raises:
        ValueError: ``longer_side`` is below 1.
    """
    image_bgr = _converted(picture, reduced(layout.stored_wh, longer_side))
    if is_hdr(picture):
        image_bgr = to_standard(image_bgr, picture.color_trc)
    return layout.upright(image_bgr)


def upright_gray(
    picture: av.VideoFrame, layout: Layout, longer_side: int | None = None
) -> NDArray[np.uint8]:
    """Return a new uint8 ``(H, W)``, upright, within a few levels of ``to_gray(upright_bgr())``.

    Of HDR it has the signals, in which faces are read as well, and faster.

    Raises:
        ValueError: ``longer_side`` is below 1.
    """
    size_wh = reduced(layout.stored_wh, longer_side)
    plane = picture.planes[0]
    if not (
        picture.format.name in _LUMA_FIRST
        and picture.colorspace in _BT601
        and size_wh == (picture.width, picture.height)
        and plane.line_size > 0
    ):
        return layout.upright(to_gray(_converted(picture, size_wh)))
    buffer: Any = plane
    rows = np.frombuffer(buffer, np.uint8, picture.height * plane.line_size)
    luma = rows.reshape(picture.height, plane.line_size)[:, : picture.width]
    if picture.color_range == _FULL_RANGE or picture.format.name.startswith("yuvj"):
        return layout.upright(luma.copy())
    return layout.upright(np.asarray(cv2.LUT(luma, _FULL_FROM_LIMITED), np.uint8))


def _converted(picture: av.VideoFrame, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a stored picture in colours, uint8 ``(H, W, 3)``, not turned."""
    same = (picture.width, picture.height) == size_wh
    # A converter of its own is safe in every thread, and costs microseconds; but on one thread:
    # to start more takes longer than the work.
    converted = VideoReformatter().reformat(
        picture,
        *size_wh,
        "bgr24",
        interpolation=Interpolation.BILINEAR if same else Interpolation.AREA,
        threads=1,
    )
    return np.asarray(converted.to_ndarray(), np.uint8)
