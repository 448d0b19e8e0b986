"""What the photo page shows of a photo, and of all photos together."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.drawing import draw_frame
from fer_core.images import decoded, encode_png
from fer_core.records import csv_cell, face_rows, frame_record, row_columns, rows_to_csv
from fer_core.types import Frame
from ui.common.images import decoded_jpeg
from ui.common.layout import plain, verdict_line
from ui.common.resources import get_classifier
from ui.common.settings import Settings
from ui.photo.face_card import face_card
from ui.photo.report import photo_report
from ui.photo.shelf import shelf

_SIDE_BY_SIDE_KEY = "side-by-side"
_MOST_CARDS = 12
_ADVICE = {
    "yunet": "Try a photo in which the face is larger, brighter, or turned more to the camera. "
    "For a crop of a face, turn on “Pictures are faces already” in the sidebar.",
    "haar": "Haar cascades find frontal, upright faces only. Try YuNet (the detector in the "
    "sidebar), or a photo in which the face is larger and looks into the camera. For a crop of a "
    "face, turn on “Pictures are faces already” in the sidebar.",
}


def show_photo(settings: Settings) -> None:
    """Draw the current photo, its faces and its download."""
    photos = shelf()
    reading = photos.readings.get((photos.current or "", settings.detector.name, settings.reading))
    if photos.current is None or reading is None:
        return
    upload = photos.uploads[photos.current]
    if reading.error:
        st.error(plain(f"{upload.name}: {reading.error}"), icon=":material/broken_image:")
        return
    frames = reading.frames
    frame = frames[settings.class_set]
    drawn = draw_frame(decoded_jpeg(reading.shown), frame, threshold=settings.threshold)
    picture, facts = st.columns([3, 2])
    picture.image(drawn, plain(upload.name), channels="BGR", width="stretch", alt=upload.name)
    with facts:
        _show_facts(frame, settings)
        st.download_button(
            "Annotated picture (PNG)",
            partial(_annotated, upload.content, frame, settings.threshold),
            f"{upload.name}.annotated.png",
            "image/png",
            on_click="ignore",
        )
    names = [settings.class_set]
    if st.session_state[_SIDE_BY_SIDE_KEY]:
        names += [name for name in frames if name != settings.class_set]
    cards = len(frame.faces)
    # A crowd's charts would keep the browser busy for many seconds.
    if cards > _MOST_CARDS and not st.toggle(f"Show the cards of all {cards} faces"):
        cards = _MOST_CARDS
    for position in range(cards):
        face_card(
            position + 1,
            reading.crops[position],
            {name: frames[name].faces[position] for name in names},
            threshold=settings.threshold,
            key=f"face-{position}",
        )


def _show_facts(frame: Frame, settings: Settings) -> None:
    """List the verdicts, or say what to try when there is no face."""
    count = len(frame.faces)
    st.subheader(f"{count} face{'s' * (count != 1)}" if count else "No face found")
    if frame.turned_deg:
        st.caption(
            f":material/rotate_right: The photo was turned by {frame.turned_deg}° clockwise: its "
            "faces stand upright so."
        )
    if frame.incomplete:
        st.caption(
            ":material/broken_image: The end of the photo's file is missing; a part of the picture "
            "may be grey or blurred."
        )
    for number, face in enumerate(frame.faces[:_MOST_CARDS], start=1):
        st.markdown(f"{number}. {verdict_line(face, settings.threshold)}", unsafe_allow_html=True)
    if not count:
        st.info(_ADVICE[settings.detector.name], icon=":material/lightbulb:")
    st.toggle("Show both networks side by side", key=_SIDE_BY_SIDE_KEY, persist_state="session")


def show_table(settings: Settings) -> None:
    """Draw the table of all faces of all photos, and its downloads."""
    photos = shelf()
    rows: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    for key, upload in photos.uploads.items():
        reading = photos.readings.get((key, settings.detector.name, settings.reading))
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
            column_config={
                label: st.column_config.ProgressColumn(label, format="percent", max_value=1.0)
                for label in labels
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
        st.download_button(
            "Report (HTML)",
            partial(photo_report, dict(photos.uploads), dict(photos.readings), settings),
            "report.html",
            "text/html",
            on_click="ignore",
        )


def _annotated(content: bytes, frame: Frame, threshold: float) -> bytes:
    """Return the photo in its own size, with the faces' boxes and verdicts, as a PNG."""
    with decoded(content) as photo:
        return encode_png(draw_frame(photo.image_bgr, frame, threshold=threshold))
