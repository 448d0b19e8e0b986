"""Tables on disk: Parquet files, compact and replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.errors import TableError

_ABOUT = b"about"
# Rising numbers in names: only what differs from the name before is written.
_SORTED_TEXT = "DELTA_BYTE_ARRAY"
# The bytes of all exponents together, then the others: for floats with little noise on top.
_FLOATS = "BYTE_STREAM_SPLIT"


def write_table(
    path: Path, columns: Mapping[str, NDArray[Any]], about: Mapping[str, Any] | None = None
) -> None:
    """Replace a Parquet file in one step.

    Args:
        path: The file; its folder is made if missing.
        columns: Arrays ``(N,)`` of text, whole numbers, floats or truth values, by name.
        about: Kept beside the columns, as JSON.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    table = table.replace_schema_metadata({_ABOUT: json.dumps(dict(about or {})).encode()})
    encodings = {name: _encoding(name, values) for name, values in columns.items()}
    plain = [name for name, encoding in encodings.items() if encoding is None]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    pq.write_table(
        table,
        part,
        compression="zstd",
        compression_level=15,
        use_dictionary=plain,
        column_encoding={name: encoding for name, encoding in encodings.items() if encoding},
    )
    os.replace(part, path)


def _encoding(name: str, values: NDArray[Any]) -> str | None:
    """Return the encoding of a column; None for a dictionary of its few values."""
    if name == "name":
        return _SORTED_TEXT
    return _FLOATS if values.dtype.kind == "f" else None


def read_table(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a Parquet file that ``write_table`` wrote.

    Returns:
        The columns by name, text as str, and what is kept beside them.

    Raises:
        FileNotFoundError: There is no such file.
        TableError: It is damaged, or was written by something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, memory_map=False)
        about = json.loads((table.schema.metadata or {})[_ABOUT])
        columns = {name: _array(table[name]) for name in table.column_names}
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise TableError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(about, dict):
        raise TableError(f"{path.name} does not say what it is about.")
    return columns, about


def _array(column: Any) -> NDArray[Any]:
    values: NDArray[Any] = column.to_numpy()
    return values.astype(np.str_) if values.dtype == object else values
