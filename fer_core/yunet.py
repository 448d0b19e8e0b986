"""The YuNet network in two runtimes: ONNX Runtime, and OpenCV where that cannot load it.

Wu et al., 2023, "YuNet: A Tiny Millisecond-level Face Detector". On one core ONNX Runtime needs
less than half of OpenCV's time.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.budget import when_scarce
from fer_core.errors import DetectorUnavailable

logger = logging.getLogger(__name__)

MIN_SCORE = 0.7
_MAX_OVERLAP = 0.3
# Side in pixels of the cells that each of the network's three maps answers for.
_STRIDES = (8, 16, 32)
_HEADS = (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
_OUTPUTS = [f"{head}_{stride}" for stride in _STRIDES for head, _ in _HEADS]
# OpenCV 4.14 pads sides to multiples of 32; where one becomes 32, it reads beyond the smallest
# map and finds faces, even infinite ones, in whatever lies there.
_MIN_SIDE = 64
# Fields of onnx.proto3 that fix sizes: of ModelProto.graph, the shapes in the types of input and
# output, and value_info as a whole. None leaves a field out; a mapping does so inside of it.
_Fields = Mapping[int, "_Fields | None"]
_TYPE_WITHOUT_SHAPE: _Fields = {2: {1: {2: None}}}
_FIXED_SIZES: _Fields = {7: {11: _TYPE_WITHOUT_SHAPE, 12: _TYPE_WITHOUT_SHAPE, 13: None}}
_VARINT, _EIGHT_BYTES, _DELIMITED, _FOUR_BYTES = 0, 1, 2, 5


class YuNet(Protocol):
    """A loaded network; safe to share between threads."""

    def find(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Find faces in a picture at its own size.

        Args:
            image_bgr: uint8 ``(H, W, 3)``; not changed.

        Returns:
            float32 ``(N, 15)``, the best first, in pixels: the box's left, top, width and height;
            x and y of the eye on the left, the eye on the right, the nose, the mouth's corner on
            the left and on the right; the score, ``MIN_SCORE`` to 1.
        """


def load_yunet(path: Path) -> YuNet:
    """Load the network in the fastest runtime that can.

    Args:
        path: OpenCV Zoo's ``face_detection_yunet_2023mar.onnx``, or another export of that
            network, for any size of input.

    Raises:
        DetectorUnavailable: The file is missing or damaged.
    """
    if not path.is_file():
        raise DetectorUnavailable(
            "YuNet's file is not here; `python -m fer_core download` fetches it."
        )
    try:
        return OnnxYuNet(path)
    # A missing or broken installation, a file that is not understood: ONNX Runtime's errors have
    # no class in common, and whatever it is, OpenCV has the last word.
    except Exception as error:
        logger.info("ONNX Runtime cannot load YuNet, OpenCV is tried instead: %s", error)
    return OpenCvYuNet(path)


class OnnxYuNet:
    """YuNet in ONNX Runtime, on the calling thread; finds what ``OpenCvYuNet`` does."""

    def __init__(self, path: Path) -> None:
        """Load the network.

        Raises:
            ImportError: ONNX Runtime is not installed.
            ValueError: The file is no ONNX model, or not that network's.
            Exception: Whatever ONNX Runtime raises on a damaged file.
        """
        # From 1.29 on, ONNX Runtime on Linux reports how it is used to its makers, and leaves a
        # file among the temporary ones, unless this is set before it is imported.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        # Elsewhere this is what ends it.
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; the rest is about how the file was exported
        self._session = onnxruntime.InferenceSession(
            _without_fields(path.read_bytes(), _FIXED_SIZES),
            options,
            providers=["CPUExecutionProvider"],
        )
        self._input = self._session.get_inputs()[0].name
        self._giving_back = onnxruntime.RunOptions()
        self._giving_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        _in_use.add(self)
        # A damaged file can load and fail only when it is used.
        for height, width in ((64, 96), (128, 64)):
            outputs = self._run(np.zeros((1, 3, height, width), np.float32))
            for stride in _STRIDES:
                cells = (height // stride) * (width // stride)
                for head, channels in _HEADS:
                    shape = outputs[f"{head}_{stride}"].shape
                    if shape != (1, cells, channels):
                        raise ValueError(f"{head}_{stride} has the shape {shape}.")

    def find(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Find faces; see ``YuNet.find``."""
        padded = _padded(image_bgr)
        # A third of the time of cv2.dnn.blobFromImage.
        planes = np.empty((1, 3, *padded.shape[:2]), np.float32)
        for plane, channel in zip(planes[0], cv2.split(padded), strict=True):
            plane[:] = channel
        return _without_overlaps(_decoded(self._run(planes), (padded.shape[1], padded.shape[0])))

    def give_memory_back(self) -> None:
        """Free what is kept for the next large picture, which takes a quarter longer then."""
        planes = np.zeros((1, 3, _MIN_SIDE, _MIN_SIDE), np.float32)
        self._session.run(_OUTPUTS, {self._input: planes}, self._giving_back)

    def _run(self, planes: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        outputs = self._session.run(_OUTPUTS, {self._input: planes})
        return dict(zip(_OUTPUTS, outputs, strict=True))


_in_use: weakref.WeakSet[OnnxYuNet] = weakref.WeakSet()


@when_scarce
def give_memory_back() -> None:
    """Have all loaded networks free what they keep for the next large picture.

    It is a hundred megabytes and more for every picture that was searched at once.
    """
    for network in list(_in_use):
        network.give_memory_back()


class OpenCvYuNet:
    """YuNet in ``cv2.FaceDetectorYN``."""

    def __init__(self, path: Path) -> None:
        """Load the network.

        Raises:
            DetectorUnavailable: The file is damaged.
        """
        try:
            self._network = cv2.FaceDetectorYN.create(
                str(path), "", (320, 320), MIN_SCORE, _MAX_OVERLAP
            )
            # A damaged file can load and fail only when it is used.
            self._network.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise DetectorUnavailable(
                f"YuNet's file {path.name} is damaged; remove it and run "
                "`python -m fer_core download`."
            ) from error
        self._lock = threading.Lock()

    def find(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Find faces; see ``YuNet.find``."""
        padded = _padded(image_bgr)
        with self._lock:
            self._network.setInputSize(padded.shape[1::-1])
            rows = self._network.detect(padded)[1]
        return np.empty((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)


def _padded(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture with black below and to its right, for sides of whole largest cells."""
    height, width = image_bgr.shape[:2]
    below, beside = (
        max(_MIN_SIDE, -(-side // _STRIDES[-1]) * _STRIDES[-1]) - side for side in (height, width)
    )
    if not below and not beside:
        return image_bgr
    padded = cv2.copyMakeBorder(image_bgr, 0, below, 0, beside, cv2.BORDER_CONSTANT)
    return np.asarray(padded, np.uint8)


def _decoded(
    outputs: Mapping[str, NDArray[np.float32]], size_wh: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the rows of ``YuNet.find``, unsorted, of all cells that score enough.

    A cell's score is the geometric mean of its two classifiers. Places are offsets from the
    cell's corner in units of the cell, and sides logarithms of that.

    Args:
        outputs: The network's outputs by name, each ``(1, cells, channels)``.
        size_wh: Width and height of the network's input in pixels.
    """
    classes, objects, boxes, points = (
        np.concatenate([outputs[f"{head}_{stride}"][0] for stride in _STRIDES])
        for head, _ in _HEADS
    )
    scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
    found = np.flatnonzero(scores > MIN_SCORE)
    corners, strides = (part[found] for part in _cells(size_wh))
    # A side beyond all pictures becomes infinite, and is left out by whoever reads the rows.
    with np.errstate(over="ignore"):
        sides = np.exp(boxes[found, 2:])
    rows = np.empty((len(found), 15), np.float32)
    rows[:, :2] = strides * (corners + boxes[found, :2] - sides / 2)
    rows[:, 2:4] = strides * sides
    rows[:, 4:14] = strides * (np.tile(corners, 5) + points[found])
    rows[:, 14] = scores[found]
    return rows


@lru_cache(maxsize=32)
def _cells(size_wh: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return all cells' corners ``(N, 2)``, in units of the cell, and strides ``(N, 1)``."""
    corners, strides = [], []
    for stride in _STRIDES:
        across, down = (side // stride for side in size_wh)
        y, x = np.divmod(np.arange(across * down), across)
        corners.append(np.stack([x, y], axis=1))
        strides.append(np.full((across * down, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _without_overlaps(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows, the best first, that overlap no better one: non-maximum suppression."""
    rows = rows[np.argsort(-rows[:, 14], kind="stable")]
    x1, y1, width, height = rows[:, :4].T
    x2, y2, areas = x1 + width, y1 + height, width * height
    left = np.arange(len(rows))
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        across = np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left])
        down = np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        left = left[shared <= _MAX_OVERLAP * (areas[best] + areas[left] - shared)]
    return rows[kept]


def _without_fields(message: bytes, fields: _Fields) -> bytes:
    """Return a protocol buffer's message without some of its fields, or of those inside of them.

    Exports of YuNet have the size of their input written in, which ONNX Runtime insists on,
    although the network itself takes any.

    Raises:
        ValueError: It is no such message.
    """
    kept = bytearray()
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        kind = key & 7
        inside = fields.get(key >> 3, {})
        if kind == _DELIMITED:
            length_at = at
            length, at = _read_varint(message, at)
            body = message[at : at + length]
            at += length
            if inside is None:
                continue
            if inside:
                body = _without_fields(body, inside)
                kept += message[start:length_at] + _varint(len(body)) + body
                continue
        elif kind == _VARINT:
            at = _read_varint(message, at)[1]
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError("The file is no ONNX model.")
        kept += message[start:at]
    if at != len(message):
        raise ValueError("The file is cut off.")
    return bytes(kept)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number of variable length at a place, and the place after it."""
    value = 0
    for position, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            return value, at + position + 1
    raise ValueError("The file is no ONNX model.")


def _varint(value: int) -> bytes:
    """Return a number as protocol buffers write it."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
