"""The parts of the home page."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import streamlit as st

from fer_core.classifier import METRICS_FILE, MODELS_DIR
from fer_core.drawing import draw_frame
from fer_core.images import read_image
from fer_core.limits import LIMITS
from fer_core.pipeline import analyze_image
from ui.common.charts import CHART_CONFIG, probability_bars
from ui.common.explorer_data import HEADLINE_SPLITS
from ui.common.resources import get_classifier
from ui.common.samples import sample_uploads
from ui.common.settings import CLASS_SET_NAMES, Settings


def example(settings: Settings) -> None:
    """Draw a sample photo with what the app reads in it."""
    image_bgr = read_image(sample_uploads()[0].content).image_bgr
    frame = analyze_image(
        image_bgr,
        detector=settings.detector,
        classifier=get_classifier(settings.class_set, settings.reading),
    )
    st.image(
        draw_frame(image_bgr, frame, threshold=settings.threshold),
        "Eileen Collins, astronaut (NASA)",
        channels="BGR",
        width="stretch",
    )


def limits() -> None:
    """Say what readings are worth and what they must not be used for."""
    with st.container(border=True):
        points = "".join(f"\n- {sentence}" for sentence in LIMITS)
        st.markdown(
            f"**What it must not be used for**\n{points} See the figures below, and the model card "
            "in the repository."
        )


def metrics() -> None:
    """Draw each shipped network's measured accuracy; nothing where it was not measured."""
    st.subheader("How good it is")
    st.markdown(
        "Measured on FER-2013's test pictures, one view of each. People reach 65 ± 5 % on this "
        "data set (Goodfellow et al., 2013): its labels are disputed, and so are these figures."
    )
    for column, (name, split) in zip(
        st.columns(len(HEADLINE_SPLITS)), HEADLINE_SPLITS.items(), strict=True
    ):
        path = MODELS_DIR / name / METRICS_FILE
        if path.is_file():
            with column.container(border=True):
                _headline(name, json.loads(path.read_text(encoding="utf-8"))[split]["one view"])


def _headline(name: str, figures: dict[str, Any]) -> None:
    low, high = figures["accuracy_interval"]
    split = "Public and PrivateTest" if figures["split"] == "test" else figures["split"]
    st.metric(CLASS_SET_NAMES[name], f"{figures['accuracy']:.1%}", help=figures["protocol"])
    st.markdown(
        f"of {figures['pictures']:,} pictures of {split} (95 % interval {low:.1%} to {high:.1%}), "
        f"macro-F1 {figures['macro_f1']:.2f}, calibration error {figures['ece']:.3f}. "
        "Found of each emotion:"
    )
    recall = [figures["per_class"][label]["recall"] for label in figures["labels"]]
    st.plotly_chart(
        probability_bars(figures["labels"], np.array(recall)),
        key=f"recall-{name}",
        config=CHART_CONFIG,
    )
