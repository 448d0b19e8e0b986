"""Why does it say so? Grad-CAM and occlusion sensitivity over one face."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.classifier import MODELS_DIR
from fer_core.detection import FaceDetector
from fer_core.errors import FerError
from fer_core.preprocessing import INPUT_SIZE, resize_face
from fer_core.readings import LABELS
from train.evaluation.explain import grad_cam, load_network
from ui.common.charts import CHART_CONFIG, bars_in_words, probability_bars
from ui.common.images import enlarged
from ui.common.layout import plain
from ui.common.public import without_paths
from ui.common.resources import get_classifier
from ui.common.square import square_image
from ui.common.why import falls_of, falls_shown, overlay
from ui.metrics.choice import BY_LABELS, Choice
from ui.metrics.faces import choose_face

# Once the visitor asked for Keras, other faces are explained without asking again.
_ASKED_KEY = "metrics-keras"
_SIDE = 5 * INPUT_SIZE
_SEEN_AFTER_S = 0.3


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
        "coarse, 6 × 6 places or so, and warm colours mark the strongest, however weak it is."
    )
    if not st.session_state.get(_ASKED_KEY):
        st.markdown("It needs Keras and TensorFlow, which take a moment and some memory to load.")
        st.button("Load Keras and explain", icon=":material/neurology:", on_click=_ask_for_keras)
        return
    with st.spinner("Asking Keras, which takes some seconds at first …", show_time=True):
        try:
            network = _network(model, _age(model))
        except FerError as error:
            st.error(without_paths(str(error)), icon=":material/error:")
            return
        values = grad_cam(network, face_gray, position)
    if not values.any():
        st.caption(f"Nothing in the maps speaks for {emotion}.")
    said = f"What speaks for {emotion}"
    st.image(overlay(face_gray, values, _SIDE), said, width=_SIDE, alt=f"{said}, in warm colours")


def _ask_for_keras() -> None:
    st.session_state[_ASKED_KEY] = True


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


def _age(model: str) -> int:
    file = MODELS_DIR / model / "model.keras"
    return file.stat().st_mtime_ns if file.is_file() else 0


@st.cache_resource(show_spinner=False, max_entries=4)
def _network(model: str, age: int) -> Any:
    # What says so has to be on its way: while TensorFlow is loaded, other threads stand still.
    time.sleep(_SEEN_AFTER_S)
    # TensorFlow's own copy of OpenSSL would take the place of the one in pylibsrtp, and end the
    # process, were the live page opened afterwards; loaded first, each keeps its own.
    import pylibsrtp  # noqa: F401

    return load_network(MODELS_DIR / model)
