"""A small archive, as ``facial-emotions batch`` leaves one: photos, a video, and its data set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from fer_core.batch.dataset import Dataset
from fer_core.batch.reading import table_of
from fer_core.batch.schema import ERRORS, FACES, FILES, PHOTO, VIDEO
from fer_core.labels import FER7

YEARS = (2019, 2020, 2021)
# Photos a folder, each with one face; those of the last year are all happy.
PHOTOS = 20
SIZE_WH = (320, 240)
FRAMES = 40


@dataclass(frozen=True, slots=True)
class Archive:
    """Files, and the data set that was made of them."""

    files: Path
    readings: Path


def write_archive(folder: Path, clip: bytes | None = None) -> Archive:
    """Write an archive.

    Args:
        folder: An empty one.
        clip: The content of its video; without, the video is only in the data set.
    """
    files, readings = folder / "files", folder / "readings"
    note = {"labels": list(FER7.labels), "reading": "people", "threshold": 0.45}
    dataset = Dataset(str(readings), note, FER7.labels)
    dataset.begin()
    for n, year in enumerate(YEARS):
        dataset.write(f"year-{year}", PHOTO, _photos(dataset, files / str(year), year, n))
    dataset.write("video", VIDEO, _video(dataset, files / "talk" / "talk.mp4", clip))
    return Archive(files, readings)


def _photos(dataset: Dataset, folder: Path, year: int, n: int) -> dict[str, pa.Table]:
    folder.mkdir(parents=True)
    faces, files = [], []
    for number in range(PHOTOS):
        path = folder / f"{number:02}.jpg"
        Image.new("RGB", SIZE_WH, (60 + 60 * n, 4 * number, 120)).save(path)
        moment = datetime(year, 1 + number % 12, 1 + number, 12)
        os.utime(path, (moment.timestamp(),) * 2)
        verdict = "happy" if year == YEARS[-1] else (*FER7.labels, "uncertain")[number % 8]
        confidence = 0.3 if verdict == "uncertain" else 0.5 + number / 50
        faces.append(
            {
                "path": str(path),
                "folder": str(folder),
                "moment": moment,
                "face": 1,
                "x1": 100.0,
                "y1": 60.0,
                "x2": 200.0,
                "y2": 180.0,
                "score": 0.9,
                "verdict": verdict,
                "confidence": confidence,
                **_probabilities(verdict, confidence),
                "quality": "",
                "landmarks": [1.0, 2.0],
            }
        )
        files.append(_file(path, "read", faces=1))
    bad = folder / "=bad.jpg"
    bad.write_bytes(b"This is no picture.")
    files.append(_file(bad, "failed", reason="The file is not a picture."))
    error = {"path": str(bad), "error": "UnreadableImage", "message": "It is no picture."}
    return _tables(dataset, faces, files, [error])


def _video(dataset: Dataset, path: Path, clip: bytes | None) -> dict[str, pa.Table]:
    path.parent.mkdir(parents=True)
    if clip is not None:
        path.write_bytes(clip)
    faces = []
    for n in range(FRAMES):
        for person in (1, 2):
            verdict = "sad" if person == 1 else "happy"
            read = _probabilities(verdict, 0.7)
            faces.append(
                {
                    "path": str(path),
                    "folder": str(path.parent),
                    "moment": datetime(2022, 5, 4, 12),
                    "face": person,
                    "frame": n,
                    "seconds": n / 10,
                    "person": person,
                    "x1": 10.0,
                    "y1": 10.0,
                    "x2": 40.0,
                    "y2": 40.0,
                    "score": 0.8,
                    "verdict": verdict,
                    "confidence": 0.7,
                    **read,
                    **{f"{label}_smoothed": value for label, value in read.items()},
                }
            )
    size_wh = (64, 48)
    file = _file(path, "read", size_wh=size_wh, faces=len(faces), persons=2, seconds=FRAMES / 10)
    return _tables(dataset, faces, [file], [])


def _probabilities(verdict: str, confidence: float) -> dict[str, float]:
    leader = verdict if verdict in FER7.labels else "sad"
    rest = (1 - confidence) / 6
    return {label: confidence if label == leader else rest for label in FER7.labels}


def _file(
    path: Path, status: str, *, size_wh: tuple[int, int] = SIZE_WH, **more: Any
) -> dict[str, Any]:
    stat = path.stat() if path.exists() else None
    return {
        "path": str(path),
        "folder": str(path.parent),
        "status": status,
        "bytes": stat.st_size if stat else 0,
        "modified": datetime.fromtimestamp(stat.st_mtime, UTC) if stat else None,
        "width": size_wh[0],
        "height": size_wh[1],
        "turned_deg": 0,
        **more,
    }


def _tables(
    dataset: Dataset,
    faces: list[dict[str, Any]],
    files: list[dict[str, Any]],
    errors: list[dict[str, Any]],
) -> dict[str, pa.Table]:
    rows = {FACES: faces, FILES: files, ERRORS: errors}
    schemas = dataset.schemas()
    return {
        table: table_of(
            {name: [row.get(name) for row in own] for name in schemas[table].names}, schemas[table]
        )
        for table, own in rows.items()
        if own
    }
