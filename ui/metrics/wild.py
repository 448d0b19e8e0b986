"""Ordinary photos of ordinary people: what the whole app makes of them."""

from __future__ import annotations

import streamlit as st

from fer_core.readings import PEOPLE
from train.evaluation.records import MixtureRow, Wild, WildFigures
from train.evaluation.wild import NATURAL_COUNTS
from ui.common.explorer_data import model_title
from ui.common.settings import READING_NAMES
from ui.metrics.choice import Choice, stored_or_reason

_SEX_NAMES = {"F": "Women", "M": "Men"}
_PERCENT = st.column_config.NumberColumn(format="%.1f %%")


def wild_section(choice: Choice) -> None:
    """Draw what the whole pipeline reads in ordinary photos."""
    st.header(f"On ordinary photos: {model_title(choice.model)}")
    wild = stored_or_reason(
        Wild,
        choice.model,
        f"No photos were measured yet; `python -m train wild {choice.model} --pictures FOLDER "
        "--save` does it.",
    )
    if wild is None:
        return
    st.markdown(
        f"{wild.pictures:,} photos from news, sport and films, which nobody posed for a data set; "
        f"a face was found in {wild.found:,}. In such photos most faces are neutral or happy, so "
        "*natural accuracy* counts each emotion as often as it occurs there; the mean of five "
        "counts all alike, without fear, of which there are few pictures."
    )
    for reading in wild.readings:
        st.markdown(f"**{READING_NAMES[reading.reading]}**")
        _tiles(reading.everybody)
        st.dataframe(wild_rows(reading.everybody, reading.by_sex), hide_index=True)
    st.caption("Photos of people whose sex is not noted count for everybody alone.")
    if wild.mixtures:
        st.markdown("**How much of the people's answers**")
        rows = mixture_rows(wild.mixtures)
        st.dataframe(
            rows,
            hide_index=True,
            column_config=dict.fromkeys(list(rows)[1:], _PERCENT),
        )
        st.caption(
            f"“{READING_NAMES[PEOPLE]}” is a geometric mean of two answers of the same networks: "
            "what ten voters said, with this weight, and what the label is, with the rest."
        )


def _tiles(figures: WildFigures) -> None:
    low, high = figures.natural_interval
    with st.container(horizontal=True):
        for title, value, below in (
            ("Natural accuracy", figures.natural, f"{low:.1%} to {high:.1%}"),
            ("Mean of five", figures.mean_of_five, None),
        ):
            st.metric(
                title, f"{value:.1%}", below, delta_color="off", delta_arrow="off", border=True,
                width=170, height="stretch",
            )  # fmt: skip


def wild_rows(everybody: WildFigures, by_sex: dict[str, WildFigures]) -> list[dict[str, str]]:
    """Return a row for everybody and for each sex: natural accuracy, and how many are found."""
    rows = []
    for who, figures in (
        ("Everybody", everybody),
        *((_SEX_NAMES[sex], figures) for sex, figures in by_sex.items()),
    ):
        low, high = figures.natural_interval
        row = {"photos of": who, "natural": f"{figures.natural:.1%} ({low:.0%} to {high:.0%})"}
        for emotion in NATURAL_COUNTS:
            recall = figures.by_emotion.get(emotion)
            row[emotion] = "" if recall is None else f"{recall.recall:.0%} of {recall.pictures}"
        rows.append(row)
    return rows


def mixture_rows(mixtures: tuple[MixtureRow, ...]) -> dict[str, list[float | None]]:
    """Return the weights and what each gives, in percent, by column."""

    def percent(share: float | None) -> float | None:
        return None if share is None else 100 * share

    return {
        "weight": [row.weight for row in mixtures],
        "natural": [percent(row.natural) for row in mixtures],
        "mean of five": [percent(row.mean_of_five) for row in mixtures],
        "neutral found": [percent(row.neutral) for row in mixtures],
        "the crowd's, PublicTest": [percent(row.agreement) for row in mixtures],
    }
