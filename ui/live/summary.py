"""What a live session came to, and what can be taken away of it, once it is stopped."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from fer_core.live.report import report_of_session
from fer_core.reporting.words import clock
from fer_core.tables import summary_record, table_to_csv, table_to_parquet, timeline_table
from fer_core.timeline import Timeline
from ui.common.bars import dotted
from ui.common.charts import CHART_CONFIG
from ui.common.download import download_made_at_click
from ui.common.layout import plain
from ui.common.readings import readings_of
from ui.common.resources import get_classifier
from ui.common.settings import Settings
from ui.common.timeline_charts import (
    TIMELINE_CONFIG,
    emotion_timeline,
    share_of_time,
    thin_out,
)
from ui.live.session import LiveSession

_MOST_PERSONS = 8
# Who passed by is in what can be taken away.
_SHORT_S = 0.5


def session_summary(session: LiveSession, settings: Settings) -> None:
    """Draw the summary of the session that was stopped last, if there is one."""
    running = session.attempt_since is not None
    if session.readings is not None and not running:
        timeline = session.readings.timeline()
        if len(timeline.time_s) > 1:
            st.header("The last session", divider="gray")
            if session.readings.problem:
                st.warning(plain(session.readings.problem), icon=":material/warning:")
            _show_readings(session, timeline, settings.threshold)
    if session.video_problem:
        st.warning(plain(session.video_problem), icon=":material/warning:")
    if session.video is None and session.video_file:
        _show_video(session)
    if (session.readings is not None and not running) or session.video_file:
        st.button(
            "Forget all of it",
            icon=":material/delete:",
            on_click=session.forget,
            help="It is also forgotten with the next start, and when you close the page.",
        )


def session_report(session: LiveSession, timeline: Timeline, threshold: float) -> bytes:
    """Return the report of a session, whatever is chosen for the next one.

    Args:
        session: The session.
        timeline: What was read in it.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
    """
    detector, class_set, reading = session.parts
    return report_of_session(
        timeline,
        reader=get_classifier(class_set, reading),
        detector=detector,
        smoothing_s=session.analysis.settings.smoothing_s,
        threshold=threshold,
    ).encode()


def _show_readings(session: LiveSession, timeline: Timeline, threshold: float) -> None:
    smoothed, verdicts = timeline.smoothed(session.analysis.settings.smoothing_s, threshold)
    facts = dict(zip(("detector", "classes", "reading"), session.parts, strict=True))
    record = summary_record(
        timeline, smoothed, verdicts, facts={"source": "camera", **facts}, threshold=threshold
    )
    longest = sorted(record["persons"], key=lambda person: -person["seconds_seen"])
    shown = [person for person in longest if person["seconds_seen"] >= _SHORT_S] or longest
    count = len(longest)
    st.markdown(
        f"**{clock(float(timeline.time_s[-1]))}**, {len(timeline.time_s):,} readings, "
        + ("nobody was seen." if not count else f"{count} person{'s' * (count != 1)}.")
    )

    def table() -> pd.DataFrame:
        return timeline_table(timeline, smoothed, verdicts)

    def report() -> bytes:
        return session_report(session, timeline, threshold)

    with st.container(horizontal=True):
        for label, suffix, mime, content in (
            ("Report (HTML)", "html", "text/html", report),
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
            # Made when it is asked for: a page that only shows a session stays fast.
            download_made_at_click(label, content, f"live.{suffix}", mime)
    for person in shown[:_MOST_PERSONS]:
        _show_person(timeline, person, smoothed, verdicts)
    if (more := len(longest) - len(shown[:_MOST_PERSONS])) > 0:
        st.caption(f"{more} more, seen more shortly, are in the report and the tables.")


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
        shares = dict(sorted(record["share"].items(), key=lambda share: -share[1]))
        st.plotly_chart(
            share_of_time(shares),
            key=f"live-share-{person}",
            config=CHART_CONFIG,
            alt="Share of time",
        )
        st.markdown(
            _listed({label: f"{share:.0%}" for label, share in shares.items() if share > 0}),
            unsafe_allow_html=True,
        )
        st.plotly_chart(
            emotion_timeline(timeline.labels, readings, span_s=(0.0, float(timeline.time_s[-1]))),
            key=f"live-recorded-{person}",
            config=TIMELINE_CONFIG,
            alt=f"Emotions of person {person} over time",
        )
        moments = record["strongest_moments"]
        if moments:
            told = " ".join(
                _listed(
                    {moment["label"]: f"{moment['probability']:.0%} at {clock(moment['seconds'])}"}
                )
                for moment in moments
            )
            st.markdown(f"**Strongest moments** {told}", unsafe_allow_html=True)


def _listed(said: dict[str, str]) -> str:
    return " ".join(f"{dotted(label, more)}&ensp;" for label, more in said.items())


def _show_video(session: LiveSession) -> None:
    st.video(session.video_file, format="video/mp4", width=640, alt="The recorded video")
    st.download_button(
        "Recorded video (MP4)",
        session.video_file,
        "live.mp4",
        "video/mp4",
        on_click="ignore",
    )
