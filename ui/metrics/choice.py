"""Which model, split, reading and views the metrics page shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fer_core.errors import FerError
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.fer2013 import PRIVATE_TEST, PUBLIC_TEST, TEST
from train.evaluation.records import Predictions, Verdicts
from train.evaluation.storage import MissingRecord
from ui.common.explorer_data import Record, model_names, model_title, stored
from ui.common.public import without_paths
from ui.common.settings import READING_NAMES, chosen_class_set

MODEL_KEY, SPLIT_KEY = "metrics-model", "metrics-split"
READING_KEY, VIEWS_KEY = "metrics-reading", "metrics-views"
TEST_SPLIT_NAMES = {PRIVATE_TEST: "PrivateTest", PUBLIC_TEST: "PublicTest", TEST: "Both"}
VIEW_NAMES = {
    ONE_VIEW: "One view",
    FLIP: "Mirrored too",
    CROPS: "Ten crops",
}
CHOICES = (MODEL_KEY, SPLIT_KEY, READING_KEY, VIEWS_KEY)
# Where a single picture is looked at, as its label says what it shows.
LABELS_CHOICES = (MODEL_KEY, SPLIT_KEY, VIEWS_KEY)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the visitor looks at.

    Attributes:
        model: Name of the model.
        split: "PublicTest", "PrivateTest" or "test" for both.
        views: One of ``fer_core.tta.VIEW_COUNTS``; of the people's reading the one it is served
            with.
        reading: One of ``fer_core.readings.READINGS``. The labels' is held against FER-2013's
            labels, the people's against what FER+'s crowd decided.
    """

    model: str
    split: str
    views: str
    reading: str = LABELS

    @property
    def title(self) -> str:
        """The choice in words."""
        split = "PublicTest and PrivateTest" if self.split == TEST else self.split
        return f"{titled(self)} on {split}"


def titled(choice: Choice) -> str:
    """Return a model and how it reads in words, where that is not the plainest way."""
    if choice.reading == PEOPLE:
        return f"{model_title(choice.model)}, as people would say"
    views = "" if choice.views == ONE_VIEW else f", {VIEW_NAMES[choice.views].lower()}"
    return model_title(choice.model) + views


def choose(choices: tuple[str, ...] = CHOICES) -> Choice:
    """Draw the choice of model, split, reading and views, as far as it makes a difference.

    Args:
        choices: Those of ``CHOICES`` to draw; model, split and views stay as they were without,
            and the reading is the labels'.
    """
    models = model_names()
    wanted = chosen_class_set()
    model_help = "Two models: one tells seven emotions apart, the other leaves disgust out."
    options: dict[str, tuple[str, list[str], str, Callable[[str], str], str]] = {
        MODEL_KEY: (
            "Model",
            models,
            wanted if wanted in models else models[0],
            model_title,
            model_help,
        ),
        SPLIT_KEY: (
            "Test pictures",
            list(TEST_SPLIT_NAMES),
            PRIVATE_TEST,
            TEST_SPLIT_NAMES.__getitem__,
            "The weight of the people's answers was chosen on PublicTest, so PrivateTest is the "
            "fairer figure.",
        ),
        READING_KEY: (
            "Reading",
            [LABELS, PEOPLE],
            LABELS,
            READING_NAMES.__getitem__,
            "The labels' reading is measured against FER-2013's labels, the people's against what "
            "most of FER+'s ten voters said of the same pictures.",
        ),
        VIEWS_KEY: (
            "Views",
            list(VIEW_NAMES),
            ONE_VIEW,
            VIEW_NAMES.__getitem__,
            "Test-time augmentation: the answers to a picture and its mirror image, or to ten "
            "crops, are averaged. Photos, videos and the camera are read with the mirror image.",
        ),
    }
    chosen = {
        key: st.session_state.get(key) or default for key, (_, _, default, *_) in options.items()
    }
    if READING_KEY not in choices:
        chosen[READING_KEY] = LABELS
    row = st.container(horizontal=True, gap="small")
    for key in choices:
        if key == VIEWS_KEY and chosen[READING_KEY] == PEOPLE:
            continue
        title, values, default, spoken, meaning = options[key]
        picked = row.segmented_control(
            title,
            values,
            default=default,
            required=True,
            format_func=spoken,
            key=key,
            persist_state="session",
            help=meaning,
        )
        chosen[key] = picked or default
    if chosen[READING_KEY] == PEOPLE:
        st.caption(
            "Right is here what FER+'s crowd decided: more than half of its votes, single ones not "
            "counted. Pictures without a decision for one of the emotions are left out. Faces are "
            "read as in the app, with their mirror images."
        )
        chosen[VIEWS_KEY] = FLIP
    return Choice(chosen[MODEL_KEY], chosen[SPLIT_KEY], chosen[VIEWS_KEY], chosen[READING_KEY])


def verdicts_of(choice: Choice, model: str | None = None) -> Verdicts | None:
    """Return what the chosen model, or another one, says; None, and why, where that is unknown."""
    model = model or choice.model
    try:
        part = stored(Predictions, model).split(choice.split)
    except FerError as error:
        st.info(without_paths(str(error)), icon=":material/info:")
        return None
    if choice.reading == LABELS:
        return part.verdicts(choice.views)
    verdicts = part.people_verdicts() if part.answers else None
    if not verdicts:
        st.info(
            "FER+'s votes were not given when this model was measured, or it did not learn from "
            f"them; `python -m train explore {model} --data DATA --votes ferplus.csv` adds them.",
            icon=":material/info:",
        )
        return None
    return verdicts


def stored_or_reason(kind: type[Record], model: str, missing: str) -> Record | None:
    """Return what was found out about a model, or say why it cannot be shown.

    Args:
        kind: As for ``stored``.
        model: Name of the model.
        missing: What to say where it was not measured yet.
    """
    try:
        return stored(kind, model)
    except MissingRecord:
        st.info(missing, icon=":material/info:")
    except FerError as error:
        st.info(without_paths(str(error)), icon=":material/info:")
    return None
