"""One face on the photo page: its verdict in words, its bars, and on demand why."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.errors import FerError
from fer_core.labels import UNCERTAIN
from fer_core.preprocessing import INPUT_SIZE, normalize_faces, resize_face
from fer_core.reporting.card import picture_card
from fer_core.reporting.words import count_of, meaning
from fer_core.types import FaceReading
from ui.common.bars import LEAST_SAID, emotion_bars, strongest
from ui.common.download import download_made_at_click
from ui.common.images import decoded_jpeg, enlarged
from ui.common.layout import verdict_line
from ui.common.settings import CLASS_SET_NAMES
from ui.common.why import falls_of, falls_shown, looks_of, looks_shown

_CROP_WIDTH = 132
_SIDE = 4 * INPUT_SIZE
_SHOWN_WIDTH = 150


def face_card(
    number: int,
    crop: bytes,
    readings: dict[str, FaceReading],
    *,
    reading: str,
    threshold: float,
    key: str,
    photo: str,
) -> None:
    """Draw a card.

    Args:
        number: The face's number in its picture, from 1.
        crop: The face with a margin, as a JPEG.
        readings: The face as read by one or more networks, by the name of the class set; the
            first one's verdict heads the card.
        reading: What the probabilities are, one of ``fer_core.readings.READINGS``.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        key: Unique on the page.
        photo: What tells the photo from others.
    """
    face = next(iter(readings.values()))
    with st.container(border=True, key=key):
        more = 1 + 1.4 * len(readings)
        picture, facts = st.columns([1, 2 + more], gap="medium")
        picture.image(crop, width=_CROP_WIDTH, alt=f"Face {number}")
        with facts:
            verdict = f"**Face {number}**: {verdict_line(face, threshold)}"
            with st.container(horizontal=True, gap="small", key=f"verdict-{key}"):
                st.markdown(verdict, unsafe_allow_html=True, width="content")
                for finding in face.quality:
                    st.markdown(f":small[:material/warning: {finding.reason}]", width="stretch")
            text, bars = st.columns([2, more], gap="medium")
        with text:
            st.markdown(meaning(face.emotion, face.confidence, reading, threshold))
            st.caption(f"Strongest: {strongest_said(face)}.")
        for column, (name, one) in zip(bars.columns(len(readings)), readings.items(), strict=True):
            with column:
                if len(readings) > 1:
                    st.caption(f"{CLASS_SET_NAMES[name]}: **{one.verdict(threshold)}**")
                emotion_bars(one.probabilities, threshold, f"Face {number}: every emotion")
        _more(face, crop, next(iter(readings)), reading, threshold, f"{photo}-{number}")


def strongest_said(face: FaceReading) -> str:
    """Return the three most probable emotions with their percentages, without those of 0 %."""
    found = strongest(face.probabilities)
    shown = [label for label in found if face.probabilities[label] >= LEAST_SAID]
    return ", ".join(f"{label} {face.probabilities[label]:.0%}" for label in shown)


@st.fragment
def _more(
    face: FaceReading, crop: bytes, model: str, reading: str, threshold: float, key: str
) -> None:
    """Draw what is made on demand: a card to share, and what of the face the verdict hangs on."""
    with st.container(horizontal=True, vertical_alignment="center"):
        why = st.toggle("Why?", key=f"why-{key}", help="What the network sees, and where it looks.")
        download_made_at_click(
            "Picture card",
            lambda: picture_card(decoded_jpeg(crop), face, reading=reading, threshold=threshold),
            f"face-{face.verdict(threshold)}.png",
            "image/png",
            icon=":material/id_card:",
            type="tertiary",
            key=f"card-{key}",
            help="One picture to share: the face, its verdict and every emotion.",
        )
    if why:
        _why(face, model, reading, threshold)


def _why(face: FaceReading, model: str, reading: str, threshold: float) -> None:
    """Draw what of the face the verdict hangs on."""
    gray, position = resize_face(face.aligned_gray), face.labels.index(face.emotion)
    with st.spinner("Covering one place of the face after another …"):
        falls = falls_of(model, reading, gray, position)
    shown = {
        "Turned upright and framed": enlarged(face.aligned_gray, _SIDE),
        "What the network sees": enlarged(_as_seen(face), _SIDE),
        f"What covering costs {face.emotion}": falls_shown(gray, falls, _SIDE),
    }
    least = "" if face.verdict(threshold) != UNCERTAIN else ", which leads without being sure"
    fall = round(100 * max(float(falls.max()), 0))
    said = (
        f"A grey square moves over the face. Where it is warm, covering it makes {face.emotion}"
        f"{least} less probable, by {count_of(fall, 'percentage point')} at most; where it is "
        f"cool, more, by {100 * max(-float(falls.min()), 0):.0f}."
    )
    try:
        looks = looks_of(model, reading, gray, position)
    except FerError as error:
        said = f"{said} {error}"
    else:
        shown[f"What speaks for {face.emotion}"] = looks_shown(gray, looks, _SIDE)
        said = f"{said} Grad-CAM: warm where the last, coarse maps speak for it most."
    with st.container(horizontal=True, gap="medium"):
        for caption, png in shown.items():
            st.image(png, caption, width=_SHOWN_WIDTH, alt=caption)
    st.caption(said)


def _as_seen(face: FaceReading) -> NDArray[np.uint8]:
    """Return the normalised input, 2.5 deviations around the mean, as grey levels."""
    values = normalize_faces([face.aligned_gray])[0, :, :, 0]
    return np.asarray(np.clip(127.5 + values * 51, 0, 255), np.uint8)
