"""The selection to take away, as CSV and Parquet, of bounded size."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st
from pyarrow import csv

from fer_core.records import csv_cell
from fer_core.reporting.words import count_of
from ui.archive.index import ArchiveFault, Index
from ui.archive.overview import what_of
from ui.archive.queries import Selection, all_numbers, days_of, sql_of
from ui.archive.rows import selected_tables
from ui.common.download import download_made_at_click
from ui.common.public import is_public

# In memory while it waits for the browser, for each visitor who asks: some 30 MB.
MOST_ROWS = 100_000
_HIDDEN = ("path", "folder")
# The one column that is no cell.
_LIST = "landmarks"


def take_away(index: Index, selection: Selection) -> None:
    """Draw the downloads, and what to do where they would not have all."""
    counts = days_of(index, selection).by_verdict(index.verdicts)
    total = sum(n for verdict, n in counts.items() if verdict in (selection.verdicts or counts))
    if not total:
        return
    st.header("Take it away", anchor=False)
    with st.container(horizontal=True):
        for title, ending, mime in (
            ("CSV", "csv", "text/csv"),
            ("Parquet", "parquet", "application/vnd.apache.parquet"),
        ):
            download_made_at_click(
                f"These {what_of(selection)}s ({title})",
                partial(content_of, index, selection, ending),
                f"selection.{ending}",
                mime,
                icon=":material/download:",
            )
    if total > MOST_ROWS:
        st.caption(
            f"A file has the first {MOST_ROWS:,} of {count_of(total, what_of(selection))}; "
            "[DuckDB](https://duckdb.org) writes all of them:"
        )
        place = "readings" if is_public() else index.dataset.address
        st.code(sql_of(index, selection, place), language="sql", wrap_lines=True)


def content_of(index: Index, selection: Selection, ending: str, most: int = MOST_ROWS) -> bytes:
    """Return the selection as a file.

    Args:
        index: The data set.
        selection: Which faces.
        ending: "csv", in which no text is a formula and landmarks are left out; or "parquet".
        most: How many rows there may be.
    """
    numbers = all_numbers(index, selection, most)
    content = io.BytesIO()
    try:
        tables = _named(selected_tables(index, numbers))
        if ending == "csv":
            _write_csv(content, tables)
        else:
            _write_parquet(content, tables)
    except ArchiveFault as error:
        # The page is not drawn anew for a download; the file itself says it.
        return f"{error}\n".encode()
    return content.getvalue()


def _named(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables with texts as texts, and for strangers without the machine's folders."""
    hide = is_public()
    for table in tables:
        columns: dict[str, Any] = dict(zip(table.schema.names, table.columns, strict=True))
        for name, column in columns.items():
            if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
                columns[name] = column.cast(pa.string())
                if hide and name in _HIDDEN:
                    columns[name] = _mapped(columns[name], _last)
        yield pa.table(columns)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _mapped(texts: pa.ChunkedArray, change: Callable[[str], str]) -> pa.ChunkedArray:
    """Return texts changed, each different one once."""
    found = texts.combine_chunks().dictionary_encode()
    changed = [text if text is None else change(text) for text in found.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(changed, pa.string()).take(found.indices)])


def _write_csv(content: io.BytesIO, tables: Iterator[pa.Table]) -> None:
    writer = None
    for table in tables:
        columns = {
            name: _mapped(column, csv_cell) if pa.types.is_string(column.type) else column
            for name, column in zip(table.schema.names, table.columns, strict=True)
            if name != _LIST
        }
        rows = pa.table(columns)
        writer = writer or csv.CSVWriter(content, rows.schema)
        writer.write_table(rows)
    if writer is not None:
        writer.close()


def _write_parquet(content: io.BytesIO, tables: Iterator[pa.Table]) -> None:
    writer = None
    for table in tables:
        writer = writer or pq.ParquetWriter(content, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()
