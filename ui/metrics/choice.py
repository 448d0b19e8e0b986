"""Which model, split and views the metrics page shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.errors import FerError
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.fer2013 import PRIVATE_TEST, PUBLIC_TEST, TEST
from ui.common.explorer_data import model_names, model_title, predictions_of
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


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a model says of N pictures.

    Attributes:
        names: str ``(N,)``.
        emotions: The K labels.
        labels: int64 ``(N,)``, positions in ``emotions``.
        probabilities: float32 ``(N, K)``.
    """

    names: NDArray[np.str_]
    emotions: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """int64 ``(N,)``, the most probable emotions."""
        return self.probabilities.argmax(axis=1)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """bool ``(N,)``, whether each is right."""
        return self.predicted == self.labels

    def where(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Verdicts:
        """Returns the rows that a mask or a list of positions selects."""
        return Verdicts(
            self.names[rows], self.emotions, self.labels[rows], self.probabilities[rows]
        )

    def words(self) -> NDArray[np.str_]:
        """Returns the labels in words, str ``(N,)``."""
        return np.array(self.emotions)[self.labels]


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
        predictions = predictions_of(model or choice.model)
    except FerError as error:
        st.info(str(error), icon=":material/info:")
        return None
    part = predictions.split(choice.split)
    return Verdicts(
        part.names,
        part.class_set.labels,
        part.labels,
        part.by_views[choice.views],
    )
