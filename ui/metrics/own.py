"""Measure your own: a .zip of labelled pictures in, the same figures and downloads out."""

from __future__ import annotations

import weakref
from functools import partial

import streamlit as st

from fer_core.readings import LABELS
from fer_core.records import csv_cell
from train.data.archives import MAX_FILES
from train.evaluation.custom_dataset import Measurement
from ui.common.closing import at_close
from ui.common.explorer_data import model_title
from ui.common.jobs import Job, get_queue, ordinal
from ui.common.layout import PRIVACY_NOTE, plain
from ui.common.resources import get_classifier
from ui.common.settings import Settings
from ui.common.uploads import most_mb
from ui.common.visitors import visitor
from ui.metrics.choice import BY_LABELS
from ui.metrics.classes import class_browser
from ui.metrics.confidence import confidence_browser
from ui.metrics.confusion import confusion_browser
from ui.metrics.groups import group_browser, groups_of
from ui.metrics.overview import figure_tiles, figures_of
from ui.metrics.own_runs import OwnRun, figures_json, start_run, verdicts_csv

_RUN_KEY = "metrics-own-run"
_ROUND_KEY = "metrics-own-round"
_EVERY_S = 1.0
_MAX_MB = 500
_BY_GROUP = "By group"
_PHOTOS, _CROPS = "Photos: find the face first", "Face crops: read them as they are"


def own_section(model: str, settings: Settings) -> None:
    """Draw the upload, the progress, or what came out."""
    st.header("Measure it on your own pictures")
    run: OwnRun | None = st.session_state.get(_RUN_KEY)
    if run is not None and not run.job.over:
        _follow(run)
        return
    if run is not None and run.job.error:
        st.error(plain(f"{run.archive}: {run.job.error}"), icon=":material/error:")
    elif run is not None and run.job.result is None:
        st.info("Cancelled: nothing was kept.", icon=":material/cancel:")
    _ask(model, settings)
    if run is not None and run.job.result is not None:
        _results(run, run.job.result, settings.threshold)


def _ask(model: str, settings: Settings) -> None:
    """Draw what to upload, and how to read it."""
    largest_mb = most_mb(_MAX_MB)
    archive = st.file_uploader(
        "A .zip of labelled pictures",
        type=["zip"],
        max_upload_size=largest_mb,
        key=f"own-zip-{st.session_state.get(_ROUND_KEY, 0)}",
        on_change=_forget_failure,
    )
    st.markdown(
        "Inside, either one folder per emotion, named "
        f"{', '.join(f'`{emotion}`' for emotion in _emotions(model))}, or one CSV table with the "
        "columns `name` and `label` beside the pictures. Any other column, such as `sex`, `age` or "
        f"`light`, is compared group by group. Up to {largest_mb} MB and {MAX_FILES:,} files; "
        "nothing is unpacked to disk, and archives with links, other archives or paths that lead "
        "out of them are refused."
    )
    st.caption(f"{BY_LABELS} {PRIVACY_NOTE}")
    how = st.radio(
        "They are", [_PHOTOS, _CROPS], key="own-how", horizontal=True, persist_state="session"
    )
    if st.button(
        f"Measure the network for {model_title(model)}",
        type="primary",
        icon=":material/play_arrow:",
        disabled=archive is None,
    ):
        assert archive is not None
        run = start_run(
            get_queue(),
            visitor(),
            (archive.name, archive.getvalue()),
            get_classifier(model, LABELS),
            settings.detector if how == _PHOTOS else None,
        )
        st.session_state[_RUN_KEY] = run
        # A page that is closed has no use for it; one that forgets it must not hold it thereby.
        at_close(_RUN_KEY, partial(_cancel, weakref.ref(run.job)))
        st.rerun()


def _cancel(job: weakref.ref[Job[Measurement | None]]) -> None:
    """End a measurement, if it is still there."""
    if (found := job()) is not None:
        get_queue().cancel(found)


def _forget_failure() -> None:
    """Let go of a measurement without a result: what is said of it is not of the next archive."""
    run: OwnRun | None = st.session_state.get(_RUN_KEY)
    if run is not None and run.job.over and run.job.result is None:
        del st.session_state[_RUN_KEY]


def _forget() -> None:
    """Let go of the measurement, and of the archive, which a fresh widget does not hold."""
    st.session_state.pop(_RUN_KEY, None)
    st.session_state[_ROUND_KEY] = st.session_state.get(_ROUND_KEY, 0) + 1


def _emotions(model: str) -> tuple[str, ...]:
    return get_classifier(model, LABELS).labels


@st.fragment(run_every=_EVERY_S)
def _follow(run: OwnRun) -> None:
    """Draw the progress of a measurement until it is over."""
    if run.job.over:
        st.rerun()
    bar, button = st.columns([4, 1], vertical_alignment="center")
    button.button(
        "Cancel",
        icon=":material/cancel:",
        width="stretch",
        key="own-cancel",
        on_click=get_queue().cancel,
        args=(run.job,),
    )
    place = get_queue().place(run.job)
    if place:
        bar.info(f"**{ordinal(place)} in line**; yours begins by itself.")
    elif run.job.stop.is_set():
        bar.progress(1.0, "Ending …")
    elif run.job.progress is None:
        bar.progress(0.0, "Looking into the archive …")
    else:
        done, total = run.job.progress
        bar.progress(done / total, f"{done:,} of {total:,} pictures")


def _results(run: OwnRun, measurement: Measurement, threshold: float) -> None:
    """Draw the same figures as for FER-2013, and the downloads."""
    st.header(plain(f"{run.archive}, read as {run.how} for {model_title(run.model)}"))
    if measurement.skipped:
        count = len(measurement.skipped)
        said = "1 file was" if count == 1 else f"{count:,} files were"
        with st.expander(f":material/warning: {said} left out"):
            st.dataframe(
                {
                    "file": [csv_cell(file.name) for file in measurement.skipped],
                    "why": [file.reason for file in measurement.skipped],
                },
                hide_index=True,
            )
    if not len(measurement):
        st.warning("Not one picture could be measured.", icon=":material/warning:")
        return
    verdicts = measurement.verdicts
    figure_tiles(figures_of(verdicts))
    if measurement.empty_classes:
        st.warning(
            f"There is no picture of {', '.join(measurement.empty_classes)}: their F1 counts as 0 "
            "in the macro-F1, and balanced accuracy leaves them out.",
            icon=":material/warning:",
        )
    with st.container(horizontal=True):
        for label, content, name, mime in (
            ("Every picture (CSV)", verdicts_csv(measurement), "verdicts.csv", "text/csv"),
            ("Figures (JSON)", figures_json(run, measurement), "figures.json", "application/json"),
        ):
            st.download_button(
                label, content, name, mime, icon=":material/download:", on_click="ignore"
            )
        st.button("Forget these pictures", icon=":material/delete:", on_click=_forget)
    groups = groups_of(measurement)
    shown = st.segmented_control(
        "Show",
        ["Confusions", "Emotions", "Confidence", *([_BY_GROUP] if groups else [])],
        default=_BY_GROUP if groups else "Confusions",
        required=True,
        key=f"own-show-{run.key}",
    )
    if shown == "Emotions":
        class_browser(verdicts, f"own-classes-{run.key}")
    elif shown == "Confidence":
        confidence_browser(verdicts, threshold, f"own-confidence-{run.key}")
    elif shown == _BY_GROUP:
        group_browser(groups, f"own-groups-{run.key}")
    else:
        confusion_browser(verdicts, f"own-confusion-{run.key}", measurement.faces_gray)
