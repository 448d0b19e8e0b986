"""The four groups of the metrics page and their parts, of which only the chosen one is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from ui.common.address import keep_in_address, kept_value, set_kept_value
from ui.common.settings import DETECTOR_KEY, THRESHOLD_KEY, Settings
from ui.metrics.choice import PAGE, Choice, choose, choose_model
from ui.metrics.classes import classes_section
from ui.metrics.compare import compare_section
from ui.metrics.confidence import confidence_section
from ui.metrics.confusion import confusion_section
from ui.metrics.crowd import crowd_section
from ui.metrics.network import network_section
from ui.metrics.overview import overview_section
from ui.metrics.own import own_section
from ui.metrics.robustness import robustness_section
from ui.metrics.said import confused_by, good_at, made_of, said_of, sure_of
from ui.metrics.training import training_section
from ui.metrics.why import why_section
from ui.metrics.wild import wild_section

_HOW = (
    "As the app reads, each face with its mirror image, on the test pictures that nothing was "
    "chosen on. Other pictures or views below change the figures there, not this sentence."
)
GROUP_KEY, PART_KEY = "metrics-group", "metrics-part"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page.

    Attributes:
        title: Its name.
        draw: Draws it.
        settings: The keys of the sidebar's settings that act on it.
    """

    title: str
    draw: Callable[[Settings], None]
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that answer one question.

    Attributes:
        icon: A Material symbol.
        said: Returns the answer of a model, by a reading, in a sentence, as Markdown.
        parts: By what the page's address calls them; the first one is shown at first.
    """

    icon: str
    said: Callable[[str, str], str]
    parts: dict[str, Part]


def _of_choice(section: Callable[[Choice], None]) -> Callable[[Settings], None]:
    """Return what draws a section below the choice of all that makes a difference to it."""
    return lambda settings: section(choose(settings.reading))


GROUPS = {
    "How good": Group(
        ":material/speed:",
        good_at,
        {
            "figures": Part("In figures", _of_choice(overview_section)),
            "photos": Part("Ordinary photos", lambda _: wild_section(choose_model())),
            "crowd": Part("Ten people", lambda _: crowd_section(choose_model())),
            "own": Part(
                "Your own pictures",
                lambda settings: own_section(choose_model().model, settings),
                (THRESHOLD_KEY, DETECTOR_KEY),
            ),
        },
    ),
    "What it confuses": Group(
        ":material/grid_on:",
        confused_by,
        {
            "confusions": Part("What for what", _of_choice(confusion_section)),
            "emotions": Part("Emotion by emotion", _of_choice(classes_section)),
            "compare": Part("Against another network", _of_choice(compare_section)),
        },
    ),
    "How sure, how sturdy": Group(
        ":material/percent:",
        sure_of,
        {
            "confidence": Part(
                "Confidence",
                lambda settings: confidence_section(choose(settings.reading), settings.threshold),
                (THRESHOLD_KEY,),
            ),
            "robustness": Part(
                "Spoilt pictures",
                lambda settings: robustness_section(settings.detector),
                (DETECTOR_KEY,),
            ),
            "why": Part(
                "Why it says so",
                lambda settings: why_section(choose_model(), settings.detector),
                (DETECTOR_KEY,),
            ),
        },
    ),
    "The network": Group(
        ":material/lan:",
        made_of,
        {
            "layers": Part("Layer by layer", lambda _: network_section(choose_model().model)),
            "training": Part("How it was trained", lambda _: training_section()),
        },
    ),
}
PARTS = {slug: part for group in GROUPS.values() for slug, part in group.parts.items()}
_FIRST = next(iter(PARTS))


def part_in_view() -> Part:
    """Return the part that is chosen."""
    return PARTS[_slug_in_view()]


def _slug_in_view() -> str:
    return kept_value(list(PARTS), _FIRST, key=PART_KEY, name="part")


def choose_part(model: str, reading: str) -> None:
    """Draw the choice of a group, its sentence, and the choice of a part.

    Args:
        model: Of which the sentence speaks.
        reading: By which it answers, one of ``fer_core.readings.READINGS``.
    """
    slug = _slug_in_view()
    title, group = next((title, one) for title, one in GROUPS.items() if slug in one.parts)
    st.session_state[_last_key(title)] = slug
    st.session_state[GROUP_KEY] = title
    st.segmented_control(
        "Question",
        list(GROUPS),
        required=True,
        format_func=lambda name: f"{GROUPS[name].icon} {name}",
        key=GROUP_KEY,
        on_change=_turn,
        label_visibility="collapsed",
    )
    if answer := said_of(group.said, model, reading):
        st.markdown(answer, help=_HOW)
    key = f"{PART_KEY}-{title}"
    st.session_state[key] = slug
    st.segmented_control(
        "Part",
        list(group.parts),
        required=True,
        format_func=lambda name: group.parts[name].title,
        key=key,
        on_change=lambda: set_kept_value(st.session_state[key], key=PART_KEY),
        label_visibility="collapsed",
    )
    keep_in_address("part", "" if slug == _FIRST else slug, page=PAGE)


def _turn() -> None:
    """Turn to the part of the chosen group that was looked at last."""
    title = st.session_state[GROUP_KEY]
    slug = st.session_state.get(_last_key(title), next(iter(GROUPS[title].parts)))
    set_kept_value(slug, key=PART_KEY)


def _last_key(title: str) -> str:
    return f"{PART_KEY}-last-{title}"
