"""Readings as plain data, for JSON and CSV; nothing is rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fer_core.types import FaceReading, Frame


def frame_record(frame: Frame, path: str, original_size_wh: tuple[int, int]) -> dict[str, Any]:
    """Returns a photo's readings as JSON-ready data.

    Args:
        frame: What was found.
        path: The picture's name.
        original_size_wh: Size of the file's picture; boxes are in pixels of ``size``, which is
            smaller for very large pictures.
    """
    return {
        "path": path,
        "size": list(frame.size_wh),
        "original_size": list(original_size_wh),
        "faces": [_face_record(face) for face in frame.faces],
    }


def _face_record(face: FaceReading) -> dict[str, Any]:
    landmarks = face.face.landmarks
    return {
        "box": list(face.face.box.xyxy),
        "score": face.face.score,
        # JSON has no NaN: a landmark that was not found is null.
        "landmarks": None
        if landmarks is None
        else [None if np.isnan(point).any() else point.tolist() for point in landmarks],
        "probabilities": dict(zip(face.labels, face.probabilities.tolist(), strict=True)),
        "verdict": face.verdict,
        "confidence": face.confidence,
        "quality": [{"code": item.code, "reason": item.reason} for item in face.quality],
    }


def face_rows(frame: Frame, path: str) -> list[dict[str, Any]]:
    """Returns a flat row a face, with the columns of ``row_columns``; none without faces."""
    return [
        {
            "path": path,
            "face": number,
            **dict(zip(("x1", "y1", "x2", "y2"), face.face.box.xyxy, strict=True)),
            "score": face.face.score,
            "verdict": face.verdict,
            "confidence": face.confidence,
            **dict(zip(face.labels, face.probabilities.tolist(), strict=True)),
            "quality": " ".join(item.code for item in face.quality),
        }
        for number, face in enumerate(frame.faces, start=1)
    ]


def row_columns(labels: Sequence[str]) -> list[str]:
    """Returns the columns of ``face_rows`` for a class set's labels."""
    before = ["path", "face", "x1", "y1", "x2", "y2", "score", "verdict", "confidence"]
    return [*before, *labels, "quality"]


def rows_to_csv(rows: Iterable[dict[str, Any]], labels: Sequence[str]) -> str:
    """Returns a CSV table with a header, also when there are no rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, row_columns(labels), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
