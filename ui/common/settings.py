"""The sidebar that all pages share; its values outlive a change of page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import streamlit as st

from fer_core.detection import DETECTORS, NO_DETECTOR, FaceDetector
from fer_core.errors import FerError
from fer_core.labels import DEFAULT_THRESHOLD, FER6, FER7
from fer_core.readings import DEFAULT_READING, LABELS, PEOPLE
from ui.common.address import (
    kept_choice,
    kept_slider,
    kept_toggle,
    kept_value,
    set_kept_value,
)
from ui.common.public import without_paths
from ui.common.resources import get_classifier, get_detector

DETECTOR_KEY, CLASSES_KEY, THRESHOLD_KEY = "detector", "classes", "threshold"
READING_KEY, CROPS_KEY = "reading", "ready-crops"
ALL_KEYS = (DETECTOR_KEY, CLASSES_KEY, THRESHOLD_KEY, READING_KEY)
# What they are called in the page's address.
_ADDRESS_NAMES = {
    DETECTOR_KEY: "detector",
    CLASSES_KEY: "emotions",
    THRESHOLD_KEY: "threshold",
    READING_KEY: "reading",
    CROPS_KEY: "faces",
}
DETECTOR_NAMES = {
    "auto": "Best available",
    "yunet": "YuNet",
    "haar": "Haar cascades",
    NO_DETECTOR: "none",
}
CLASS_SET_NAMES = {FER7.name: "7 emotions", FER6.name: "6, without disgust"}
READING_NAMES = {PEOPLE: "As people would say", LABELS: "As FER-2013 is labelled"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the visitor chose.

    Attributes:
        detector: The detector to use, loaded.
        class_set: Name of the class set to show.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        reading: What the bars mean, one of ``fer_core.readings.READINGS``.
    """

    detector: FaceDetector
    class_set: str
    threshold: float
    reading: str = DEFAULT_READING


def sidebar(
    *, used: Collection[str] = ALL_KEYS, for_photos: bool = False, with_settings: bool = True
) -> Settings:
    """Draw the settings and return them; a part that cannot be loaded stops the page.

    Args:
        used: The keys of those that act on the page; the others are as they were left elsewhere.
        for_photos: Whether to offer to take pictures as faces.
        with_settings: Whether any acts on the page.
    """
    drawn = frozenset(used if with_settings else ())
    with st.sidebar:
        if drawn:
            st.header("Settings", divider="gray")
        reading = _radio(
            READING_KEY,
            "Reading",
            READING_NAMES,
            drawn,
            help="A bar is the share of people who would choose that emotion, or how probable it "
            "is as the label in FER-2013, which calls many neutral faces angry or sad.",
        )
        threshold = kept_slider(
            "“Uncertain” below",
            0,
            100,
            round(100 * DEFAULT_THRESHOLD),
            5,
            name=_ADDRESS_NAMES[THRESHOLD_KEY],
            format="%d %%",
            key=THRESHOLD_KEY,
            shown=THRESHOLD_KEY in drawn,
            help="A face whose most probable emotion has less than this gets no verdict.",
        )
        advanced = st.expander("Advanced") if drawn & {CLASSES_KEY, DETECTOR_KEY} else st.empty()
    with advanced:
        class_set = _radio(
            CLASSES_KEY,
            "Emotions",
            CLASS_SET_NAMES,
            drawn,
            help="Two models: one tells seven emotions apart, the other leaves disgust out.",
        )
        wanted = _radio(
            DETECTOR_KEY,
            "Face detector",
            {name: DETECTOR_NAMES[name] for name in DETECTORS if name != NO_DETECTOR},
            drawn,
            help="YuNet finds more faces, turned and cut ones too, and their landmarks. "
            "Haar cascades are built in.",
        )
        are_faces = kept_toggle(
            "Pictures are faces already",
            key=CROPS_KEY,
            name=_ADDRESS_NAMES[CROPS_KEY],
            shown=for_photos,
            help="No face is looked for: each picture is read as one face that fills it, as in "
            "FER-2013. For crops made elsewhere, in which detectors miss many faces.",
        )
    try:
        detector = get_detector(NO_DETECTOR if for_photos and are_faces else wanted)
        for loaded in CLASS_SET_NAMES:
            get_classifier(loaded)
    except FerError as error:
        st.error(without_paths(str(error)), icon=":material/error:")
        st.stop()
    if drawn & {CLASSES_KEY, DETECTOR_KEY}:
        advanced.caption(_active_parts(detector, class_set, automatic=wanted == "auto"))
    return Settings(detector, class_set, threshold / 100, reading)


def _radio(key: str, label: str, names: dict[str, str], drawn: Collection[str], **more: Any) -> str:
    """Draw a choice, if it acts on the page, and return what is chosen; at first the first one."""
    return kept_choice(
        st.radio,
        label,
        list(names),
        next(iter(names)),
        key=key,
        name=_ADDRESS_NAMES[key],
        shown=key in drawn,
        format_func=names.__getitem__,
        **more,
    )


def chosen_class_set() -> str:
    """Return the class set that was chosen, on whichever page."""
    options = list(CLASS_SET_NAMES)
    return kept_value(options, options[0], key=CLASSES_KEY, name=_ADDRESS_NAMES[CLASSES_KEY])


def choose_class_set(name: str) -> None:
    """Choose a class set for all pages, as the sidebar does."""
    set_kept_value(name, key=CLASSES_KEY)


def _active_parts(detector: FaceDetector, class_set: str, *, automatic: bool) -> str:
    """Return a line that names the detector and the network in use."""
    sentence = f"Active: detector **{DETECTOR_NAMES[detector.name]}**, network **{class_set}**."
    if detector.name == "haar" and automatic:
        sentence += " `python -m fer_core download` fetches the better YuNet."
    return sentence
