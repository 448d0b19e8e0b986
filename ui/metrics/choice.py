"""Which model, split and views the metrics page shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fer_core.errors import FerError
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.fer2013 import PRIVATE_TEST, PUBLIC_TEST, TEST
from train.evaluation.records import Predictions, Verdicts
from ui.common.explorer_data import model_names, model_title, stored
from ui.common.settings import CLASSES_KEY

MODEL_KEY, SPLIT_KEY, VIEWS_KEY = "metrics-model", "metrics-split", "metrics-views"
TEST_SPLIT_NAMES = {PRIVATE_TEST: "PrivateTest", PUBLIC_TEST: "PublicTest", TEST: "Both"}
VIEW_NAMES = {
    ONE_VIEW: "One view",
    FLIP: "Mirrored too",
    CROPS: "Ten crops",
}
CHOICES = (MODEL_KEY, SPLIT_KEY, VIEWS_KEY)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the visitor looks at.

    Attributes:
        model: Name of the model.
        split: "PublicTest", "PrivateTest" or "test" for both.
        views: One of ``fer_core.tta.VIEW_COUNTS``.
    """

    model: str
    split: str
    views: str

    @property
    def title(self) -> str:
        """The choice in words."""
        split = "PublicTest and PrivateTest" if self.split == TEST else self.split
        return f"{titled(self.model, self.views)} on {split}"


def titled(model: str, views: str) -> str:
    """Returns a model in words, with its views if there are several."""
    return model_title(model) + ("" if views == ONE_VIEW else f", {VIEW_NAMES[views].lower()}")


def choose(choices: tuple[str, ...] = CHOICES) -> Choice:
    """Draws the choice of model, split and views, as far as it makes a difference.

    Args:
        choices: Those of ``CHOICES`` to draw; the others stay as they were.
    """
    models = model_names()
    wanted = st.session_state.get(CLASSES_KEY)
    model_help = "Two networks: one tells seven emotions apart, the other leaves disgust out."
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
            "The network for seven emotions was watched and calibrated on PublicTest, so "
            "PrivateTest is the fairer figure; for six, nothing was chosen on either.",
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
    if choices:
        row = st.container(horizontal=True, gap="small")
        for key in choices:
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
    return Choice(chosen[MODEL_KEY], chosen[SPLIT_KEY], chosen[VIEWS_KEY])


def verdicts_of(choice: Choice, model: str | None = None) -> Verdicts | None:
    """Returns what the chosen model, or another one, says; None, and why, where that is unknown."""
    try:
        predictions = stored(Predictions, model or choice.model)
    except FerError as error:
        st.info(str(error), icon=":material/info:")
        return None
    return predictions.split(choice.split).verdicts(choice.views)
