"""One person of a video: the time line, the chosen moment and the strongest ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.drawing import draw_tracked
from fer_core.errors import FerError
from fer_core.reporting.words import clock
from fer_core.tables import strongest_moments
from fer_core.types import FaceBox
from ui.common.bars import dot, dotted
from ui.common.charts import CHART_CONFIG, probability_bars
from ui.common.images import as_jpeg, crop_rgb, reduced_rgb
from ui.common.layout import plain
from ui.common.readings import readings_of
from ui.common.timeline_charts import (
    TIMELINE_CONFIG,
    clicked_s,
    emotion_timeline,
    share_of_time,
    thin_out,
)
from ui.video.edits import edit_person, title_of
from ui.video.faces import faces_of
from ui.video.runs import Look, VideoRun, View
from ui.video.shelf import Video

_MOMENTS = 5
_FACE_WIDTH = 104
_MOMENT_SIDE = 960


@dataclass(frozen=True, slots=True)
class CardStyle:
    """How a person's card is drawn.

    Attributes:
        stacked: The time line as areas, or as lines.
        raw: What was read in each frame alone, before smoothing.
        opened: Whether the card is open at first.
    """

    stacked: bool
    raw: bool
    opened: bool = False


@st.fragment
def show_person(
    video: Video, run: VideoRun, look: Look, record: Mapping[str, Any], style: CardStyle
) -> None:
    """Draw one person's card; only what is open is worked out.

    Args:
        video: The video.
        run: Its analysis.
        look: How readings become verdicts.
        record: The person's part of the summary.
        style: How the time line is drawn.
    """
    if run.edits is not look.edits:
        # A widget of this fragment changed a person, which the whole page shows.
        st.rerun()
    view, person = run.view(look), int(record["person"])
    rows = np.flatnonzero(view.timeline.person == person)
    key = f"{run.key}-person-{person}"
    name = title_of(person, run.edits.names)
    label = (
        f"**{plain(name)}**, seen for {record['seconds_seen']:.1f} s, "
        f"{clock(record['first_s'])} to {clock(record['last_s'])}"
    )
    # Streamlit takes a card of another name for another card.
    made = st.session_state.get(f"{key}-made")
    if made is None or made[0] != label:
        made = label, st.session_state.get(f"{key}-card", style.opened)
        st.session_state[f"{key}-made"] = made
    with st.container(key=f"person-{person}"):
        card = st.expander(label, expanded=made[1], key=f"{key}-card", on_change="rerun")
    if not card.open:
        return
    with card:
        _show_header(run, view, record, key)
        _show_chart(view, person, rows, style, key)
        chosen_s = st.session_state.get(f"{key}-moment")
        if chosen_s is not None:
            _show_moment(video, run, view, person, chosen_s, key)
        _show_strongest(video, view, look, person, key)


def _show_header(run: VideoRun, view: View, record: Mapping[str, Any], key: str) -> None:
    """Draw what was read most of the time, and the button to edit."""
    person = int(record["person"])
    others = [other for other in view.timeline.persons() if other != person]
    shares = _largest_first(record["share"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            " ".join(dotted(label, f"{share:.0%}") for label, share in shares.items()),
            unsafe_allow_html=True,
            width="stretch",
        )
        edit_person(run, person, others, key)
    st.plotly_chart(
        share_of_time(shares), key=f"{key}-share", config=CHART_CONFIG, alt="Share of time"
    )


def _largest_first(shares: Mapping[str, float]) -> dict[str, float]:
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return {label: share for label, share in ordered if share > 0}


def _show_chart(
    view: View, person: int, rows: NDArray[np.int64], style: CardStyle, key: str
) -> None:
    """Draw the time line; a click chooses a moment."""
    timeline = view.timeline
    probabilities = timeline.probabilities if style.raw else view.smoothed
    drawn, stretch_s = thin_out(
        readings_of(timeline, person, probabilities[rows], view.verdicts[rows])
    )
    moment_key, chart_key = f"{key}-moment", f"{key}-chart"

    def choose() -> None:
        clicked = clicked_s(st.session_state[chart_key])
        # A double click zooms out and also takes the selection back; the moment stays.
        if clicked is not None:
            st.session_state[moment_key] = clicked

    # The chosen moment is not drawn in: another figure would lose zoom and selection.
    st.plotly_chart(
        emotion_timeline(
            timeline.labels,
            drawn,
            span_s=(float(timeline.time_s[0]), float(timeline.time_s[-1])),
            stacked=style.stacked,
            raw=style.raw,
            cuts_s=timeline.time_s[timeline.cut].tolist(),
        ),
        key=chart_key,
        config=TIMELINE_CONFIG,
        on_select=choose,
        selection_mode="points",
        alt=f"Emotions of {title_of(person)} over time",
    )
    note = (
        "The strip below the chart is the verdict. Click to see that moment, drag across to zoom "
        "in, double-click to see all again."
    )
    if stretch_s is not None:
        note += (
            f" There are {len(rows):,} readings: one of each {stretch_s:.2g} s is drawn, and the "
            "downloads have them all."
        )
    st.caption(note)


def _show_moment(
    video: Video, run: VideoRun, view: View, person: int, chosen_s: float, key: str
) -> None:
    """Draw the frame of a moment and what was read in this person's face."""
    timeline = view.timeline
    mine = timeline.person == person
    row = int(np.flatnonzero(mine)[np.abs(timeline.time_s[timeline.row[mine]] - chosen_s).argmin()])
    position = int(timeline.row[row])
    time_s = float(timeline.time_s[position])
    try:
        with st.spinner("Reading the moment's frame …"):
            frame_bgr = video.frame_at(time_s).bgr()
    except FerError as error:
        st.warning(plain(str(error)))
        return
    size_wh = (frame_bgr.shape[1], frame_bgr.shape[0])
    tracked = timeline.tracked_frame(position, size_wh, view.smoothed, view.verdicts)
    drawn = draw_tracked(frame_bgr, tracked, names=run.edits.names)
    picture, bars = st.columns([3, 2], gap="medium")
    picture.image(
        _fitted_jpeg(drawn), f"At {clock(time_s)}", width="stretch", alt=f"Frame at {clock(time_s)}"
    )
    with bars:
        box = FaceBox(*timeline.boxes_xyxy[row].tolist())
        face = as_jpeg(crop_rgb(frame_bgr, box))
        verdict = str(view.verdicts[row])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(face, width=_FACE_WIDTH, alt="The face at this moment")
            st.markdown(
                f"{dot(verdict)} **{verdict.capitalize()}** (smoothed)",
                unsafe_allow_html=True,
                width="content",
            )
        st.plotly_chart(
            probability_bars(timeline.labels, view.smoothed[row]),
            key=f"{key}-bars",
            config=CHART_CONFIG,
            alt="Smoothed probabilities at this moment",
        )
        raw = timeline.probabilities[row]
        best = int(raw.argmax())
        st.caption(
            f"This frame alone: {timeline.labels[best]} {raw[best]:.0%}; "
            f"the detector is {timeline.score[row]:.0%} sure of the face."
        )


def _show_strongest(video: Video, view: View, look: Look, person: int, key: str) -> None:
    """Draw the moments of the highest probabilities as a gallery."""
    moments = strongest_moments(
        view.timeline, view.smoothed, person, count=_MOMENTS, threshold=look.threshold
    )
    if not moments:
        return
    st.markdown("**Strongest moments**")
    faces = faces_of(video, view, [row for row, _, _ in moments])
    with st.container(horizontal=True, gap="medium"):
        for number, (row, label, probability) in enumerate(moments):
            time_s = float(view.timeline.time_s[view.timeline.row[row]])
            with st.container(width=_FACE_WIDTH, gap="xsmall"):
                if row in faces:
                    st.image(faces[row], width=_FACE_WIDTH, alt=f"{label} at {clock(time_s)}")
                st.markdown(
                    f"{dot(label)} {label.capitalize()} {probability:.0%}",
                    unsafe_allow_html=True,
                )
                st.button(
                    clock(time_s),
                    icon=":material/search:",
                    key=f"{key}-strongest-{number}",
                    width="stretch",
                    help="Show this moment",
                    on_click=st.session_state.__setitem__,
                    args=(f"{key}-moment", time_s),
                )


def _fitted_jpeg(image_bgr: NDArray[np.uint8]) -> bytes:
    """Return a picture that is no larger than the page shows it."""
    return as_jpeg(reduced_rgb(image_bgr, _MOMENT_SIDE))
