"""The sample browser: filters, an order, and pages of pictures."""

from __future__ import annotations

import streamlit as st

from fer_core.labels import FER7
from train.data.fer2013 import EXPECTED_COUNTS
from train.evaluation.records import Audit
from ui.common.explorer_data import model_title
from ui.common.pager import pager
from ui.common.settings import CLASS_SET_NAMES
from ui.dataset.filters import ORDERS, RIGHT, WRONG, Filters, ordered, select
from ui.dataset.state import Collection
from ui.dataset.tiles import AS_STORED, SPLIT_NAMES, Shown, said_of, show_tiles

_PER_PAGE = 60
_PAGE_KEY = "browser-page"
_RESULTS = {"": "All", RIGHT: "Right", WRONG: "Wrong"}
_ONLY = {
    "": "All pictures",
    "duplicates": "Duplicates and near duplicates",
    "leaks": "Test pictures with a double in Training",
    "no face": "Not a face, or hardly",
}
_CROWD_SAYS = {
    "": "Anything",
    "label": "The label",
    "other": "Another emotion",
    "none": "No majority for an emotion",
}
# FER-2013's highest values are 248, 114 and 1,054; one picture in a thousand is sharper than 656.
_MEASURES = {"brightness": 255, "contrast": 120, "sharpness": 700}
_UNBOUNDED = {"sharpness"}


def browse(found: Collection, chosen_model: str) -> None:
    """Draw the browser.

    Args:
        found: What there is to look at.
        chosen_model: The model whose class set the visitor chose in the sidebar.
    """
    if not len(found.rows):
        st.info(
            "There is nothing to browse: neither the data set nor anything stored about it is "
            "here.",
            icon=":material/info:",
        )
        return
    model = choose_model(found, chosen_model, key="browser-model")
    filters = _filters(found, model)
    count, reset, sorting = st.columns([2, 1, 2], vertical_alignment="bottom")
    reset.button(
        "Reset filters", icon=":material/filter_alt_off:", on_click=_reset, width="stretch"
    )
    order = sorting.selectbox(
        "Order",
        list(ORDERS),
        format_func=lambda order: ORDERS[order][0],
        key="browser-order",
        persist_state="session",
    )
    rows = select(found.rows, found.audit, model, filters)
    rows = ordered(found.rows, rows, found.audit, model, order)
    read_by = "" if model is None else f", read by the network for {model_title(model)}"
    count.markdown(f"**{len(rows):,}** of {len(found.rows):,} pictures{read_by}")
    if model is not None:
        st.caption(AS_STORED)
    start, end = pager(len(rows), _PER_PAGE, key=_PAGE_KEY)
    shows = [
        Shown(picture, (said_of(found, picture, model),))
        for picture in found.rows.ids[rows[start:end]].tolist()
    ]
    show_tiles(found, [("", shows)], key="browser")


def choose_model(found: Collection, chosen: str, *, key: str) -> str | None:
    """Return the sidebar's model, or one of their own where the visitor can choose such a one.

    Args:
        found: With the models' predictions.
        chosen: The model that the sidebar chose.
        key: Unique on the page.

    Returns:
        A model whose predictions are there; None without any.
    """
    there = list(found.predictions)
    if not there:
        return None
    shared = chosen if chosen in there else there[0]
    own = [name for name in there if name not in (*CLASS_SET_NAMES, shared)]
    if not own:
        return shared
    picked: str = st.segmented_control(
        "Network",
        [shared, *own],
        default=shared,
        format_func=model_title,
        required=True,
        # Another one of the sidebar's is at once the one that is shown.
        key=f"{key}-{shared}",
        persist_state="session",
        wrap=True,
    )
    return picked


def _filters(found: Collection, model: str | None) -> Filters:
    with st.expander("Filters", expanded=True, icon=":material/filter_alt:"):
        left, right = st.columns(2)
        with left:
            splits = st.pills(
                "Split",
                list(EXPECTED_COUNTS),
                format_func=SPLIT_NAMES.__getitem__,
                selection_mode="multi",
                key="filter-splits",
                persist_state="session",
                wrap=True,
                on_change=_first_page,
            )
            emotions = _emotion_pills("Label", "filter-emotions")
        with right:
            result, predicted, confidence = _by_model() if model is not None else ("", [], None)
    measures, crowd, says, only = _by_audit(found.audit) if found.audit else ({}, None, "", "")
    return Filters(
        tuple(splits),
        tuple(emotions),
        tuple(predicted),
        result,
        confidence,
        measures,
        crowd,
        says,
        only,
    )


def _by_model() -> tuple[str, list[str], tuple[float, float] | None]:
    left, right = st.columns(2)
    with left:
        result = st.segmented_control(
            "The network is",
            list(_RESULTS),
            default="",
            format_func=_RESULTS.__getitem__,
            required=True,
            key="filter-result",
            persist_state="session",
            wrap=True,
            on_change=_first_page,
        )
    with right:
        confidence = _range("Its confidence, in per cent", 100, "filter-confidence")
    return result, _emotion_pills("It says", "filter-predicted"), _shares(confidence)


def _by_audit(
    audit: Audit,
) -> tuple[dict[str, tuple[float, float]], tuple[float, float] | None, str, str]:
    measures, crowd, says = {}, None, ""
    with st.expander("Quality, doubles and the crowd", icon=":material/tune:"):
        for column, (measure, highest) in zip(
            st.columns(len(_MEASURES)), _MEASURES.items(), strict=True
        ):
            with column:
                bounds = _range(measure.capitalize(), highest, f"filter-{measure}")
            if bounds:
                # The slider's end stands for "and more" where few pictures lie beyond it.
                more = bounds[1] == highest and measure in _UNBOUNDED
                measures[measure] = (bounds[0], float("inf") if more else bounds[1])
        left, middle, right = st.columns(3)
        with left:
            only = _choice("Findings of the audit", _ONLY, "filter-only")
        if audit.summary.voted:
            with middle:
                says = _choice("FER+'s crowd says", _CROWD_SAYS, "filter-says")
            with right:
                crowd = _shares(_range("The crowd agrees, in per cent", 100, "filter-crowd"))
    return measures, crowd, says, only


def _emotion_pills(label: str, key: str) -> list[str]:
    chosen: list[str] = st.pills(
        label,
        FER7.labels,
        format_func=str.capitalize,
        selection_mode="multi",
        key=key,
        persist_state="session",
        wrap=True,
        on_change=_first_page,
    )
    return chosen


def _choice(label: str, titles: dict[str, str], key: str) -> str:
    chosen: str = st.selectbox(
        label,
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        persist_state="session",
        on_change=_first_page,
    )
    return chosen


def _range(label: str, highest: int, key: str) -> tuple[float, float] | None:
    """Draw a slider with two ends; None where it lets everything through."""
    low, high = st.slider(
        label, 0, highest, (0, highest), key=key, persist_state="session", on_change=_first_page
    )
    return None if (low, high) == (0, highest) else (float(low), float(high))


def _shares(percent: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if percent is None else (percent[0] / 100, percent[1] / 100)


def _first_page() -> None:
    st.session_state[_PAGE_KEY] = 1


def _reset() -> None:
    for key in [key for key in st.session_state if str(key).startswith("filter-")]:
        del st.session_state[key]
    _first_page()
