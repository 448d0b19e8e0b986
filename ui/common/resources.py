"""Networks and detectors, loaded once and shared by all visitors; they lock themselves."""

from __future__ import annotations

import streamlit as st

from fer_core.classifier import EmotionClassifier
from fer_core.detection import FaceDetector, load_detector
from fer_core.download import yunet_path
from fer_core.ensemble import EnsembleClassifier, partner_of


@st.cache_resource(show_spinner=False)
def get_classifier(name: str) -> EmotionClassifier:
    """Returns the shared network of a class set.

    Raises:
        ModelError: Its files are missing, damaged, or do not match.
    """
    return EmotionClassifier.load(name)


@st.cache_resource(show_spinner=False)
def get_accurate(name: str) -> EnsembleClassifier:
    """Returns the shared accurate reader of a class set; raises as ``get_classifier``."""
    own = get_classifier(name)
    return EnsembleClassifier(own, get_classifier(partner_of(own)))


def get_detector(name: str) -> FaceDetector:
    """Returns the shared detector of a name in ``fer_core.detection.DETECTORS``.

    Raises:
        DetectorUnavailable: YuNet was asked for and its file is missing or damaged.
    """
    file = yunet_path()
    # With the file's age in the key, one that is fetched meanwhile is found.
    return _load_detector(name, file.stat().st_mtime_ns if file.is_file() else None)


@st.cache_resource(show_spinner=False, max_entries=8)
def _load_detector(name: str, yunet_age: int | None) -> FaceDetector:
    return load_detector(name)
