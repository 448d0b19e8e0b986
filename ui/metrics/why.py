"""Why does it say so? Grad-CAM and occlusion sensitivity over one face."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.detection import FaceDetector
from fer_core.errors import FerError
from fer_core.preprocessing import INPUT_SIZE, resize_face
from fer_core.readings import LABELS
from ui.common.charts import CHART_CONFIG, bars_in_words, probability_bars
from ui.common.images import enlarged
from ui.common.layout import plain
from ui.common.public import without_paths
from ui.common.resources import get_classifier
from ui.common.square import square_image
from ui.common.why import falls_of, falls_shown, looks_of, looks_shown
from ui.metrics.choice import BY_LABELS, Choice
from ui.metrics.faces import choose_face

_SIDE = 5 * INPUT_SIZE


@st.fragment
def why_section(choice: Choice, detector: FaceDetector) -> None:
    """Draw what of a face speaks for an emotion."""
    st.header("Why does it say so?")
    st.caption(BY_LABELS)
    chosen = choose_face(choice, detector, "why")
    if chosen is None:
        return
    face = resize_face(chosen.face_gray)
    classifier = get_classifier(choice.model, LABELS)
    probabilities = classifier.predict([face])[0]
    picture, bars = st.columns([1, 2], gap="large")
    label = f", labelled {chosen.label}" if chosen.label else ""
    caption = f"{plain(chosen.name)}{label}"
    with picture:
        square_image(enlarged(face, _SIDE), caption, key="why-face", width=_SIDE, alt="The face")
    bars.plotly_chart(
        probability_bars(classifier.labels, probabilities),
        key="why-bars",
        config=CHART_CONFIG,
        alt=f"Probabilities: {bars_in_words(classifier.labels, probabilities)}",
    )
    emotion = st.selectbox(
        "What speaks for",
        classifier.labels,
        index=int(probabilities.argmax()),
        format_func=str.capitalize,
        key=f"why-emotion-{chosen.name}-{choice.model}",
        width=220,
    )
    position = classifier.labels.index(emotion)
    left, right = st.columns(2, gap="large")
    with left:
        _grad_cam(choice.model, face, position, emotion)
    with right:
        _occlusion(choice.model, face, position, emotion)


def _grad_cam(model: str, face_gray: NDArray[np.uint8], position: int, emotion: str) -> None:
    st.markdown("**Grad-CAM**")
    st.caption(
        "Where the last feature maps speak for the emotion (Selvaraju et al., 2017). The maps are "
        "coarse, 6 × 6 places or so; the warmest speaks most for it, and one without colour least."
    )
    try:
        values = looks_of(model, LABELS, face_gray, position)
    except FerError as error:
        st.error(without_paths(str(error)), icon=":material/error:")
        return
    if not values.any():
        st.caption(f"Nothing in the maps speaks for {emotion}.")
    said = f"What speaks for {emotion}"
    picture = looks_shown(face_gray, values, _SIDE)
    alt = f"{said}, in warm colours"
    square_image(picture, said, key="why-looks", width=_SIDE, alt=alt)


def _occlusion(model: str, face_gray: NDArray[np.uint8], position: int, emotion: str) -> None:
    st.markdown("**Occlusion sensitivity**")
    st.caption(
        "A grey square moves over the face (Zeiler and Fergus, 2014). Warm: covering it makes the "
        "emotion less probable. Cool: covering it makes it more probable."
    )
    with st.container(horizontal=True):
        window = st.slider("Square, pixels", 4, 24, 12, 2, key="why-window", width=200)
        stride = st.slider("Step, pixels", 1, 8, 6, key="why-stride", width=200)
    with st.spinner("Covering one place after the other …", show_time=True):
        falls = falls_of(model, LABELS, face_gray, position, window, stride)
    said = f"What covering costs {emotion}"
    picture = falls_shown(face_gray, falls, _SIDE)
    alt = f"{said}: warm where it costs most"
    square_image(picture, said, key="why-falls", width=_SIDE, alt=alt)
    st.caption(
        f"Largest fall {100 * max(float(falls.max()), 0):.0f} percentage points, largest rise "
        f"{100 * max(-float(falls.min()), 0):.0f}."
    )
