"""Which model, split, reading and views the metrics page shows."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.errors import FerError
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.fer2013 import PRIVATE_TEST, PUBLIC_TEST, TEST
from train.evaluation.records import Predictions, Verdicts
from train.evaluation.storage import MissingRecord
from ui.common.address import draw_kept, kept_choice, kept_value, set_kept_value
from ui.common.explorer_data import Record, model_names, model_title, stored
from ui.common.public import without_paths
from ui.common.settings import (
    CLASS_SET_NAMES,
    READING_KEY,
    choose_class_set,
    chosen_class_set,
)

PAGE = "Metrics"
MODEL_KEY, SPLIT_KEY = "metrics-model", "metrics-split"
VIEWS_KEY = "metrics-views"
TEST_SPLIT_NAMES = {PRIVATE_TEST: "PrivateTest", PUBLIC_TEST: "PublicTest", TEST: "Both"}
# First what is served.
VIEW_NAMES = {
    FLIP: "Mirrored too",
    ONE_VIEW: "One view",
    CROPS: "Ten crops",
}
# Said where a part of the page has but one reading.
BY_LABELS = (
    "Faces are read here as FER-2013 is labelled, whichever reading is chosen elsewhere: the bars "
    "may differ from those of the photo page."
)
MEASURE_NAMES = {PEOPLE: "What people say", LABELS: "FER-2013's labels"}
_FOLLOWED_KEY = "metrics-followed"
# Two fit beside each other on a telephone.
_WIDTH = 170


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
    split: str = TEST
    views: str = FLIP
    reading: str = LABELS

    @property
    def title(self) -> str:
        """The choice in words."""
        split = "PublicTest and PrivateTest" if self.split == TEST else self.split
        against = "what people say" if self.reading == PEOPLE else "FER-2013's labels"
        return f"{titled(self)} on {split}, by {against}"


def titled(choice: Choice) -> str:
    """Return a model in words, and how it reads where that is not as it is served."""
    views = "" if choice.views == FLIP else f", {VIEW_NAMES[choice.views].lower()}"
    return model_title(choice.model) + views


def model_in_view() -> str:
    """Return the model that the page shows: the one chosen last, here or in a sidebar."""
    models, wanted = model_names(), chosen_class_set()
    if wanted in models and wanted != st.session_state.get(_FOLLOWED_KEY):
        st.session_state[_FOLLOWED_KEY] = wanted
        # Before the first choice on this page, its address comes first.
        if st.session_state.get(f"{MODEL_KEY}-kept"):
            set_kept_value(wanted, key=MODEL_KEY)
    default = wanted if wanted in models else models[0]
    model = kept_value(models, default, key=MODEL_KEY, name="network")
    if model in CLASS_SET_NAMES and model != wanted:
        choose_class_set(model)
        st.session_state[_FOLLOWED_KEY] = model
    return model


def choose_model() -> Choice:
    """Draw the choice of the model alone, where nothing else makes a difference."""
    return Choice(_choose_model(st.container(horizontal=True, gap="small")))


def choose(reading: str) -> Choice:
    """Draw the choice of model, test pictures, what they are held against, and views.

    Args:
        reading: The one that the visitor chose last, here or in a sidebar.
    """
    row = st.container(horizontal=True, gap="small")
    model = _choose_model(row)
    split = _pick(
        row,
        SPLIT_KEY,
        "pictures",
        "Test pictures",
        TEST_SPLIT_NAMES,
        "The weight of the people's answers was chosen on PublicTest, so PrivateTest is the "
        "fairer figure.",
    )
    # In place of the sidebar's own choice of it.
    draw_kept(
        row.selectbox,
        "Held against",
        list(MEASURE_NAMES),
        reading,
        key=READING_KEY,
        format_func=MEASURE_NAMES.__getitem__,
        width=_WIDTH,
        help="What people say: the bars as people would say, against what most of FER+'s ten "
        "voters said. FER-2013's labels, the benchmark: the bars as FER-2013 is labelled, against "
        "these labels. It is the reading of the other pages, too.",
    )
    if reading == PEOPLE:
        st.caption(
            "Right is here what FER+'s crowd decided: more than half of its votes, single ones not "
            "counted. Pictures without a decision for one of the emotions are left out. Faces are "
            "read as in the app, with their mirror images."
        )
        return Choice(model, split, FLIP, reading)
    views = _pick(
        row,
        VIEWS_KEY,
        "views",
        "Views",
        VIEW_NAMES,
        "Test-time augmentation: the answers to a picture and its mirror image, or to ten "
        "crops, are averaged. Photos, videos and the camera are read with the mirror image.",
    )
    return Choice(model, split, views, reading)


def _choose_model(row: DeltaGenerator) -> str:
    return _pick(
        row,
        MODEL_KEY,
        "network",
        "Network",
        {name: model_title(name) for name in model_names()},
        "One tells seven emotions apart, the other leaves disgust out. It is the choice of the "
        "other pages, too.",
    )


def _pick(
    row: DeltaGenerator,
    key: str,
    name: str,
    label: str,
    titles: dict[str, str],
    meaning: str,
) -> str:
    return kept_choice(
        row.selectbox,
        label,
        list(titles),
        next(iter(titles)),
        key=key,
        name=name,
        page=PAGE,
        format_func=titles.__getitem__,
        width=_WIDTH,
        help=meaning,
    )


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
