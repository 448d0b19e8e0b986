"""Choosing one face to look into: from FER-2013, from a sample photo or from the visitor's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.alignment import align_face
from fer_core.detection import FaceDetector
from fer_core.errors import UnreadableImage
from fer_core.images import read_image, to_gray
from train.data.picture_ids import name_and_label
from ui.common.explorer_data import picture_of, pictures_note
from ui.common.layout import plain
from ui.common.samples import sample_uploads
from ui.common.uploads import PHOTO_TYPES
from ui.metrics.choice import Choice, verdicts_of
from ui.metrics.pictures import PICKED_KEY

_FROM_SET, _SAMPLE, _OWN = "FER-2013", "Sample photo", "Your photo"
_FACES_KEY = "metrics-photo-faces"
_ALL = "all"


@dataclass(frozen=True, slots=True)
class ChosenFace:
    """A face to look into.

    Attributes:
        name: What it is.
        face_gray: uint8 ``(S, S)`` in FER-2013's frame.
        label: FER-2013's label, or "" for a photo's face.
    """

    name: str
    face_gray: NDArray[np.uint8]
    label: str = ""


def choose_face(choice: Choice, detector: FaceDetector, key: str) -> ChosenFace | None:
    """Draw the choice of a face; None while there is none.

    Args:
        choice: Whose pictures and verdicts to choose from.
        detector: Finds the faces of photos.
        key: Unique on the page.
    """
    note = pictures_note()
    sources = [_SAMPLE, _OWN] if note else [_FROM_SET, _SAMPLE, _OWN]
    source = st.segmented_control(
        "Whose face",
        sources,
        default=sources[0],
        required=True,
        key=f"{key}-source",
        persist_state="session",
    )
    if note:
        st.caption(note)
    if source == _FROM_SET:
        return _from_set(choice, key)
    if source == _OWN:
        upload = st.file_uploader(
            "A photo with a face",
            type=list(PHOTO_TYPES),
            max_upload_size=50,
            key=f"{key}-upload",
        )
        return (
            None if upload is None else _from_photo(upload.name, upload.getvalue(), detector, key)
        )
    samples = {sample.name: sample for sample in sample_uploads()}
    name = st.selectbox("Photo", list(samples), key=f"{key}-sample", width=320)
    return _from_photo(name, samples[name].content, detector, key)


def _from_set(choice: Choice, key: str) -> ChosenFace | None:
    """Draw the choice of a test picture by its label, what it is taken for, and confidence."""
    verdicts = verdicts_of(choice)
    if verdicts is None:
        return None
    picked = st.session_state.get(PICKED_KEY)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if picked is not None:
            name, label = name_and_label(picked)
            use = st.toggle(f"The one clicked last, {plain(name)}", True, key=f"{key}-picked")
            face = picture_of(picked) if use else None
            if face is not None:
                return ChosenFace(name, face, label)
        labelled, taken = (
            st.selectbox(
                title,
                [_ALL, *verdicts.emotions],
                format_func=str.capitalize,
                key=f"{key}-{which}-{len(verdicts.emotions)}",
                width=160,
            )
            for title, which in (("Labelled", "label"), ("Taken for", "said"))
        )
        fits = np.isin(verdicts.words, verdicts.emotions if labelled == _ALL else [labelled])
        fits &= np.isin(verdicts.said, verdicts.emotions if taken == _ALL else [taken])
        rows = np.flatnonzero(fits)
        if not len(rows):
            st.caption("There are no such pictures.")
            return None
        rows = rows[np.argsort(-verdicts.probabilities[rows].max(axis=1), kind="stable")]
        number = st.number_input(
            f"Which of {len(rows):,}, the most confident first",
            1,
            len(rows),
            key=f"{key}-number-{len(rows)}",
            width=260,
        )
    chosen = str(verdicts.ids[rows[number - 1]])
    name, label = name_and_label(chosen)
    face = picture_of(chosen)
    if face is None:
        st.caption(plain(f"{name} is not in the data set that is given."))
        return None
    return ChosenFace(name, face, label)


def _from_photo(name: str, content: bytes, detector: FaceDetector, key: str) -> ChosenFace | None:
    """Draw the choice among a photo's faces, largest first."""
    faces = _faces_of(content, detector)
    if isinstance(faces, str):
        st.error(plain(f"{name}: {faces}"), icon=":material/error:")
        return None
    if not faces:
        st.warning(plain(f"{name}: No face was found."), icon=":material/person_off:")
        return None
    number = 1
    if len(faces) > 1:
        number = st.number_input(
            f"Which of {len(faces)} faces, the largest first", 1, len(faces), key=f"{key}-face"
        )
    return ChosenFace(name if len(faces) == 1 else f"{name}, face {number}", faces[number - 1])


def _faces_of(content: bytes, detector: FaceDetector) -> list[NDArray[np.uint8]] | str:
    """Return a photo's aligned faces, or why it cannot be read; the last photo's are kept."""
    digest = hashlib.sha256(content).hexdigest() + detector.name
    kept = st.session_state.get(_FACES_KEY)
    if kept is not None and kept[0] == digest:
        known: list[NDArray[np.uint8]] | str = kept[1]
        return known
    faces: list[NDArray[np.uint8]] | str
    try:
        image = read_image(content).image_bgr
        gray = to_gray(image)
        found = sorted(detector.detect(image), key=lambda face: -face.box.area)
        faces = [align_face(gray, face) for face in found]
    except UnreadableImage as error:
        faces = str(error)
    st.session_state[_FACES_KEY] = (digest, faces)
    return faces
