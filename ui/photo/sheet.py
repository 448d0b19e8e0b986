"""All photos together: a contact sheet with a summary, and the table of all faces."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.labels import UNCERTAIN
from fer_core.records import csv_cell, face_rows, frame_record, row_columns, rows_to_csv
from fer_core.reporting.words import count_of
from ui.common.bars import share_bar
from ui.common.download import download_made_at_click
from ui.common.picture_buttons import PictureButton, picture_buttons
from ui.common.resources import get_classifier
from ui.common.settings import Settings
from ui.photo.report import photo_report
from ui.photo.shelf import ALL, ONE, TWO, VIEW_KEY, PhotoReading, PhotoShelf, shelf

_NO_FACE, _UNREAD, _WAITING = "no face", "not readable", "waiting"


@dataclass(frozen=True, slots=True)
class Entry:
    """A photo on the sheet.

    Attributes:
        key: The photo's, on the shelf.
        name: What it is called.
        verdicts: How many of its faces were read as what, the most frequent first.
        confidence: The largest of its faces' probabilities, 0 to 1; 0 without a face.
        state: Why there are no verdicts, or "".
        thumbnail: A square of it, as a JPEG, or b"".
    """

    key: str
    name: str
    verdicts: Counter[str]
    confidence: float = 0.0
    state: str = ""
    thumbnail: bytes = b""

    @property
    def groups(self) -> set[str]:
        """What the photo can be filtered by."""
        return set(self.verdicts) or {self.state}


# What photos can be ordered by; each is stable, so that equal ones stay as they came.
_ORDERS: dict[str, Callable[[Entry], Any]] = {
    "As they came": lambda entry: 0,
    "By emotion": lambda entry: next(iter(entry.verdicts), f"~{entry.state}"),
    "Surest first": lambda entry: -entry.confidence,
    "Least sure first": lambda entry: entry.confidence or 2,
    "Most faces first": lambda entry: -entry.verdicts.total(),
    "By name": lambda entry: entry.name.casefold(),
}


def choose_view() -> str:
    """Draw the choice between one photo, all and two, where there are several; return it."""
    photos = shelf()
    if len(photos.uploads) < 2:
        return ONE
    # Kept with the photos, and so beyond a change of page.
    st.session_state.setdefault(VIEW_KEY, photos.view)
    view: str = st.segmented_control(
        "Show", [ALL, ONE, TWO], key=VIEW_KEY, required=True, label_visibility="collapsed"
    )
    photos.view = view
    return view


def show_all(settings: Settings) -> None:
    """Draw a summary of all photos, and their pictures, to filter, sort and open."""
    photos = shelf()
    entries = sheet_entries(photos, settings)
    faces = sum((entry.verdicts for entry in entries), Counter[str]())
    st.header(f"{count_of(faces.total(), 'face')} in {count_of(len(entries), 'photo')}")
    if faces:
        shares = {verdict: count / faces.total() for verdict, count in faces.items()}
        share_bar(shares, "Of all faces")
    states = Counter(entry.state for entry in entries if entry.state)
    if states:
        st.caption(". ".join(f"{state.capitalize()}: {count}" for state, count in states.items()))
    groups = [*faces, *states]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.pills(
            "Only photos with",
            groups,
            selection_mode="multi",
            format_func=str.capitalize,
            key="sheet-filter",
        )
        order = st.selectbox("Sorted", list(_ORDERS), key="sheet-order", width=190)
        st.button("Clear all", icon=":material/delete:", on_click=photos.clear)
    shown = [entry for entry in entries if not wanted or entry.groups & set(wanted)]
    shown.sort(key=_ORDERS[order])
    if len(shown) < len(entries):
        st.caption(f"{len(shown)} of {count_of(len(entries), 'photo')}")
    picked = picture_buttons("sheet", [_button(entry, photos) for entry in shown])
    if picked is not None and picked < len(shown):
        photos.show(shown[picked].key)
        photos.view = ONE
        del st.session_state[VIEW_KEY]
        st.rerun()


def sheet_entries(photos: PhotoShelf, settings: Settings) -> list[Entry]:
    """Return the photos as the sheet shows them, in the order they came."""
    entries = []
    for key, upload in list(photos.uploads.items()):
        reading = photos.reading_of(key, settings.detector.name, settings.reading)
        entries.append(_entry(key, upload.name, reading, settings))
    return entries


def _entry(key: str, name: str, reading: PhotoReading | None, settings: Settings) -> Entry:
    if reading is None:
        return Entry(key, name, Counter(), state=_WAITING)
    if reading.error:
        return Entry(key, name, Counter(), state=_UNREAD)
    faces = reading.frames[settings.class_set].faces
    said = Counter(face.verdict(settings.threshold) for face in faces)
    # What is said most of a photo first; "uncertain" says the least of it.
    ordered = sorted(said.items(), key=lambda item: (item[0] == UNCERTAIN, -item[1]))
    return Entry(
        key,
        name,
        Counter(dict(ordered)),
        max((face.confidence for face in faces), default=0.0),
        "" if faces else _NO_FACE,
        reading.thumbnail,
    )


def _button(entry: Entry, photos: PhotoShelf) -> PictureButton:
    return PictureButton(
        entry.thumbnail,
        entry.name,
        tuple(entry.verdicts.items()),
        entry.state.capitalize(),
        chosen=entry.key == photos.current,
    )


def show_table(settings: Settings) -> None:
    """Draw the table of all faces of all photos, and its downloads."""
    photos = shelf()
    rows: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    for key, upload in photos.uploads.items():
        reading = photos.reading_of(key, settings.detector.name, settings.reading)
        if reading is None:
            continue
        if reading.error:
            records.append({"path": upload.name, "error": reading.error})
            continue
        frame, threshold = reading.frames[settings.class_set], settings.threshold
        size_wh = reading.original_size_wh
        rows += face_rows(frame, upload.name, threshold=threshold)
        records.append(frame_record(frame, upload.name, size_wh, threshold=threshold))
    if not records:
        return
    labels = get_classifier(settings.class_set).labels
    table = pd.DataFrame(rows, columns=row_columns(labels))
    # The table on the page can be downloaded as CSV, too.
    table["path"] = table["path"].map(csv_cell)
    with st.expander(f"All faces as a table ({len(rows)})"):
        st.dataframe(
            table,
            hide_index=True,
            column_order=table_order(labels),
            column_config={
                **{
                    label: st.column_config.ProgressColumn(
                        label.capitalize(), format="percent", max_value=1.0
                    )
                    for label in labels
                },
                "path": "Photo",
                "face": "Face",
                "verdict": "Verdict",
                "quality": "Quality",
                "confidence": st.column_config.NumberColumn("Confidence", format="percent"),
                "score": st.column_config.NumberColumn("Is a face", format="percent"),
                "turned_deg": st.column_config.NumberColumn("Turned", format="%d°"),
                **{
                    name: st.column_config.NumberColumn(name, format="%.0f px")
                    for name in ("x1", "y1", "x2", "y2")
                },
            },
        )
    with st.container(horizontal=True):
        st.download_button(
            "All faces (CSV)", rows_to_csv(rows, labels), "faces.csv", "text/csv", on_click="ignore"
        )
        st.download_button(
            "All faces (JSON)",
            json.dumps(records, indent=2, ensure_ascii=False),
            "faces.json",
            "application/json",
            on_click="ignore",
        )
        download_made_at_click(
            "Report (HTML)",
            partial(photo_report, dict(photos.uploads), dict(photos.readings), settings),
            "report.html",
            "text/html",
        )


def table_order(labels: tuple[str, ...]) -> list[str]:
    """Return the columns as people read them: the emotions first, the places last."""
    return [
        *("path", "face", "verdict", "confidence", *labels, "quality", "score"),
        *("turned_deg", "x1", "y1", "x2", "y2"),
    ]
