"""The parts of the home page."""

from __future__ import annotations

import json

import streamlit as st

from fer_core.classifier import MODELS_DIR
from fer_core.labels import CLASS_SETS
from ui.photos import annotated_bgr, read_photo, sample_uploads, with_threshold
from ui.resources import get_classifier
from ui.settings import CLASS_SET_NAMES, Settings


def example(settings: Settings) -> None:
    """Draws a sample photo with what the app reads in it."""
    sample = sample_uploads()[0]
    classifiers = {settings.class_set: get_classifier(settings.class_set)}
    reading = read_photo(sample.content, settings.detector, classifiers)
    if reading.error:
        st.error(reading.error)
        return
    frame = with_threshold(reading.frames[settings.class_set], settings.threshold)
    st.image(
        annotated_bgr(sample.content, frame),
        "Eileen Collins, astronaut (NASA)",
        channels="BGR",
        width="stretch",
    )


def limits() -> None:
    """Says what readings are worth and what they must not be used for."""
    with st.container(border=True):
        st.markdown(
            "**What it must not be used for**\n\n"
            "- The app reads *expressions*, not feelings: a smile is not happiness, and people "
            "show the same feeling differently.\n"
            "- Make no decision about a person with it: none about work, school, credit, "
            "health, safety or guilt.\n"
            "- The EU's AI Act forbids inferring emotions at workplaces and in education "
            "(Article 5(1)(f)); other laws may forbid more.\n"
            "- It is wrong often, and not equally often for everybody: see the figures below, "
            "and the model card in the repository."
        )


def metrics() -> None:
    """Draws each shipped network's measured accuracy."""
    st.subheader("How good it is")
    for name in CLASS_SETS:
        path = MODELS_DIR / name / "metrics.json"
        if path.is_file():
            st.markdown(f"**{CLASS_SET_NAMES[name]}**")
            st.json(json.loads(path.read_text(encoding="utf-8")), expanded=False)
