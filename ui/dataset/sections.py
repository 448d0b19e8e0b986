"""The sections of the data set page, of which only the chosen one is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from ui.common.address import kept_choice, kept_value
from ui.common.opened_picture import close_picture
from ui.common.settings import CLASSES_KEY, DETECTOR_KEY, READING_KEY, Settings
from ui.dataset.audit import show_audit
from ui.dataset.augment import show_augmentation
from ui.dataset.browser import browse
from ui.dataset.map import show_map
from ui.dataset.means import show_means
from ui.dataset.overview import show_overview
from ui.dataset.pipeline import show_pipeline
from ui.dataset.state import Collection

SECTION_KEY = "dataset-section"
_ADDRESS_NAME, _PAGE = "section", "Data_set"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page.

    Attributes:
        icon: A Material symbol.
        draw: Draws it.
        settings: The keys of the sidebar's settings that act on it.
        of_pictures: Whether it shows pictures of the data set as far as they are here.
    """

    icon: str
    draw: Callable[[Collection, Settings], None]
    settings: tuple[str, ...] = ()
    of_pictures: bool = False


def _of_pictures(icon: str, show: Callable[[Collection, str], None]) -> Section:
    """Return a section of the data set's pictures, as the chosen network reads them."""
    return Section(
        icon,
        lambda found, settings: show(found, settings.class_set),
        (CLASSES_KEY,),
        of_pictures=True,
    )


# First what needs no pictures.
SECTIONS = {
    "Overview": Section(":material/bar_chart:", lambda found, _: show_overview(found)),
    "Audit": _of_pictures(":material/fact_check:", show_audit),
    "Map": _of_pictures(":material/scatter_plot:", show_map),
    "Browse": _of_pictures(":material/grid_view:", browse),
    "Augmentation": Section(
        ":material/transform:",
        lambda found, settings: show_augmentation(found, settings.detector),
        (DETECTOR_KEY,),
    ),
    "Mean faces": Section(":material/face:", lambda found, _: show_means(found)),
    "Pipeline": Section(
        ":material/account_tree:",
        show_pipeline,
        (READING_KEY, CLASSES_KEY, DETECTOR_KEY),
    ),
}
_FIRST = next(iter(SECTIONS))


def section_in_view() -> Section:
    """Return the section that is chosen."""
    return SECTIONS[kept_value(list(SECTIONS), _FIRST, key=SECTION_KEY, name=_ADDRESS_NAME)]


def choose_section() -> None:
    """Draw the choice of a section; another one closes the picture that is open."""
    kept_choice(
        st.segmented_control,
        "Section",
        list(SECTIONS),
        _FIRST,
        key=SECTION_KEY,
        name=_ADDRESS_NAME,
        page=_PAGE,
        format_func=lambda name: f"{SECTIONS[name].icon} {name}",
        required=True,
        wrap=True,
        label_visibility="collapsed",
        on_change=close_picture,
    )
