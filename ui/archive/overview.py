"""What an archive says as a whole: in a sentence, over time, and by folder."""

from __future__ import annotations

import streamlit as st

from fer_core.batch.schema import READ, VIDEO
from fer_core.labels import UNCERTAIN
from fer_core.reporting.words import count_of
from ui.archive.charts import Bins, binned, time_chart
from ui.archive.index import Index
from ui.archive.places import shown_place
from ui.archive.queries import Days, Folders, Selection, days_of, folders_of, shown_of
from ui.common.bars import named_bars, share_bar
from ui.common.charts import CHART_CONFIG

MOST_FOLDERS = 12
# Of fewer faces no share is told.
_FEW = 30
_TIME_KEY = "archive-time"


def what_of(selection: Selection) -> str:
    """Return what a row of the selection is called."""
    return "reading" if selection.kind == VIDEO else "face"


def count(index: Index, selection: Selection) -> None:
    """Ask for all that the page counts, and say so where that takes a while."""
    with st.spinner("Counting …"):
        days_of(index, selection)
        folders_of(index, selection, MOST_FOLDERS)
        shown_of(index, selection)


def show_summary(index: Index, selection: Selection) -> None:
    """Draw what was read, in a sentence and as one bar."""
    days = days_of(index, selection)
    counts = days.by_verdict(index.verdicts)
    st.header(summary(index, selection, days), anchor=False)
    total = sum(counts.values())
    if total:
        share_bar({verdict: count / total for verdict, count in counts.items()}, "Of all")
    if selection.kind == VIDEO and total:
        st.caption("A reading is one face in one frame, so that shares are shares of time.")


def summary(index: Index, selection: Selection, days: Days) -> str:
    """Return what the selection is, in a sentence."""
    counts = days.by_verdict(index.verdicts)
    total = sum(counts.values())
    read = index.files[selection.kind].get(READ, 0)
    files = count_of(read, "video" if selection.kind == VIDEO else "photo")
    if not total:
        return f"Of the faces in {files}, none is left by these filters."
    shares = [
        f"{count / total:.0%} {'are uncertain' if verdict == UNCERTAIN else f'look {verdict}'}"
        for verdict, count in list(counts.items())[:2]
    ]
    when = _when(days)
    found = f"{count_of(total, what_of(selection))} in {files}{when}: {' and '.join(shares)}."
    return f"{found} {_peak(binned(days, len(index.verdicts)), index, counts)}".rstrip()


def _when(days: Days) -> str:
    span = days.span()
    if span is None:
        return ""
    first, last = (day.strftime("%B %Y") for day in span)
    return f" of {first}" if first == last else f", {first} to {last}"


def _peak(bins: Bins | None, index: Index, counts: dict[str, int]) -> str:
    """Return when the leading emotion has its largest share, as far as that can be told."""
    leader = next((verdict for verdict in counts if verdict != UNCERTAIN), None)
    if bins is None or leader is None or len(bins.starts) < 2:
        return ""
    own, totals = bins.counts[:, index.verdicts.index(leader)], bins.counts.sum(axis=1)
    shares = own / totals
    shares[totals < _FEW] = -1
    best = int(shares.argmax())
    if shares[best] <= 0:
        return ""
    return (
        f"{leader.capitalize()} is most frequent in {bins.called(best)}, with {shares[best]:.0%}."
    )


def show_time(index: Index, selection: Selection) -> None:
    """Draw the shares of emotions over time."""
    days = days_of(index, selection)
    bins = binned(days, len(index.verdicts))
    st.header("Over time", anchor=False)
    if bins is None:
        st.caption("No date is known of any of these.")
        return
    st.plotly_chart(
        time_chart(bins, index.verdicts, selection.verdicts),
        key=_TIME_KEY,
        config=CHART_CONFIG,
        alt=f"Shares of emotions over time, {_when(days).strip(' ,')}",
    )
    note = (
        "By the time at which a photo was taken, where the camera noted it, and else by the time "
        "of the file. "
        if selection.kind != VIDEO
        else "By the time of the file. "
    )
    undated = int(days.count[~days.dated].sum())
    if undated:
        note += f"{undated:,} without a date are left out. "
    st.caption(f"{note}Below: how many {what_of(selection)}s there are.")


def show_folders(index: Index, selection: Selection) -> None:
    """Draw the shares of emotions in the folders with the most faces."""
    found = folders_of(index, selection, MOST_FOLDERS)
    if not found.counts:
        return
    st.header("By folder", anchor=False)
    named_bars(
        {
            shown_place(folder): (_shares(counts, index, selection), f"{sum(counts.values()):,}")
            for folder, counts in found.counts.items()
        },
        "Shares of emotions in each folder",
    )
    if rest := _rest(found, selection):
        st.caption(rest)


def _shares(counts: dict[str, int], index: Index, selection: Selection) -> dict[str, float]:
    total = sum(counts.values())
    drawn = selection.verdicts or index.verdicts
    return {
        verdict: counts[verdict] / total
        for verdict in index.verdicts
        if verdict in drawn and verdict in counts
    }


def _rest(found: Folders, selection: Selection) -> str:
    """Return what the folders that are not shown have."""
    left = found.folders - len(found.counts)
    if left <= 0:
        return ""
    faces = found.faces - sum(sum(counts.values()) for counts in found.counts.values())
    return (
        f"And {count_of(faces, what_of(selection))} in {count_of(left, 'more folder')}; write a "
        "part of a folder's name above to see it."
    )
