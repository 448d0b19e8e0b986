"""What became of an input, as rows of the three tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pyarrow as pa

from fer_core.batch.plan import Input
from fer_core.batch.schema import FAILED
from fer_core.batch.stores import folder_of

_MAX_TRACE_CHARS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Few as they are, or the many of a video.
Faces: TypeAlias = list[dict[str, Any]] | pa.Table


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one input.

    Attributes:
        file: Its row of ``files``.
        faces: Its rows of ``faces``.
        error: Its row of ``errors``, or None.
    """

    file: dict[str, Any]
    faces: Faces
    error: dict[str, Any] | None = None


def failed(
    item: Input, error: str, sentence: str | None, trace: str | None = None, tries: int = 1
) -> Finding:
    """Return what is said of an input that failed.

    Args:
        item: The input.
        error: The kind of error, in a word.
        sentence: What went wrong.
        trace: Where an unforeseen error came from.
        tries: How often it was tried.
    """
    row = row_of(item) | {"status": FAILED, "reason": sentence, "tries": tries}
    details = {
        "path": item.address,
        "error": error,
        "message": sentence,
        "trace": trace and trace[-_MAX_TRACE_CHARS:],
        "tries": tries,
        "read_at": row["read_at"],
    }
    return Finding(row, [], details)


def row_of(item: Input) -> dict[str, Any]:
    """Return an input's row of ``files`` as far as it is known before it is read."""
    return {
        "path": item.address,
        "folder": folder_of(item.address),
        "status": item.status,
        "reason": item.reason,
        "bytes": item.size_bytes,
        "modified": modified_utc(item),
        "tries": 1,
        "spent_s": 0.0,
        "read_at": datetime.now(UTC),
    }


def modified_utc(item: Input) -> datetime | None:
    """Return when an input was changed, or None where that is not known."""
    return _EPOCH + timedelta(microseconds=item.modified_us) if item.modified_us else None
