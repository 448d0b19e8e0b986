"""The way of a face from the picture to the network, step by step."""

from __future__ import annotations

import cv2
import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer_core.alignment import FRAME_LANDMARKS, align_face
from fer_core.classifier import EmotionClassifier
from fer_core.images import to_gray
from fer_core.preprocessing import INPUT_SIZE, normalize_faces, resize_face
from fer_core.types import DetectedFace
from ui.common.charts import CHART_CONFIG, bars_in_words, probability_bars
from ui.common.images import enlarged
from ui.common.layout import plain
from ui.common.resources import get_classifier
from ui.common.settings import DETECTOR_NAMES, Settings
from ui.common.square import square_image
from ui.dataset.faces import Picture, choose_face, choose_picture, detected
from ui.dataset.state import Collection

_KEY = "pipeline"
# Three fit beside each other.
_SHOWN_SIDE = 5 * INPUT_SIZE
_LONGEST = 1000
_BOX_BGR, _POINT_BGR = (40, 160, 255), (60, 220, 60)
# As much of the network's input as the greys of a screen can show, in standard deviations.
_SHOWN_DEVIATIONS = 2.5


def show_pipeline(found: Collection, settings: Settings) -> None:
    """Draw the steps for a picture that the visitor chooses."""
    picture = choose_picture(found, key=_KEY)
    if picture is None:
        return
    if picture.face_gray is not None:
        st.caption(
            "A data-set picture is a face already. To go the whole way with it, it is enlarged "
            "four times in the middle of a larger canvas, its border repeated."
        )
    faces = detected(picture, settings.detector, key=_KEY)
    if not faces:
        _show(picture.image_bgr, plain(picture.name), "The picture")
        st.info(
            "The detector finds no face in it; try another picture or, in the sidebar, another "
            "detector.",
            icon=":material/search_off:",
        )
        return
    face = choose_face(faces, key=_KEY)
    aligned = align_face(to_gray(picture.image_bgr), face)
    left, right = st.columns([3, 2])
    with left:
        _detection(picture, face, settings.detector.name)
    with right:
        _alignment(aligned, face)
    _normalisation(aligned)
    _network(picture, aligned, get_classifier(settings.class_set, settings.reading))


def _detection(picture: Picture, face: DetectedFace, detector: str) -> None:
    st.markdown("**1 · Detect**")
    _show(
        draw_face(picture.image_bgr, face),
        plain(picture.name),
        "The picture with the face's box and landmarks",
    )
    points = 0 if face.landmarks is None else int(np.isfinite(face.landmarks).all(axis=1).sum())
    st.caption(
        f"{DETECTOR_NAMES[detector]} is {face.score:.0%} sure of a face of {face.box.width:.0f}×"
        f"{face.box.height:.0f} pixels and finds {points} of its 5 landmarks."
    )


def _alignment(aligned: NDArray[np.uint8], face: DetectedFace) -> None:
    st.markdown("**2 · Align**")
    square_image(
        draw_frame_landmarks(aligned),
        f"{aligned.shape[1]}×{aligned.shape[0]} pixels, in FER-2013's frame",
        key="pipeline-aligned",
        channels="BGR",
        width=_SHOWN_SIDE,
        alt="The aligned face with the places where landmarks belong",
    )
    by = "its landmarks come as near as they can" if face.landmarks is not None else "its box comes"
    st.caption(
        f"The face is turned, scaled and moved so that {by} to where FER-2013's pictures have "
        "theirs (the green points)."
    )


def _normalisation(aligned: NDArray[np.uint8]) -> None:
    small = resize_face(aligned)
    values = normalize_faces([aligned])[0, :, :, 0]
    st.markdown("**3 · Resize and normalise**")
    with st.container(horizontal=True):
        square_image(
            enlarged(small, _SHOWN_SIDE),
            f"48×48 pixels: mean {small.mean():.0f}, deviation {small.std():.0f}",
            key="pipeline-small",
            width=_SHOWN_SIDE,
            alt="The face in 48×48 pixels",
        )
        square_image(
            enlarged(as_seen(values), _SHOWN_SIDE),
            f"Input: mean {abs(values.mean()):.2f}, deviation {values.std():.2f}",
            key="pipeline-input",
            width=_SHOWN_SIDE,
            alt="The same, as the network gets it",
        )
        with st.container(width=_SHOWN_SIDE):
            st.plotly_chart(
                _histogram(values),
                key="pipeline-values",
                config=CHART_CONFIG,
                alt="Histogram of the network's input: "
                f"{np.mean(np.abs(values) <= 1):.0%} of the values lie between -1 and 1",
            )
    st.caption(
        "Every face gets mean 0 and deviation 1, so that a dark or a pale photo looks to the "
        "network like any other. Training pictures go through the same function."
    )


def _network(picture: Picture, aligned: NDArray[np.uint8], classifier: EmotionClassifier) -> None:
    st.markdown("**4 · Classify**")
    faces = {"Through all steps": aligned}
    if picture.face_gray is not None:
        faces["The 48×48 picture itself, without the first two steps"] = picture.face_gray
    for column, (title, face) in zip(st.columns(len(faces)), faces.items(), strict=True):
        with column:
            st.caption(title)
            probabilities = classifier.predict([face])[0]
            st.plotly_chart(
                probability_bars(classifier.labels, probabilities),
                key=f"pipeline-{title}",
                config=CHART_CONFIG,
                alt=f"Probabilities: {bars_in_words(classifier.labels, probabilities)}",
            )


def draw_face(image_bgr: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.uint8]:
    """Return a copy of a picture with a face's box and landmarks.

    Args:
        image_bgr: uint8 ``(H, W, 3)``.
        face: In its pixels.
    """
    drawn = image_bgr.copy()
    unit = max(2, round(max(drawn.shape[:2]) / 300))
    x1, y1, x2, y2 = (round(value) for value in face.box.xyxy)
    cv2.rectangle(drawn, (x1, y1), (x2, y2), _BOX_BGR, unit)
    for x, y in () if face.landmarks is None else face.landmarks:
        if np.isfinite([x, y]).all():
            cv2.circle(drawn, (round(x), round(y)), 2 * unit, _POINT_BGR, -1, cv2.LINE_AA)
    return drawn


def draw_frame_landmarks(aligned_gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an aligned face, enlarged, with the places where landmarks belong.

    Args:
        aligned_gray: uint8 ``(S, S)``, as ``align_face`` returns it.

    Returns:
        BGR uint8 ``(240, 240, 3)``.
    """
    shown = cv2.resize(aligned_gray, (_SHOWN_SIDE, _SHOWN_SIDE), interpolation=cv2.INTER_AREA)
    drawn = cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR)
    for x, y in FRAME_LANDMARKS * _SHOWN_SIDE / INPUT_SIZE:
        cv2.circle(drawn, (round(x), round(y)), 4, _POINT_BGR, -1, cv2.LINE_AA)
    return np.asarray(drawn, np.uint8)


def as_seen(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the network's input ``(48, 48)`` as grey levels, 2.5 deviations around the mean."""
    levels = 127.5 * (1 + values / _SHOWN_DEVIATIONS)
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def _histogram(values: NDArray[np.float32]) -> go.Figure:
    counts, edges = np.histogram(values, bins=40, range=(-4, 4))
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            marker_color="#2779B5",
            hovertemplate="%{x:.1f}: %{y} pixels<extra></extra>",
        )
    )
    figure.update_layout(
        height=220,
        margin={"l": 0, "r": 8, "t": 4, "b": 0},
        bargap=0.05,
        xaxis={"title": "value in the network's input", "fixedrange": True},
        yaxis={"title": "pixels", "fixedrange": True},
    )
    return figure


def _show(image_bgr: NDArray[np.uint8], caption: str, alt: str) -> None:
    shown = _fitted(image_bgr)
    height, width = shown.shape[:2]
    if height == width:
        # As the example that the page begins with.
        square_image(shown, caption, key="picture", width="stretch", alt=alt, channels="BGR")
    else:
        st.image(shown, caption, channels="BGR", alt=alt)


def _fitted(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(1.0, _LONGEST / max(image_bgr.shape[:2]))
    shown = cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(shown, np.uint8)
