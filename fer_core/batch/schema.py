"""The tables that a data set has: their columns, and what is noted in every file of them.

``docs/BATCH.md`` says in words what is here. Who changes a column counts ``VERSION`` up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

VERSION = 1
# In the order in which a part's files are written: with the last one it is complete.
FACES, ERRORS, FILES = TABLES = ("faces", "errors", "files")
PHOTO, VIDEO = KINDS = ("photo", "video")
READ, FAILED, SKIPPED = "read", "failed", "skipped"
METADATA_KEY = b"facial-emotions"

# Not in nanoseconds, which Spark does not read.
_TIME, _LOCAL_TIME = pa.timestamp("us", "UTC"), pa.timestamp("us")
_WORDS = pa.dictionary(pa.int32(), pa.string())


def faces_schema(labels: Sequence[str]) -> pa.Schema:
    """Return the columns of ``faces``: one row per face of a photo or of a video's frame."""
    floats = [(name, pa.float32()) for name in ("x1", "y1", "x2", "y2", "score")]
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            ("folder", _WORDS),
            ("moment", _LOCAL_TIME),
            ("face", pa.int32()),
            ("frame", pa.int64()),
            ("seconds", pa.float64()),
            ("person", pa.int32()),
            *floats,
            ("verdict", _WORDS),
            ("confidence", pa.float32()),
            *((label, pa.float32()) for label in labels),
            *((f"{label}_smoothed", pa.float32()) for label in labels),
            ("quality", _WORDS),
            ("landmarks", pa.list_(pa.float32())),
        ]
    )


def files_schema() -> pa.Schema:
    """Return the columns of ``files``: exactly one row per input."""
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            ("folder", _WORDS),
            pa.field("status", _WORDS, nullable=False),
            ("reason", pa.string()),
            ("bytes", pa.int64()),
            ("modified", _TIME),
            ("taken", _LOCAL_TIME),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("turned_deg", pa.int16()),
            ("damage", pa.string()),
            ("frames", pa.int64()),
            ("seconds", pa.float64()),
            ("faces", pa.int64()),
            ("persons", pa.int32()),
            ("tries", pa.int16()),
            ("spent_s", pa.float32()),
            ("read_at", _TIME),
        ]
    )


def errors_schema() -> pa.Schema:
    """Return the columns of ``errors``: one row per input that failed."""
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            ("error", _WORDS),
            ("message", pa.string()),
            ("trace", pa.string()),
            ("tries", pa.int16()),
            ("read_at", _TIME),
        ]
    )


def schemas(labels: Sequence[str]) -> dict[str, pa.Schema]:
    """Return the columns of every table, by its name.

    Args:
        labels: The K emotions in the order of the network's outputs.
    """
    return {FACES: faces_schema(labels), FILES: files_schema(), ERRORS: errors_schema()}


def with_note(schema: pa.Schema, note: Mapping[str, Any]) -> pa.Schema:
    """Return a schema whose files say how they were made; ``note_of`` reads it back."""
    return schema.with_metadata({METADATA_KEY: json.dumps(note).encode()})


def note_of(schema: pa.Schema) -> dict[str, Any]:
    """Return what ``with_note`` wrote; nothing for a file that is not the command's own."""
    try:
        note = json.loads((schema.metadata or {}).get(METADATA_KEY, b"{}"))
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}
