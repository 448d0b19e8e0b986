"""One face on the photo page: from the picture to the network's input, and what it reads."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.images import encode_png
from fer_core.preprocessing import INPUT_SIZE, normalize_faces
from fer_core.types import FaceReading
from ui.common.charts import CHART_CONFIG, probability_bars
from ui.common.layout import verdict_line
from ui.common.settings import CLASS_SET_NAMES

_SHOWN_WIDTH = 88
_SIDE = 6 * INPUT_SIZE


def face_card(
    number: int,
    crop: bytes,
    readings: dict[str, FaceReading],
    *,
    threshold: float,
    key: str,
) -> None:
    """Draw a card.

    Args:
        number: The face's number in its picture, from 1.
        crop: The face with a margin, as a JPEG.
        readings: The face as read by one or more networks, by the name of the class set; the
            first one's verdict heads the card.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        key: Unique on the page.
    """
    face = next(iter(readings.values()))
    with st.container(border=True, key=key):
        st.markdown(f"**Face {number}** — {verdict_line(face, threshold)}", unsafe_allow_html=True)
        pictures, charts = st.columns([1, len(readings)])
        with pictures:
            with st.container(horizontal=True, gap="xsmall"):
                st.image(crop, "Crop", width=_SHOWN_WIDTH)
                st.image(_enlarged(face.aligned_gray), "Aligned", width=_SHOWN_WIDTH)
                st.image(_enlarged(_as_seen(face)), "Network input", width=_SHOWN_WIDTH)
            for finding in face.quality:
                st.caption(f":material/warning: {finding.reason}")
            if not face.quality:
                st.caption(":material/check: No quality problem found.")
        with charts:
            for column, (name, reading) in zip(
                st.columns(len(readings)), readings.items(), strict=True
            ):
                with column:
                    if len(readings) > 1:
                        st.caption(f"{CLASS_SET_NAMES[name]}: **{reading.verdict(threshold)}**")
                    st.plotly_chart(
                        probability_bars(reading.labels, reading.probabilities.vector, threshold),
                        key=f"{key}-{name}",
                        config=CHART_CONFIG,
                        alt=_spoken(reading),
                    )


def _as_seen(face: FaceReading) -> NDArray[np.uint8]:
    """Return the normalised input, 2.5 deviations around the mean, as grey levels."""
    values = normalize_faces([face.aligned_gray])[0, :, :, 0]
    return np.asarray(np.clip(127.5 + values * 51, 0, 255), np.uint8)


def _enlarged(gray: NDArray[np.uint8]) -> bytes:
    """Return a PNG in which the pixels of a small picture can be seen."""
    shown = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST_EXACT)
    return encode_png(np.asarray(shown, np.uint8))


def _spoken(face: FaceReading) -> str:
    """Return the bars as a sentence, for screen readers."""
    said = (f"{label} {value:.0%}" for label, value in face.probabilities.items())
    return f"Probabilities: {', '.join(said)}"
