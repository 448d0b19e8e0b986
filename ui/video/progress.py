"""What the page shows while a video is being worked on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from fer_core.labels import verdict_of
from fer_core.video.progress import Progress
from ui.common.jobs import Job, JobQueue, JobState, get_queue, ordinal
from ui.common.readings import persons_by_time, readings_of
from ui.common.timeline_charts import TIMELINE_CONFIG, emotion_timeline, thin_out
from ui.video.runs import VideoRun, Waiting

_EVERY_S = 1.0
# Of the growing time line a sketch will do: it is drawn anew every second.
_SKETCH_POINTS = 300
_SKETCH_PERSONS = 2


@st.fragment(run_every=_EVERY_S)
def follow_analysis(run: VideoRun) -> None:
    """Draw the progress of an analysis, and what was read so far, until it is over."""
    if run.job.over:
        st.rerun()
    _show_job(run.job, get_queue(), "Analysing", "cancel-analysis")
    if run.job.state is JobState.QUEUED:
        return
    timeline = run.builder.build()
    if not len(timeline.time_s):
        return
    for person in persons_by_time(timeline)[:_SKETCH_PERSONS]:
        rows = timeline.person == person
        probabilities = timeline.probabilities[rows]
        unread = np.full(len(probabilities), "")
        few, _ = thin_out(readings_of(timeline, person, probabilities, unread), _SKETCH_POINTS)
        verdicts = [
            verdict_of(timeline.labels, reading, run.options.threshold)
            for reading in few.probabilities
        ]
        sketch = replace(few, verdicts=np.array(verdicts, str))
        st.markdown(f"**Person {person}** so far, not smoothed yet")
        st.plotly_chart(
            emotion_timeline(
                timeline.labels,
                sketch,
                span_s=(float(timeline.time_s[0]), float(timeline.time_s[-1])),
            ),
            key=f"sketch-{person}",
            config=TIMELINE_CONFIG,
            alt=f"Emotions of person {person} over time, so far",
        )


@st.fragment(run_every=_EVERY_S)
def follow_drawing(run: VideoRun) -> None:
    """Draw the progress of the annotated video being drawn again, until it is over."""
    if run.drawing is None or run.drawing.over:
        st.rerun()
    _show_job(run.drawing, get_queue(), "Drawing the video", "cancel-drawing")


def _show_job(job: Job[Any], queue: JobQueue, doing: str, key: str) -> None:
    """Draw a job's place in line or its progress, and the button that ends it."""
    bar, button = st.columns([4, 1], vertical_alignment="center")
    button.button(
        "Cancel",
        icon=":material/cancel:",
        width="stretch",
        key=key,
        on_click=queue.cancel,
        args=(job,),
    )
    place = queue.place(job)
    if place:
        bar.info(
            f"**{ordinal(place)} in line.** Other videos are being worked on; yours begins by "
            "itself. You may look at other pages meanwhile.",
            icon=":material/hourglass_top:",
        )
    elif job.stop.is_set():
        bar.progress(1.0, "Ending …")
    elif isinstance(job.progress, Progress):
        bar.progress(_share(job.progress), f"{doing}: {progress_text(job.progress)}")
    elif job.progress is Waiting.MEMORY:
        bar.progress(0.0, "Waiting for memory that other videos and photos are using …")
    else:
        bar.progress(0.0, f"{doing} …")


def _share(progress: Progress) -> float:
    return min(1.0, progress.done / progress.total) if progress.total else 0.0


def progress_text(progress: Progress) -> str:
    """Return, for example, "153 of 458 frames · 84 frames a second · 4 s left"."""
    parts = [f"{progress.done:,} frames"]
    if progress.total is not None:
        parts = [f"{progress.done:,} of {progress.total:,} frames"]
    parts.append(f"{progress.frames_per_s:.3g} frames a second")
    if progress.left_s is not None:
        minutes, seconds = divmod(round(progress.left_s), 60)
        parts.append(f"{minutes} min {seconds} s left" if minutes else f"{seconds} s left")
    return " · ".join(parts)
