"""The files of an archive that could not be read, with the reasons."""

from __future__ import annotations

import streamlit as st

from fer_core.records import csv_cell
from fer_core.reporting.words import count_of
from ui.archive.index import Index
from ui.archive.places import shown_place
from ui.archive.queries import failures_of
from ui.common.layout import plain
from ui.common.public import without_paths

_MOST_FAILURES = 200


def show_failures(index: Index) -> None:
    """Draw which files could not be read, and why."""
    failed = index.failed()
    if not failed:
        return
    with st.expander(f"{count_of(failed, 'file')} could not be read"):
        kinds, some = failures_of(index, _MOST_FAILURES)
        st.markdown("\n".join(f"- {plain(error)}: {count:,}" for error, count in kinds))
        st.dataframe(
            {
                "File": [csv_cell(shown_place(path)) for path, _ in some],
                "Why": [csv_cell(without_paths(why)) for _, why in some],
            },
            hide_index=True,
        )
        if failed > len(some):
            st.caption(f"The first {len(some):,}; the data set has all of them in `errors`.")
