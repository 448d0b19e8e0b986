"""A picture to try things on: a sample photo, one of the data set, or the visitor's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.alignment import align_face
from fer_core.detection import PHOTO_SIZES, FaceDetector
from fer_core.errors import UnreadableImage
from fer_core.images import read_image, to_gray
from fer_core.labels import FER7
from fer_core.preprocessing import resize_face
from fer_core.types import DetectedFace
from train.data.framing import canvas_of
from ui.common.layout import plain
from ui.common.samples import sample_uploads
from ui.common.uploads import PHOTO_TYPES
from ui.dataset.state import Collection

SAMPLE, DATASET, UPLOAD = "sample", "dataset", "upload"
_TITLES = {SAMPLE: "Sample photo", DATASET: "Data-set picture", UPLOAD: "Your photo"}
_MAX_FILE_MB = 50
_KEPT_KEY = "dataset-photo"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to try things on.

    Attributes:
        name: What to call it.
        image_bgr: uint8 ``(H, W, 3)``, in which a face can be looked for.
        face_gray: uint8 ``(48, 48)``, the data set's own picture; None for a photo.
    """

    name: str
    image_bgr: NDArray[np.uint8]
    face_gray: NDArray[np.uint8] | None = None


def choose_picture(found: Collection, *, key: str) -> Picture | None:
    """Let the visitor choose a picture; None until there is one.

    Args:
        found: Where the data set's pictures are; without them they are not offered.
        key: Unique on the page.
    """
    kinds = [kind for kind in _TITLES if kind != DATASET or found.dataset is not None]
    kind = st.segmented_control(
        "Picture",
        kinds,
        default=DATASET if DATASET in kinds else SAMPLE,
        format_func=_TITLES.__getitem__,
        required=True,
        key=f"{key}-kind",
        persist_state="session",
        wrap=True,
    )
    if kind == DATASET:
        return _of_dataset(found, key)
    if kind == SAMPLE:
        samples = {sample.name: sample.content for sample in sample_uploads()}
        name = st.selectbox("Photo", list(samples), key=f"{key}-sample", persist_state="session")
        return _photo(name, samples[name])
    file = st.file_uploader(
        "A photo with a face",
        type=list(PHOTO_TYPES),
        max_upload_size=_MAX_FILE_MB,
        key=f"{key}-file",
    )
    return None if file is None else _photo(file.name, file.getvalue())


def _photo(name: str, content: bytes) -> Picture | None:
    image = _image_of(content)
    if isinstance(image, str):
        st.error(plain(f"{name}: {image}"), icon=":material/broken_image:")
        return None
    return Picture(name, image)


def _image_of(content: bytes) -> NDArray[np.uint8] | str:
    """Return a photo, no larger than faces are looked for in; or why it cannot be read.

    The last one is kept, so that no slider decodes it again.
    """
    digest = hashlib.sha256(content).digest()
    kept: tuple[bytes, NDArray[np.uint8] | str] | None = st.session_state.get(_KEPT_KEY)
    if kept is None or kept[0] != digest:
        try:
            image_bgr = read_image(content).image_bgr
            scale = min(1.0, max(PHOTO_SIZES) / max(image_bgr.shape))
            smaller = cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            kept = digest, np.asarray(smaller, np.uint8)
        except UnreadableImage as error:
            kept = digest, str(error)
        st.session_state[_KEPT_KEY] = kept
    return kept[1]


def _of_dataset(found: Collection, key: str) -> Picture | None:
    dataset = found.dataset
    if dataset is None:
        return None
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    emotion = left.selectbox(
        "Labelled",
        FER7.labels,
        index=FER7.labels.index("happy"),
        format_func=str.capitalize,
        key=f"{key}-emotion",
        persist_state="session",
    )
    number_key = f"{key}-number"
    right.button(
        "Another picture",
        icon=":material/shuffle:",
        key=f"{key}-another",
        on_click=_draw_number,
        args=(number_key,),
        width="stretch",
    )
    own = np.flatnonzero(dataset.labels == FER7.labels.index(emotion))
    if not len(own):
        st.info(f"The data set has no picture labelled {emotion}.", icon=":material/info:")
        return None
    place = own[st.session_state.get(number_key, 0) % len(own)]
    face: NDArray[np.uint8] = dataset.faces_gray[place]
    return Picture(f"{dataset.names[place]}, labelled {emotion}", canvas_of(face), face)


def _draw_number(key: str) -> None:
    st.session_state[key] = int(np.random.default_rng().integers(1 << 31))


def detected(picture: Picture, detector: FaceDetector, *, key: str) -> list[DetectedFace]:
    """Find the faces of a picture; the visitor's last answer is kept while sliders move."""
    kept = st.session_state.get(f"{key}-detected")
    wanted = detector.name, picture.image_bgr.shape, hash(picture.image_bgr.tobytes())
    if kept is not None and kept[0] == wanted:
        faces: list[DetectedFace] = kept[1]
        return faces
    faces = list(detector.detect(picture.image_bgr))
    st.session_state[f"{key}-detected"] = wanted, faces
    return faces


def choose_face(faces: list[DetectedFace], *, key: str) -> DetectedFace:
    """Let the visitor choose among N faces, from left to right; N at least 1."""
    if len(faces) == 1:
        return faces[0]
    number: int = st.selectbox(
        "Face, from left to right", range(1, len(faces) + 1), key=f"{key}-face"
    )
    return faces[number - 1]


def face_of(picture: Picture, detector: FaceDetector, *, key: str) -> NDArray[np.uint8] | None:
    """Return the face that training would see, uint8 ``(48, 48)``; None where none is found."""
    if picture.face_gray is not None:
        return picture.face_gray
    faces = detected(picture, detector, key=key)
    if not faces:
        st.info(
            "No face was found in this photo; try another one, or another detector.",
            icon=":material/search_off:",
        )
        return None
    return resize_face(align_face(to_gray(picture.image_bgr), choose_face(faces, key=key)))
