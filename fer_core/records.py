"""Readings as plain data, for JSON and CSV; nothing is rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fer_core.labels import DEFAULT_THRESHOLD
from fer_core.types import FaceReading, Frame


def frame_record(
    frame: Frame,
    path: str,
    original_size_wh: tuple[int, int],
    *,
    threshold: float = DEFAULT_THRESHOLD,
) -> dict[str, Any]:
    """Return a photo's readings as JSON-ready data.

    Args:
        frame: What was found.
        path: The picture's name.
        original_size_wh: Size of the file's picture; boxes are in pixels of ``size``, which is
            smaller for very large pictures, and turned by ``turned_deg`` where that is not 0.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
    """
    return {
        "path": path,
        "size": list(frame.size_wh),
        "original_size": list(original_size_wh),
        "turned_deg": frame.turned_deg,
        "faces": [_face_record(face, threshold) for face in frame.faces],
    }


def _face_record(face: FaceReading, threshold: float) -> dict[str, Any]:
    landmarks = face.landmarks
    return {
        "box": list(face.box.xyxy),
        "score": face.score,
        # JSON has no NaN: a landmark that was not found is null.
        "landmarks": None
        if landmarks is None
        else [None if np.isnan(point).any() else point.tolist() for point in landmarks],
        "probabilities": dict(face.probabilities),
        "verdict": face.verdict(threshold),
        "confidence": face.confidence,
        "quality": [{"code": item.code, "reason": item.reason} for item in face.quality],
    }


def face_rows(
    frame: Frame, path: str, *, threshold: float = DEFAULT_THRESHOLD
) -> list[dict[str, Any]]:
    """Return one flat row per face, with the columns of ``row_columns``; none without faces.

    Args:
        frame: What was found.
        path: The picture's name.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
    """
    return [
        {
            "path": path,
            "face": number,
            **dict(zip(("x1", "y1", "x2", "y2"), face.box.xyxy, strict=True)),
            "score": face.score,
            "verdict": face.verdict(threshold),
            "confidence": face.confidence,
            **face.probabilities,
            "quality": " ".join(item.code for item in face.quality),
            "turned_deg": frame.turned_deg,
        }
        for number, face in enumerate(frame.faces, start=1)
    ]


def row_columns(labels: Sequence[str]) -> list[str]:
    """Return the columns of ``face_rows`` for a class set's labels."""
    before = ["path", "face", "x1", "y1", "x2", "y2", "score", "verdict", "confidence"]
    return [*before, *labels, "quality", "turned_deg"]


def rows_to_csv(rows: Iterable[dict[str, Any]], labels: Sequence[str]) -> str:
    """Return a CSV table with a header, also when there are no rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, row_columns(labels), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
