"""What the photo page shows of one photo, or of two beside each other."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fer_core.drawing import draw_frame
from fer_core.images import decoded, encode_png
from fer_core.reporting.words import count_of
from fer_core.types import Frame
from ui.common.address import kept_toggle
from ui.common.bars import emotion_bars
from ui.common.download import download_made_at_click
from ui.common.layout import plain, verdict_line
from ui.common.settings import Settings
from ui.photo.boxes import face_boxes
from ui.photo.face_card import face_card
from ui.photo.shelf import PhotoReading, shelf

_MOST_CARDS = 12
_MOST_COMPARED = 4
_PLACES = ("First photo", "Second photo")
_ADVICE = {
    "yunet": "Try a photo in which the face is larger, brighter, or turned more to the camera. "
    "For a crop of a face, turn on “Pictures are faces already” under “Advanced” in the sidebar.",
    "haar": "Haar cascades find frontal, upright faces only. Try YuNet (the detector under "
    "“Advanced” in the sidebar), or a photo in which the face is larger and looks into the camera. "
    "For a crop of a face, turn on “Pictures are faces already” there.",
}


def show_photo(settings: Settings) -> None:
    """Draw the current photo, and a card for each of its faces."""
    photos = shelf()
    if photos.current is None:
        return
    upload = photos.uploads[photos.current]
    _leaf()
    reading = _reading(photos.current, settings)
    if reading is None:
        return
    if reading.error:
        st.error(plain(f"{upload.name}: {reading.error}"), icon=":material/broken_image:")
        return
    frames = reading.frames
    frame = frames[settings.class_set]
    picture, facts = st.columns([3, 2], gap="medium")
    with picture:
        face_boxes("photo-boxes", upload.name, reading.shown, frame, settings.threshold, "face-")
    with facts:
        _show_facts(frame, settings)
        both = kept_toggle(
            "Show both networks side by side",
            key="side-by-side",
            name="both",
            shown=bool(frame.faces),
        )
        if frame.faces:
            download_made_at_click(
                "Annotated picture (PNG)",
                partial(_annotated, upload.content, frame, settings.threshold),
                f"{upload.name}.annotated.png",
                "image/png",
            )
    names = [settings.class_set]
    if both:
        names += [name for name in frames if name != settings.class_set]
    cards = len(frame.faces)
    # Nobody reads a crowd's cards from end to end; the boxes tell every verdict.
    if cards > _MOST_CARDS and not st.toggle(f"Show the cards of all {cards} faces"):
        cards = _MOST_CARDS
    for position in range(cards):
        face_card(
            position + 1,
            reading.crops[position],
            {name: frames[name].faces[position] for name in names},
            reading=settings.reading,
            threshold=settings.threshold,
            key=f"face-{position}",
            photo=photos.current,
        )


def _leaf() -> None:
    """Draw what turns to another photo, and what removes photos."""
    photos = shelf()
    keys = list(photos.uploads)
    current = photos.current or keys[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(photos.uploads[current].name)}**", width="content")
        if len(keys) > 1:
            st.button("Previous", icon=":material/chevron_left:", on_click=photos.step, args=(-1,))
            st.button("Next", icon=":material/chevron_right:", on_click=photos.step, args=(1,))
            st.caption(f"Photo {keys.index(current) + 1} of {len(keys)}", width="content")
        st.button("Remove", icon=":material/close:", on_click=photos.remove, args=(current,))
        if len(keys) == 1:
            return
        st.button("Clear all", icon=":material/delete:", on_click=photos.clear)


def _show_facts(frame: Frame, settings: Settings) -> None:
    """List the verdicts, or say what to try when there is no face."""
    count = len(frame.faces)
    st.header(count_of(count, "face") if count else "No face found")
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
    lines = [
        f"{number}. {verdict_line(face, settings.threshold)}"
        for number, face in enumerate(frame.faces[:_MOST_CARDS], start=1)
    ]
    if lines:
        st.markdown("\n".join(lines), unsafe_allow_html=True)
    else:
        st.info(_ADVICE[settings.detector.name], icon=":material/lightbulb:")


def compare_photos(settings: Settings) -> None:
    """Draw two photos beside each other, with their faces' bars."""
    photos = shelf()
    keys = list(photos.uploads)
    for place, column in enumerate(st.columns(2, gap="medium")):
        with column:
            key = st.selectbox(
                _PLACES[place],
                keys,
                index=min(place, len(keys) - 1),
                format_func=lambda key: photos.uploads[key].name if key in photos.uploads else "",
                key=f"compare-{place}",
            )
            reading = _reading(key, settings)
            if reading is None:
                st.caption("Not analysed yet.")
            elif reading.error:
                st.error(plain(f"{photos.uploads[key].name}: {reading.error}"))
            else:
                _compared(place, photos.uploads[key].name, reading, settings)


def _compared(place: int, name: str, reading: PhotoReading, settings: Settings) -> None:
    frame = reading.frames[settings.class_set]
    card = f"compared-{place}-"
    face_boxes(f"boxes-{place}", name, reading.shown, frame, settings.threshold, card)
    for position, face in enumerate(frame.faces[:_MOST_COMPARED]):
        with st.container(key=f"{card}{position}", border=True):
            said = verdict_line(face, settings.threshold)
            st.markdown(f"**Face {position + 1}**: {said}", unsafe_allow_html=True)
            caption = f"Face {position + 1} of the {_PLACES[place].lower()}: every emotion"
            emotion_bars(face.probabilities, settings.threshold, caption)
    if not frame.faces:
        st.caption("No face found.")
    left = len(frame.faces) - _MOST_COMPARED
    if left > 0:
        st.caption(f"And {count_of(left, 'face')} more.")


def _reading(key: str, settings: Settings) -> PhotoReading | None:
    """Return what was read in a photo as chosen, or None before."""
    return shelf().reading_of(key, settings.detector.name, settings.reading)


def _annotated(content: bytes, frame: Frame, threshold: float) -> bytes:
    """Return the photo in its own size, with the faces' boxes and verdicts, as a PNG."""
    with decoded(content) as photo:
        return encode_png(draw_frame(photo.image_bgr, frame, threshold=threshold))
