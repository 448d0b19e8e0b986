"""The sections of the metrics page, of which only the chosen one is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from ui.common.settings import Settings
from ui.metrics.choice import CHOICES, LABELS_CHOICES, MODEL_KEY, Choice
from ui.metrics.classes import classes_section
from ui.metrics.compare import compare_section
from ui.metrics.confidence import confidence_section
from ui.metrics.confusion import confusion_section
from ui.metrics.crowd import crowd_section
from ui.metrics.network import network_section
from ui.metrics.overview import overview_section
from ui.metrics.own import own_section
from ui.metrics.robustness import robustness_section
from ui.metrics.training import training_section
from ui.metrics.why import why_section
from ui.metrics.wild import wild_section

SECTION_KEY = "metrics-section"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        icon: A Material symbol.
        draw: Draws it.
        choices: What there is to choose for it, of ``ui.metrics.choice.CHOICES``.
    """

    icon: str
    draw: Callable[[Choice, Settings], None]
    choices: tuple[str, ...] = CHOICES


SECTIONS = {
    "Figures": Section(":material/speed:", lambda choice, _: overview_section(choice)),
    "Confusions": Section(":material/grid_on:", lambda choice, _: confusion_section(choice)),
    "Emotions": Section(":material/mood:", lambda choice, _: classes_section(choice)),
    "Confidence": Section(
        ":material/percent:", lambda choice, s: confidence_section(choice, s.threshold)
    ),
    "Crowd": Section(":material/groups:", lambda choice, _: crowd_section(choice), (MODEL_KEY,)),
    "In the wild": Section(
        ":material/public:", lambda choice, _: wild_section(choice), (MODEL_KEY,)
    ),
    "Compare": Section(":material/compare:", lambda choice, _: compare_section(choice)),
    "Robustness": Section(
        ":material/blur_on:",
        lambda choice, s: robustness_section(choice, s.detector),
        LABELS_CHOICES,
    ),
    "Why": Section(
        ":material/help:", lambda choice, s: why_section(choice, s.detector), LABELS_CHOICES
    ),
    "Network": Section(
        ":material/lan:", lambda choice, _: network_section(choice.model), (MODEL_KEY,)
    ),
    "Training": Section(":material/show_chart:", lambda *_: training_section(), ()),
    "Your own": Section(
        ":material/folder_zip:", lambda choice, s: own_section(choice.model, s), (MODEL_KEY,)
    ),
}


def choose_section() -> Section:
    """Draw the choice of a section, and return it."""
    names = list(SECTIONS)
    chosen = st.segmented_control(
        "Section",
        names,
        default=names[0],
        required=True,
        format_func=lambda name: f"{SECTIONS[name].icon} {name}",
        key=SECTION_KEY,
        label_visibility="collapsed",
        persist_state="session",
    )
    return SECTIONS[chosen or names[0]]
