"""What a visitor records on the live page, and what can be done with it afterwards."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.live.recording import MAX_READINGS_S, MAX_VIDEO_S
from fer_core.reporting.words import clock
from fer_core.tables import summary_record, table_to_csv, table_to_parquet, timeline_table
from fer_core.timeline import Timeline
from ui.common.charts import CHART_CONFIG
from ui.common.layout import plain
from ui.common.readings import readings_of
from ui.common.settings import Settings
from ui.common.timeline_charts import (
    TIMELINE_CONFIG,
    emotion_timeline,
    share_of_time,
    thin_out,
)
from ui.live.session import LiveSession

_REFRESH_S = 1.0
_MOST_PERSONS = 8


def recordings(session: LiveSession, settings: Settings) -> None:
    """Draw the buttons to record, and what was recorded."""
    st.subheader("Record", divider="gray")
    st.caption(
        "**Readings** are numbers: who was read how, and when. They stay in this server's memory, "
        f"at most {MAX_READINGS_S / 60:.0f} minutes. The **video** is what you see here, at most "
        f"{MAX_VIDEO_S / 60:.0f} minutes, in a temporary file without a name. Both are gone when "
        "you forget them or close the page."
    )
    busy = session.recording_readings or session.video is not None
    st.fragment(_buttons, run_every=_REFRESH_S if busy else None)(session, settings)
    _show_readings(session, settings)
    _show_video(session)


def _buttons(session: LiveSession, settings: Settings) -> None:
    on = session.analysis.running
    with st.container(horizontal=True, vertical_alignment="center"):
        if session.recording_readings and session.readings is not None:
            if st.button("Stop recording readings", icon=":material/stop:"):
                session.stop_readings()
                st.rerun()
            st.caption(f"{clock(session.readings.seconds)}, {session.readings.frames:,} readings")
        elif st.button("Record readings", icon=":material/monitoring:", disabled=not on):
            session.start_readings(settings.class_set)
            st.rerun()
        if session.video is not None:
            if st.button("Stop recording video", icon=":material/stop:"):
                session.stop_video()
                st.rerun()
            st.caption(f"{session.video.pictures:,} pictures")
        elif st.button("Record video", icon=":material/videocam:", disabled=not on):
            session.start_video()
            st.rerun()
        kept = session.readings is not None or session.video_file
        if kept and st.button("Forget recordings", icon=":material/delete:"):
            session.forget_recordings()
            st.rerun()
    recorders = (session.readings, session.video)
    for problem in [recorder.problem for recorder in recorders if recorder is not None]:
        if problem:
            st.warning(plain(problem), icon=":material/warning:")


def _show_readings(session: LiveSession, settings: Settings) -> None:
    if session.readings is None or session.recording_readings:
        return
    timeline = session.readings.timeline()
    if len(timeline.time_s) < 2:
        st.info("The recording ended before anything was read.")
        return
    smoothed, verdicts = timeline.smoothed(
        session.analysis.settings.smoothing_s, settings.threshold
    )
    facts = {
        "source": "camera",
        "detector": settings.detector.name,
        "classes": settings.class_set,
        "reading": settings.reading,
    }
    record = summary_record(timeline, smoothed, verdicts, facts=facts, threshold=settings.threshold)
    st.markdown(
        f"**Recorded readings**: {clock(float(timeline.time_s[-1]))}, "
        f"{len(timeline.time_s):,} frames, persons: {len(timeline.persons())}."
    )
    longest = sorted(record["persons"], key=lambda person: -person["seconds_seen"])
    for person in longest[:_MOST_PERSONS]:
        _show_person(timeline, person, smoothed, verdicts)

    def table() -> Any:
        return timeline_table(timeline, smoothed, verdicts)

    with st.container(horizontal=True):
        for label, suffix, mime, content in (
            ("Readings (CSV)", "csv", "text/csv", lambda: table_to_csv(table())),
            (
                "Readings (Parquet)",
                "parquet",
                "application/vnd.apache.parquet",
                lambda: table_to_parquet(table()),
            ),
            (
                "Summary (JSON)",
                "json",
                "application/json",
                lambda: json.dumps(record, indent=2, ensure_ascii=False),
            ),
        ):
            # Made when it is asked for: a page that only shows a recording stays fast.
            st.download_button(label, content, f"live.{suffix}", mime, on_click="ignore")


def _show_person(
    timeline: Timeline,
    record: dict[str, Any],
    smoothed: NDArray[np.float32],
    verdicts: NDArray[np.str_],
) -> None:
    person = record["person"]
    own = timeline.person == person
    readings, _ = thin_out(readings_of(timeline, person, smoothed[own], verdicts[own]))
    with st.container(border=True, key=f"live-person-{person}"):
        st.markdown(f"**Person {person}**, seen for {clock(record['seconds_seen'])}")
        st.plotly_chart(
            emotion_timeline(timeline.labels, readings, span_s=(0.0, float(timeline.time_s[-1]))),
            key=f"live-recorded-{person}",
            config=TIMELINE_CONFIG,
        )
        shares = dict(sorted(record["share"].items(), key=lambda share: -share[1]))
        st.plotly_chart(
            share_of_time(shares),
            key=f"live-share-{person}",
            config=CHART_CONFIG,
            alt="Share of time",
        )


def _show_video(session: LiveSession) -> None:
    if session.video_problem:
        st.warning(plain(session.video_problem), icon=":material/warning:")
    if session.video is None and session.video_file:
        st.video(session.video_file, format="video/mp4", width=640)
        st.download_button(
            "Recorded video (MP4)",
            session.video_file,
            "live.mp4",
            "video/mp4",
            on_click="ignore",
        )
