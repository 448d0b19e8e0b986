"""The sidebar that all pages share; its values outlive a change of page."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from fer_core.detection import DETECTORS, NO_DETECTOR, FaceDetector
from fer_core.errors import FerError
from fer_core.labels import DEFAULT_THRESHOLD, FER6, FER7
from ui.common.resources import get_classifier, get_detector

DETECTOR_KEY, CLASSES_KEY, THRESHOLD_KEY = "detector", "classes", "threshold"
ACCURATE_KEY, CROPS_KEY = "accurate", "ready-crops"
DETECTOR_NAMES = {
    "auto": "Best available",
    "yunet": "YuNet",
    "haar": "Haar cascades",
    NO_DETECTOR: "none",
}
CLASS_SET_NAMES = {FER7.name: "7 emotions", FER6.name: "6, without disgust"}


PAGES = (
    ("app.py", "Home", ":material/home:"),
    ("pages/1_Photo.py", "Photo", ":material/photo_camera:"),
    ("pages/2_Video.py", "Video", ":material/movie:"),
    ("pages/3_Live.py", "Live", ":material/videocam:"),
    ("pages/4_Metrics.py", "Metrics", ":material/monitoring:"),
    ("pages/5_Data_set.py", "Data set", ":material/dataset:"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the visitor chose.

    Attributes:
        detector: The detector to use, loaded.
        class_set: Name of the class set to show.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        accurate: Whether photos are read by ``fer_core.ensemble``.
    """

    detector: FaceDetector
    class_set: str
    threshold: float
    accurate: bool = False


def sidebar(*, for_photos: bool = False) -> Settings:
    """Draws the settings and returns them; a part that cannot be loaded stops the page.

    Args:
        for_photos: Whether to offer the accurate reading, which is too slow for videos, and to
            take pictures as faces.
    """
    with st.sidebar:
        # Streamlit's own list would call the home page "app", after its file.
        for page, label, icon in PAGES:
            st.page_link(page, label=label, icon=icon)
        st.header("Settings", divider="gray")
        class_set = st.radio(
            "Emotions",
            list(CLASS_SET_NAMES),
            format_func=CLASS_SET_NAMES.__getitem__,
            key=CLASSES_KEY,
            persist_state="session",
            help="Two networks: one tells seven emotions apart, the other leaves disgust out.",
        )
        threshold = st.slider(
            "“Uncertain” below",
            0,
            100,
            round(100 * DEFAULT_THRESHOLD),
            5,
            format="%d %%",
            key=THRESHOLD_KEY,
            persist_state="session",
            help="A face whose most probable emotion has less than this gets no verdict.",
        )
        name = st.radio(
            "Face detector",
            [name for name in DETECTORS if name != NO_DETECTOR],
            format_func=DETECTOR_NAMES.__getitem__,
            key=DETECTOR_KEY,
            persist_state="session",
            help="YuNet finds more faces, turned and cut ones too, and their landmarks. "
            "Haar cascades are built in.",
        )
        are_faces = for_photos and st.toggle(
            "Pictures are faces already",
            key=CROPS_KEY,
            persist_state="session",
            help="No face is looked for: each picture is read as one face that fills it, as in "
            "FER-2013. For crops made elsewhere, in which detectors miss many faces.",
        )
    try:
        detector = get_detector(NO_DETECTOR if are_faces else name)
        for loaded in CLASS_SET_NAMES:
            get_classifier(loaded)
    except FerError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    with st.sidebar:
        accurate = for_photos and st.toggle(
            "Accurate",
            key=ACCURATE_KEY,
            persist_state="session",
            help="Both networks read ten crops of each face, and their mean counts: twenty times "
            "the work, and more often right. The metrics page says how much.",
        )
        st.caption(active_parts(detector, class_set))
    return Settings(detector, class_set, threshold / 100, accurate)


def active_parts(detector: FaceDetector, class_set: str) -> str:
    """Returns a line that names the detector and the network in use."""
    sentence = f"Active: detector **{DETECTOR_NAMES[detector.name]}**, network **{class_set}**."
    if detector.name == "haar" and st.session_state.get(DETECTOR_KEY, "auto") == "auto":
        sentence += " `python -m fer_core download` fetches the better YuNet."
    return sentence
