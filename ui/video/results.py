"""What an analysed video shows: the annotated video, the persons, and what can be taken away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.labels import UNCERTAIN
from fer_core.reporting.words import clock
from fer_core.tables import (
    captions_vtt,
    summary_record,
    table_to_csv,
    table_to_parquet,
    timeline_table,
)
from ui.common.download import download_made_at_click
from ui.common.jobs import JobState, get_queue
from ui.common.layout import plain
from ui.common.settings import CLASS_SET_NAMES, DETECTOR_NAMES, READING_NAMES, Settings
from ui.common.visitors import visitor
from ui.video.alike import suggest_merger
from ui.video.edits import show_undo, take_drop, title_of
from ui.video.faces import faces_of, surest_row
from ui.video.intake import is_small, playable, remove_button, show_facts, smoothing_slider
from ui.video.person import CardStyle, show_person
from ui.video.player import Played, player_data, show_player
from ui.video.progress import follow_drawing
from ui.video.report import results_report
from ui.video.runs import Look, VideoRun, View
from ui.video.shelf import Video, read_all, size_of

# Beyond this the browser would have to load the whole file to play it here.
_MAX_PLAYED_BYTES = 200_000_000
_PARQUET_MIME = "application/vnd.apache.parquet"
_SHORT_S = 0.5
_MOST_PERSONS = 20
_MOST_IN_SENTENCE = 3


def show_results(video: Video, run: VideoRun, settings: Settings) -> None:
    """Draw everything that an analysis gave.

    Args:
        video: The video.
        run: Its analysis, which is over and has a result.
        settings: The visitor's choices; the threshold holds at once.
    """
    if run.job.result is None:
        return
    top = st.container()
    controls = st.container(border=True)
    with controls:
        smoothing_s, style = _show_controls()
    look = Look(smoothing_s, settings.threshold, run.edits)
    view = run.view(look)
    record = _record(video, run, view, look.threshold)
    with top:
        _show_notes(run, settings)
        found, _, told = summary_sentence(record, hidden=len(run.edits.hidden)).partition(": ")
        st.markdown(f"## {plain(found)}\n\n{plain(told)}")
        persons = _chosen_persons(record)
        if persons:
            _show_player(video, run, view, persons)
            suggest_merger(video, run, view)
        elif run.drawn is not None and size_of(run.drawn.file) <= _MAX_PLAYED_BYTES:
            st.video(read_all(run.drawn.file), alt=f"{video.name}, in which nobody is shown")
        show_undo(run)
        _show_drawing(video, run, look)
    with st.container(gap="xsmall"):
        for person in persons:
            show_person(video, run, look, person, replace(style, opened=len(persons) == 1))
    _show_downloads(video, run, look, record)


def summary_sentence(record: Mapping[str, Any], *, hidden: int = 0) -> str:
    """Return what was found in a sentence that says no more than the readings do.

    Args:
        record: From ``fer_core.tables.summary_record``.
        hidden: How many persons were left out of it.
    """
    frames = record["frames_analyzed"]
    persons = _longest_first(record["persons"])
    if not frames:
        return "No frame was analysed."
    counted = f"{frames:,} analysed frame{'s' * (frames != 1)}"
    if not persons and hidden:
        return f"All persons in {counted} are hidden."
    if not persons:
        return f"No face was found in {counted}."
    told = "; ".join(_told(person) for person in persons[:_MOST_IN_SENTENCE])
    more = len(persons) - _MOST_IN_SENTENCE
    rest = f"; and {more} more" if more > 0 else ""
    several = f"{len(persons)} persons" if len(persons) > 1 else "One person"
    if len(persons) > 1 and record["cuts"]:
        several += " (counted anew after each cut)"
    return f"{several} in {counted}: {told}{rest}."


def _longest_first(persons: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(persons, key=lambda person: -person["seconds_seen"])


def _told(person: Mapping[str, Any]) -> str:
    """Return, for example, "Anna, seen for 12.3 s, read as happy 62% of that time"."""
    label, share = max(person["share"].items(), key=lambda item: item[1])
    name = title_of(person["person"], {person["person"]: person["name"]})
    read = "not read with certainty" if label == UNCERTAIN else f"read as {label}"
    return f"{name}, seen for {person['seconds_seen']:.1f} s, {read} {share:.0%} of that time"


def _show_controls() -> tuple[float, CardStyle]:
    """Draw what changes the results at once; return the smoothing and the charts' style."""
    smoothing, kind, raw = st.columns([2, 1, 1], vertical_alignment="center", gap="medium")
    with smoothing:
        smoothing_s = smoothing_slider()
    stacked = kind.segmented_control(
        "Time line",
        ["Areas", "Lines"],
        default="Areas",
        required=True,
        key="video-chart",
        persist_state="session",
    )
    shown_raw = raw.toggle(
        "Raw readings",
        key="video-raw",
        persist_state="session",
        help="What was read in each frame alone, before smoothing. The strip of verdicts below "
        "the chart stays smoothed.",
    )
    return smoothing_s, CardStyle(stacked == "Areas", shown_raw)


def _show_notes(run: VideoRun, settings: Settings) -> None:
    """Say what the results lack, and what the sidebar's choice does not change in them."""
    if run.job.result is None:
        return
    result = run.job.result.result
    if result.cancelled:
        last_s = float(result.timeline.time_s[-1]) if len(result.timeline.time_s) else 0.0
        st.warning(
            f"Cancelled: these are partial results, up to {clock(last_s)}.",
            icon=":material/content_cut:",
        )
    if run.turned_deg:
        st.info(
            f"The video was turned by {run.turned_deg}° clockwise: its faces stand upright so.",
            icon=":material/rotate_right:",
        )
    for sentence in (result.damage, result.unwritten):
        if sentence:
            st.warning(plain(sentence), icon=":material/warning:")
    chosen = settings.class_set, settings.reading, settings.detector.name
    if (run.class_set, run.reading, run.detector) != chosen:
        st.info(
            f"These results were read with {CLASS_SET_NAMES[run.class_set]}, the reading "
            f"“{READING_NAMES[run.reading]}” and {DETECTOR_NAMES[run.detector]}. The sidebar's "
            "choice of these counts for the next analysis, at the end of this page.",
            icon=":material/info:",
        )


def _chosen_persons(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the persons to show, those seen longest first; short tracks only on demand."""
    persons = _longest_first(record["persons"])
    long = [person for person in persons if person["seconds_seen"] >= _SHORT_S]
    with st.container(horizontal=True):
        short = len(persons) - len(long)
        if short and st.toggle(
            f"Also show {short} seen for less than half a second", value=not long, key="video-short"
        ):
            long = persons
        if len(long) > _MOST_PERSONS and not st.toggle(f"Show all {len(long)} persons"):
            long = long[:_MOST_PERSONS]
    return long


def _show_player(
    video: Video, run: VideoRun, view: View, persons: Sequence[Mapping[str, Any]]
) -> None:
    """Draw the video with the lines of all persons."""
    shown = [int(record["person"]) for record in persons]
    best = {person: surest_row(view, person) for person in shown}
    pictures = faces_of(video, view, best.values())
    faces = {person: pictures[row] for person, row in best.items() if row in pictures}
    data = player_data(view, persons, names=run.edits.names, faces=faces)
    take_drop(run, show_player(f"player-{run.key}", _played(video, run), data))


def _played(video: Video, run: VideoRun) -> Played:
    """Return the annotated video, or else the upload, where browsers play it."""
    size_wh, drawn = video.facts.size_wh, run.drawn
    if run.turned_deg % 180:
        size_wh = size_wh[::-1]
    if drawn is not None and size_of(drawn.file) <= _MAX_PLAYED_BYTES and run.job.result:
        # It begins with the first analysed frame.
        begins_s = float(run.job.result.result.timeline.time_s[0])
        return Played(read_all(drawn.file), "video/mp4", begins_s, size_wh)
    mime = playable(video)
    content = read_all(video.file) if mime and is_small(video) and video.file else b""
    return Played(content, mime, 0.0, size_wh)


def _show_drawing(video: Video, run: VideoRun, look: Look) -> None:
    """Draw the file's facts, and the way to a new annotated video when it is out of date."""
    drawn = run.drawn
    if run.drawing is not None and not run.drawing.over:
        follow_drawing(run)
    if run.drawing is not None and run.drawing.state is JobState.FAILED:
        st.error(plain(run.drawing.error), icon=":material/error:")
    if drawn is not None and size_of(drawn.file) > _MAX_PLAYED_BYTES:
        st.info("The annotated video is too large to play here; download it below.")
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("About the file", icon=":material/info:"):
            show_facts(video)
        remove_button()
        idle = run.drawing is None or run.drawing.over
        if idle and (drawn is None or drawn.look != look):
            label = "Draw the video again" if drawn else "Make an annotated video"
            if st.button(label, icon=":material/brush:") and video.file is not None:
                run.draw_again(get_queue(), visitor(), video.file, look)
                st.rerun()
            if drawn is not None:
                st.caption(
                    "The video still shows the names, smoothing and threshold that it was drawn "
                    "with.",
                    width="content",
                )


def _show_downloads(video: Video, run: VideoRun, look: Look, record: Mapping[str, Any]) -> None:
    """Draw the buttons that hand out the data; nothing is made before it is asked for."""
    stem, names, drawn = PurePath(video.name).stem, run.edits.names, run.drawn
    view = run.view(look)

    def table() -> pd.DataFrame:
        return timeline_table(view.timeline, view.smoothed, view.verdicts, names)

    st.header("Take it away")
    with st.container(horizontal=True):
        for label, suffix, mime, content in (
            ("Table (CSV)", "csv", "text/csv", lambda: table_to_csv(table())),
            ("Table (Parquet)", "parquet", _PARQUET_MIME, lambda: table_to_parquet(table())),
            ("Summary (JSON)", "json", "application/json", lambda: _as_json(record)),
            ("Captions (WebVTT)", "vtt", "text/vtt", lambda: _captions(view, names)),
            ("Report (HTML)", "html", "text/html", lambda: results_report(video, run, look)),
        ):
            download_made_at_click(label, content, f"{stem}.{suffix}", mime)
        if drawn is not None:
            download_made_at_click(
                "Annotated video (MP4)",
                lambda: read_all(drawn.file),
                f"{stem}.annotated.mp4",
                "video/mp4",
            )
    st.caption(
        "The tables have one row for each analysed frame and person, also for frames without a "
        "face, with every probability raw and smoothed. Times are those of the uploaded video."
    )


def _as_json(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, indent=2, ensure_ascii=False).encode()


def _captions(view: View, names: Mapping[int, str]) -> bytes:
    return captions_vtt(view.timeline, view.verdicts, names).encode()


def _record(video: Video, run: VideoRun, view: View, threshold: float) -> dict[str, Any]:
    analysed = video.facts if run.job.result is None else run.job.result.result.facts
    facts = {
        "file": video.name,
        **analysed.record(),
        "classes": run.class_set,
        "reading": run.reading,
    }
    return summary_record(
        view.timeline,
        view.smoothed,
        view.verdicts,
        names=run.edits.names,
        facts={**facts, "detector": run.detector},
        threshold=threshold,
    )
