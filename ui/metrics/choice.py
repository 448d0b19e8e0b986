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
from ui.common.address import kept_choice, kept_value, set_kept_value
from ui.common.explorer_data import Record, model_names, model_title, stored
from ui.common.public import without_paths
from ui.common.settings import CLASS_SET_NAMES, choose_class_set, chosen_class_set

PAGE = "Metrics"
MODEL_KEY, SPLIT_KEY = "metrics-model", "metrics-split"
READING_KEY, VIEWS_KEY = "metrics-reading", "metrics-views"
TEST_SPLIT_NAMES = {PRIVATE_TEST: "PrivateTest", PUBLIC_TEST: "PublicTest", TEST: "Both"}
VIEW_NAMES = {
    ONE_VIEW: "One view",
    FLIP: "Mirrored too",
    CROPS: "Ten crops",
}
MEASURE_NAMES = {LABELS: "FER-2013's labels", PEOPLE: "What people say"}
CHOICES = (MODEL_KEY, SPLIT_KEY, READING_KEY, VIEWS_KEY)
MODEL_ONLY = (MODEL_KEY,)
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
    views: str = ONE_VIEW
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


def choose(choices: tuple[str, ...] = CHOICES) -> Choice:
    """Draw the choice of model, split, reading and views, as far as they make a difference.

    Args:
        choices: ``CHOICES``, or ``MODEL_ONLY`` where the others make none; they are then as in
            ``Choice``.
    """
    model_in_view()
    row = st.container(horizontal=True, gap="small")
    model = _pick(
        row,
        MODEL_KEY,
        "network",
        "Network",
        {name: model_title(name) for name in model_names()},
        "One tells seven emotions apart, the other leaves disgust out. It is the choice of the "
        "other pages, too.",
        shown=MODEL_KEY in choices,
    )
    split = _pick(
        row,
        SPLIT_KEY,
        "pictures",
        "Test pictures",
        TEST_SPLIT_NAMES,
        "The weight of the people's answers was chosen on PublicTest, so PrivateTest is the "
        "fairer figure.",
        shown=SPLIT_KEY in choices,
    )
    reading = _pick(
        row,
        READING_KEY,
        "against",
        "Held against",
        MEASURE_NAMES,
        "The labels' reading is measured against FER-2013's labels, the people's against what "
        "most of FER+'s ten voters said of the same pictures.",
        shown=READING_KEY in choices,
    )
    by_people = READING_KEY in choices and reading == PEOPLE
    views = _pick(
        row,
        VIEWS_KEY,
        "views",
        "Views",
        VIEW_NAMES,
        "Test-time augmentation: the answers to a picture and its mirror image, or to ten "
        "crops, are averaged. Photos, videos and the camera are read with the mirror image.",
        shown=VIEWS_KEY in choices and not by_people,
    )
    if by_people:
        st.caption(
            "Right is here what FER+'s crowd decided: more than half of its votes, single ones not "
            "counted. Pictures without a decision for one of the emotions are left out. Faces are "
            "read as in the app, with their mirror images."
        )
        views = FLIP
    return Choice(model, split, views, reading) if choices == CHOICES else Choice(model)


def _pick(
    row: DeltaGenerator,
    key: str,
    name: str,
    label: str,
    titles: dict[str, str],
    meaning: str,
    *,
    shown: bool,
) -> str:
    return kept_choice(
        row.selectbox,
        label,
        list(titles),
        next(iter(titles)),
        key=key,
        name=name,
        page=PAGE,
        shown=shown,
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
