"""The reading of one input, photo or video, into the rows of the three tables."""

from __future__ import annotations

import argparse
import io
import logging
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import cv2
import numpy as np
import pyarrow as pa

from fer_core.batch.findings import Faces, Finding, failed, modified_utc, row_of
from fer_core.batch.plan import AS_A_WHOLE, NO_PIECE, Input, PiecedVideo, VideoPiece
from fer_core.batch.schema import FAILED, SKIPPED, VIDEO, faces_schema
from fer_core.batch.stores import folder_of, is_remote, named_errors, opened, path_of
from fer_core.batch.taken import taken_at
from fer_core.commands import failure_of, load_classifier
from fer_core.detection import FaceDetector, load_detector
from fer_core.errors import FerError, StoreError
from fer_core.images import MAX_FILE_BYTES, read_image
from fer_core.pipeline import analyze_image
from fer_core.types import FaceReading

if TYPE_CHECKING:  # PyAV and pandas are imported with the first video
    from fer_core.video.analysis import VideoOptions, VideoResult
    from fer_core.video.pieces import Piece

logger = logging.getLogger(__name__)

_HEAD_BYTES = 1 << 20
_DAMAGE_OF_PHOTOS = "The end of the file is missing."


_Source = Path | BinaryIO


@dataclass(frozen=True, slots=True)
class Settings:
    """What the readings of a data set depend on.

    Attributes:
        detector: Name of what finds the faces.
        classes: "7" or "6".
        reading: What the probabilities mean, one of ``fer_core.readings.READINGS``.
        threshold: Confidence below which a verdict is uncertain, 0 to 1.
        fps: Analysed frames a second of videos, or None for every frame.
        smoothing_s: Time constant of the smoothing in videos, in seconds.
    """

    detector: str
    classes: str
    reading: str
    threshold: float
    fps: float | None
    smoothing_s: float


class InputReader:
    """Reads inputs one after the other with one detector and one network."""

    def __init__(self, settings: Settings) -> None:
        """Load what reads.

        Raises:
            DetectorUnavailable: The detector's file is missing or damaged.
            ModelError: The network cannot be loaded.
        """
        cv2.setNumThreads(1)  # every core has a reader of its own
        self._settings = settings
        self._cut: tuple[Input | None, list[Piece], int] = None, [], 0
        self._detector = load_detector(settings.detector)
        self._classifier = load_classifier(
            argparse.Namespace(classes=settings.classes, reading=settings.reading)
        )

    def read(self, question: Input | VideoPiece | PiecedVideo) -> Finding | bytes:
        """Read one input; what is wrong with it becomes a sentence.

        Returns:
            What is found; of a piece its reading, ``AS_A_WHOLE`` or ``NO_PIECE``.
        """
        if isinstance(question, VideoPiece):
            return self._piece(question)
        item = question.input if isinstance(question, PiecedVideo) else question
        began = time.perf_counter()
        if item.status == SKIPPED:
            finding = Finding(row_of(item), [])
        elif item.status == FAILED:
            finding = failed(item, item.error, item.reason)
        else:
            try:
                found, faces = (
                    self._joined(question)
                    if isinstance(question, PiecedVideo)
                    else self.read_file(item)
                )
                finding = Finding(row_of(item) | found, faces)
            except Exception as failure:
                sentence = failure_of(Path(path_of(item.address)), failure)
                foreseen = isinstance(failure, FerError | OSError)
                trace = None if foreseen else "".join(traceback.format_exception(failure))
                if isinstance(failure, StoreError):
                    # It may be as good as ever: the next run reads it, as one that changed.
                    item = replace(item, modified_us=0)
                finding = failed(item, type(failure).__name__, sentence, trace)
        return replace(finding, file=finding.file | {"spent_s": time.perf_counter() - began})

    def read_file(self, item: Input) -> tuple[dict[str, Any], Faces]:
        """Return what is to say of a file in ``files``, and its rows of ``faces``.

        Raises:
            FerError: It cannot be read.
            OSError: It is not there, or may not be opened.
        """
        with _on_this_machine(item) as source:
            return self._video(item, source) if item.kind == VIDEO else self._photo(item, source)

    def _photo(self, item: Input, source: _Source) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        photo = read_image(source)
        frame = analyze_image(photo.image_bgr, detector=self._detector, classifier=self._classifier)
        taken = taken_at(_head(source))
        moment = taken or _without_zone(modified_utc(item))
        shared = {"path": item.address, "folder": folder_of(item.address), "moment": moment}
        faces = [
            {**shared, "face": number, **self._face(face)}
            for number, face in enumerate(frame.faces, start=1)
        ]
        found = {
            "taken": taken,
            "width": frame.size_wh[0],
            "height": frame.size_wh[1],
            "turned_deg": frame.turned_deg,
            "damage": _DAMAGE_OF_PHOTOS if photo.incomplete else None,
            "faces": len(faces),
        }
        return found, faces

    def _face(self, face: FaceReading) -> dict[str, Any]:
        points = face.landmarks
        return {
            **dict(zip(("x1", "y1", "x2", "y2"), face.box.xyxy, strict=True)),
            "score": face.score,
            "verdict": face.verdict(self._settings.threshold),
            "confidence": face.confidence,
            **face.probabilities,
            "quality": " ".join(item.code for item in face.quality),
            "landmarks": None if points is None else points.ravel().tolist(),
        }

    def _video(self, item: Input, source: _Source) -> tuple[dict[str, Any], pa.Table]:
        from fer_core.video.analysis import analyze_video

        result = analyze_video(
            source,
            classifier=self._classifier,
            make_detector=self._make_detector,
            options=self._options,
        )
        return self._rows_of(item, result)

    def _piece(self, piece: VideoPiece) -> bytes:
        """Read a piece of a video; whoever reads all of it says what is wrong."""
        from fer_core.video.pieces import cut, find_turn, read_piece
        from fer_core.video.source import VideoSource

        try:
            with _in_its_place(piece.input) as source:
                # The next one is most likely of the same video.
                if self._cut[0] != piece.input:
                    with VideoSource(source) as video:
                        pieces = cut(video, self._options, piece.count)
                        if len(pieces) > 1:
                            find_turn(video, self._make_detector, self._options)
                        self._cut = piece.input, pieces, video.facts.turned_deg
                _, pieces, turned_deg = self._cut
                if len(pieces) < 2:
                    return AS_A_WHOLE
                if piece.number >= len(pieces):
                    return NO_PIECE
                reading = read_piece(
                    source,
                    pieces[piece.number],
                    turned_deg=turned_deg,
                    classifier=self._classifier,
                    make_detector=self._make_detector,
                    options=self._options,
                )
            return reading.to_bytes() if reading.is_sound else AS_A_WHOLE
        except Exception:
            logger.debug("%s: a piece cannot be read", piece.input.address, exc_info=True)
            return AS_A_WHOLE

    def _joined(self, pieced: PiecedVideo) -> tuple[dict[str, Any], Faces]:
        from fer_core.video.pieces import PieceReading, join

        readings = [PieceReading.from_bytes(one) for one in pieced.readings if one != NO_PIECE]
        result = join(readings, self._options)
        if result is None:
            return self.read_file(pieced.input)
        return self._rows_of(pieced.input, result)

    def _make_detector(self) -> FaceDetector:
        return load_detector(self._settings.detector)

    @property
    def _options(self) -> VideoOptions:
        from fer_core.video.analysis import VideoOptions

        settings = self._settings
        return VideoOptions(
            fps=settings.fps, threshold=settings.threshold, smoothing_s=settings.smoothing_s
        )

    def _rows_of(self, item: Input, result: VideoResult) -> tuple[dict[str, Any], pa.Table]:
        settings = self._settings
        timeline, facts = result.timeline, result.facts
        smoothed, verdicts = timeline.smoothed(settings.smoothing_s, settings.threshold)
        count, rows = len(timeline.row), timeline.row
        moment = _without_zone(modified_utc(item))
        boxes = timeline.boxes_xyxy.reshape(-1, 4)
        # Faces of a frame are numbered from 1 as those of a photo are.
        first = np.searchsorted(rows, rows)
        columns: dict[str, Any] = {
            "path": pa.repeat(item.address, count),
            "folder": pa.repeat(folder_of(item.address), count),
            "moment": pa.repeat(pa.scalar(moment, pa.timestamp("us")), count),
            "face": np.arange(count) - first + 1,
            "frame": timeline.frame_index[rows],
            "seconds": timeline.time_s[rows],
            "person": timeline.person,
            **{name: boxes[:, n] for n, name in enumerate(("x1", "y1", "x2", "y2"))},
            "score": timeline.score,
            "verdict": verdicts.tolist(),
            "confidence": smoothed.max(axis=1, initial=0),
        }
        for k, label in enumerate(timeline.labels):
            columns[label] = timeline.probabilities[:, k]
            columns[f"{label}_smoothed"] = smoothed[:, k]
        found = {
            "width": facts.size_wh[0],
            "height": facts.size_wh[1],
            "turned_deg": facts.turned_deg,
            "damage": result.damage,
            "frames": len(timeline.frame_index),
            "seconds": facts.duration_s,
            "faces": count,
            "persons": len(timeline.persons()),
        }
        return found, table_of(columns, faces_schema(timeline.labels))


def table_of(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    """Return columns as a table; those that are missing are empty."""
    count = len(next(iter(columns.values())))
    return pa.table(
        [
            pa.array(columns[field.name]).cast(field.type)
            if field.name in columns
            else pa.nulls(count, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _without_zone(time_utc: datetime | None) -> datetime | None:
    return time_utc and time_utc.replace(tzinfo=None)


def _head(source: _Source) -> bytes:
    if isinstance(source, Path):
        with source.open("rb") as file:
            return file.read(_HEAD_BYTES)
    source.seek(0)
    return source.read(_HEAD_BYTES)


@contextmanager
def _in_its_place(item: Input) -> Iterator[_Source]:
    """Provide a video's path, or what reads of a store's file the parts that are wanted."""
    from fer_core.video.fileview import FarView

    if not is_remote(item.address):
        yield Path(path_of(item.address))
        return
    filesystem, path = opened(item.address)
    with filesystem.open_input_file(path) as file:
        yield cast(BinaryIO, FarView(file.read_at, file.size()))


@contextmanager
def _on_this_machine(item: Input) -> Iterator[_Source]:
    """Provide a file's path, or its content where it comes from a store."""
    if not is_remote(item.address):
        yield Path(path_of(item.address))
        return
    filesystem, path = opened(item.address)
    # A video is read here and there, which a store answers slowly, and need not fit in memory.
    with TemporaryFile() if item.kind == VIDEO else io.BytesIO() as copy:
        with named_errors("The file"), filesystem.open_input_stream(path) as file:
            if item.kind == VIDEO:
                shutil.copyfileobj(file, copy, _HEAD_BYTES)
                copy.flush()  # its readers see nothing of what is left in the buffer
            else:
                copy.write(file.read(MAX_FILE_BYTES + 1))
                copy.seek(0)
        yield copy
