"""The persons of one video of an archive, over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import streamlit as st
from numpy.typing import NDArray

from fer_core.reporting.words import clock
from ui.archive.index import ArchiveFault, Index
from ui.archive.queries import Selection, Video, videos_of
from ui.archive.rows import video_rows
from ui.common.bars import dotted
from ui.common.layout import plain
from ui.common.timeline_charts import TIMELINE_CONFIG, Readings, emotion_timeline, thin_out

MOST_VIDEOS = 200
_MOST_PERSONS = 6
_VIDEO_KEY, _PERSON_KEY = "archive-video", "archive-person-"


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a video.

    Attributes:
        number: From 1.
        readings: What was read, over time.
        shares: Of each verdict, the largest first.
    """

    number: int
    readings: Readings
    shares: dict[str, float]


def show_persons(index: Index, selection: Selection) -> None:
    """Draw the choice of a video, and its persons' emotions over time."""
    st.header("By person", anchor=False)
    videos = videos_of(index, selection, MOST_VIDEOS)
    if not videos:
        st.caption("There is nobody in the videos of these folders.")
        return
    chosen = st.selectbox("Video", videos, format_func=title_of, key=_VIDEO_KEY)
    if len(videos) == MOST_VIDEOS:
        st.caption(
            f"The {MOST_VIDEOS} videos with the most readings; a part of a folder's name above "
            "leads to others."
        )
    if chosen is None:
        return
    try:
        with st.spinner("Reading the video's rows …"):
            persons = persons_of(index, video_rows(index, chosen.part, chosen.path))
    except ArchiveFault as error:
        st.warning(plain(str(error)), icon=":material/refresh:")
        return
    for person in persons[:_MOST_PERSONS]:
        _show_person(index, person, chosen)
    left = len(persons) - _MOST_PERSONS
    if left > 0:
        st.caption(f"And {left:,} more, who are seen more briefly.")


def title_of(video: Video) -> str:
    """Return what a video is called in a list."""
    name = video.path.rpartition("/")[2]
    people = "1 person" if video.persons == 1 else f"{video.persons:,} people"
    length = f", {clock(video.seconds)}" if video.seconds else ""
    return f"{video.folder}/{name}: {people}{length}"


def _show_person(index: Index, person: Person, video: Video) -> None:
    seen = person.readings.time_s
    st.markdown(
        f"**Person {person.number}**, {clock(float(seen[0]))} to {clock(float(seen[-1]))} "
        + " ".join(dotted(verdict, f"{share:.0%}") for verdict, share in person.shares.items()),
        unsafe_allow_html=True,
    )
    drawn, stretch_s = thin_out(person.readings)
    end_s = max(video.seconds or 0.0, float(seen[-1]))
    st.plotly_chart(
        emotion_timeline(index.labels, drawn, span_s=(0.0, end_s)),
        key=f"{_PERSON_KEY}{person.number}",
        config=TIMELINE_CONFIG,
        alt=f"Emotions of person {person.number} over time",
    )
    if stretch_s is not None:
        st.caption(f"Of {len(seen):,} readings one of each {stretch_s:.2g} s is drawn.")


def persons_of(index: Index, rows: pa.Table) -> list[Person]:
    """Return who is in a video, those seen most often first.

    Args:
        index: The data set.
        rows: From ``video_rows``.
    """
    person = _column(rows, "person", np.int64)
    frame, seconds = _column(rows, "frame", np.int64), _column(rows, "seconds", np.float64)
    verdicts = np.array(rows["verdict"].cast(pa.string()).to_pylist(), str)
    probabilities = np.column_stack(
        [_column(rows, f"{label}_smoothed", np.float32) for label in index.labels]
    )
    # The place of each row's frame among those that have any face.
    places = np.unique(frame, return_inverse=True)[1]
    found = []
    for number, count in zip(*np.unique(person, return_counts=True), strict=True):
        own = np.flatnonzero(person == number)
        said, times = np.unique(verdicts[own], return_counts=True)
        order = np.argsort(-times, kind="stable")
        shares = {str(said[k]): float(times[k] / count) for k in order}
        continues = (np.diff(places[own], prepend=-2) == 1) & _near(seconds[own])
        readings = Readings(seconds[own], probabilities[own], verdicts[own], continues)
        found.append(Person(int(number), readings, shares))
    return sorted(found, key=lambda one: -len(one.readings.time_s))


def _near(time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which times follow the one before without a gap, in which nobody was seen."""
    steps = np.diff(time_s, prepend=-np.inf)
    usual = np.median(steps[1:]) if len(steps) > 1 else 0.0
    return np.asarray(steps <= 2.5 * usual)


def _column(rows: pa.Table, name: str, kind: type) -> NDArray[np.generic]:
    return np.nan_to_num(rows[name].to_numpy().astype(np.float64)).astype(kind)
