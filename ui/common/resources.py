"""Networks and detectors, loaded once and shared by all visitors; they lock themselves."""

from __future__ import annotations

import streamlit as st

from fer_core.classifier import EmotionClassifier
from fer_core.detection import FaceDetector, load_detector
from fer_core.download import yunet_path
from fer_core.readings import DEFAULT_READING, LABELS


@st.cache_resource(show_spinner=False)
def get_classifier(name: str, reading: str = DEFAULT_READING) -> EmotionClassifier:
    """Return the shared model of a class set, with one of its readings.

    Args:
        name: Name of the model.
        reading: One of ``fer_core.readings.READINGS``.

    Raises:
        ModelError: Its files are missing, damaged, or do not match; or it cannot give the reading.
    """
    if reading != LABELS:
        return get_classifier(name, LABELS).with_reading(reading)
    return EmotionClassifier.load(name, reading=LABELS)


def get_detector(name: str) -> FaceDetector:
    """Return the shared detector of a name in ``fer_core.detection.DETECTORS``.

    Raises:
        DetectorUnavailable: YuNet was asked for and its file is missing or damaged.
    """
    file = yunet_path()
    # With the file's age in the key, one that is fetched meanwhile is found.
    return _load_detector(name, file.stat().st_mtime_ns if file.is_file() else None)


@st.cache_resource(show_spinner=False, max_entries=8)
def _load_detector(name: str, yunet_age: int | None) -> FaceDetector:
    return load_detector(name)
