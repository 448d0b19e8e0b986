"""What is wrong with the data set: doubles, pictures that are no faces, doubtful labels."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from train.data.fer2013 import TRAINING
from train.data.picture_ids import picture_id
from train.evaluation.label_issues import BY_CROWD, LabelIssues
from train.evaluation.records import Audit, AuditSummary
from ui.common.download import download_made_at_click
from ui.common.explorer_data import model_title
from ui.common.pager import pager
from ui.dataset.state import Collection, label_issues_of
from ui.dataset.tiles import AS_STORED, SPLIT_NAMES, Shown, show_tiles

_GROUPS_A_PAGE = 12
_PICTURES_A_PAGE = 60
# A few groups have dozens of blank pictures.
_MOST_OF_A_GROUP = 24
IDENTICAL, NEAR, NO_FACE, LABELS = "identical", "near", "no face", "labels"
_FINDINGS = {
    IDENTICAL: "Pixel-identical",
    NEAR: "Near duplicates",
    NO_FACE: "Not faces",
    LABELS: "Disputed labels",
}
_SIGNS = {"blank": "blank", "crowd": "by the crowd", "detector": "by the detector"}
_SOURCES = {"": "Everybody", "crowd": "FER+'s crowd (Training)", "model": "The network (tests)"}


def show_audit(found: Collection, chosen_model: str) -> None:
    """Draw the audit.

    Args:
        found: With the stored audit.
        chosen_model: The model that doubts labels, where its predictions are stored.
    """
    audit = found.audit
    if audit is None:
        st.info(
            "No audit is stored. `python -m train audit --data PATH --votes ferplus.csv --save` "
            "makes one.",
            icon=":material/info:",
        )
        return
    model = chosen_model if chosen_model in found.predictions else next(iter(found.predictions), "")
    issues = label_issues_of(audit, found.predictions.get(model))
    summary_tiles(audit.summary)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    finding = left.segmented_control(
        "Look at",
        list(_FINDINGS),
        default=IDENTICAL,
        format_func=_FINDINGS.__getitem__,
        required=True,
        key="audit-finding",
        persist_state="session",
        wrap=True,
    )
    with right:
        download_made_at_click(
            "All findings (CSV)",
            lambda: as_csv(audit, issues),
            "fer2013-audit.csv",
            "text/csv",
            icon=":material/download:",
        )
    if finding in (IDENTICAL, NEAR):
        _groups(found, audit, finding)
    elif finding == NO_FACE:
        _no_faces(found, audit)
    else:
        _label_issues(found, audit, issues, model)


def summary_tiles(summary: AuditSummary) -> None:
    """Draw a tile for each kind of finding."""
    figures = [
        (
            "Duplicates",
            f"{summary.near_pictures:,}",
            f"in {summary.near_groups:,} groups, {summary.identical_groups:,} of them with "
            f"identical pictures, {summary.identical_conflicting} of those with different labels",
        ),
        (
            "Test pictures leaked",
            f"{summary.leaked:,}",
            f"{summary.near_leaked:,} with near doubles",
        ),
        ("Not faces", f"{summary.no_face:,}", f"or hardly; {summary.blank:,} of them blank"),
    ]
    if summary.voted:
        disputed = (
            "Disputed labels",
            f"{summary.crowd_doubts / summary.voted:.0%}",
            "that most of ten people would not give",
        )
        figures.insert(0, disputed)
    with st.container(horizontal=True):
        for label, value, more in figures:
            with st.container(border=True, width=170, height="stretch", gap="xxsmall"):
                st.metric(label, value)
                st.caption(more)


def as_csv(audit: Audit, issues: LabelIssues) -> bytes:
    """Return all findings as ``python -m train audit --csv`` writes them."""
    # With it comes SciPy, for which no page should wait.
    from train.evaluation.audit import write_csv

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "audit.csv")
        write_csv(audit, issues, path)
        return path.read_bytes()


def groups_to_show(
    audit: Audit, finding: str, *, across: bool, conflicting: bool
) -> list[NDArray[np.int64]]:
    """Return groups of positions in the audit, those with the most pictures first.

    Args:
        audit: What was found.
        finding: ``IDENTICAL`` or ``NEAR``.
        across: Only groups with pictures of Training and of a test split.
        conflicting: Only groups with more than one label.
    """
    numbers = audit.identical if finding == IDENTICAL else audit.near
    members = np.flatnonzero(numbers >= 0)
    members = members[np.argsort(numbers[members], kind="stable")]
    starts = np.flatnonzero(np.diff(numbers[members], prepend=-1))
    groups = [group for group in np.split(members, starts) if len(group)]
    if across:
        training = audit.splits == TRAINING
        groups = [g for g in groups if training[g].any() and not training[g].all()]
    if conflicting:
        groups = [g for g in groups if len(set(audit.emotions[g].tolist())) > 1]
    return sorted(groups, key=len, reverse=True)


def _groups(found: Collection, audit: Audit, finding: str) -> None:
    st.caption(audit.summary.methods[finding])
    with st.container(horizontal=True):
        across = st.toggle("Training and test mixed", key="audit-across", persist_state="session")
        conflicting = st.toggle(
            "Conflicting labels", key="audit-conflicting", persist_state="session"
        )
    groups = groups_to_show(audit, finding, across=across, conflicting=conflicting)
    pictures = sum(len(group) for group in groups)
    st.markdown(f"**{len(groups):,}** groups of {pictures:,} pictures")
    start, end = pager(len(groups), _GROUPS_A_PAGE, key=f"audit-page-{finding}")
    shows = []
    for group in groups[start:end]:
        labels = ", ".join(sorted(set(audit.emotions[group].tolist())))
        title = f"{len(group)} pictures: {labels}"
        if len(group) > _MOST_OF_A_GROUP:
            title += f" (the first {_MOST_OF_A_GROUP})"
        members = group[:_MOST_OF_A_GROUP].tolist()
        shows.append((title, [_shown(audit, position) for position in members]))
    show_tiles(found, shows, key=f"audit-{finding}")


def _no_faces(found: Collection, audit: Audit) -> None:
    st.caption(audit.summary.methods["no_face"])
    positions = np.flatnonzero(audit.no_face != "")
    start, end = pager(len(positions), _PICTURES_A_PAGE, key="audit-page-no-face")
    shows = [
        _shown(audit, position, _SIGNS.get(str(audit.no_face[position]), ""))
        for position in positions[start:end].tolist()
    ]
    show_tiles(found, [("", shows)], key="audit-no-face")


def _label_issues(found: Collection, audit: Audit, issues: LabelIssues, model: str) -> None:
    st.caption(f"{audit.summary.methods['labels']}{f' {AS_STORED}' if model else ''}")
    source = st.segmented_control(
        "Doubted by",
        list(_SOURCES),
        default="",
        format_func=_SOURCES.__getitem__,
        required=True,
        key="audit-source",
        persist_state="session",
        wrap=True,
    )
    ranks = np.flatnonzero((issues.sources == source) | (source == ""))
    named = f", the network being that of {model_title(model)}" if model else ""
    st.markdown(
        f"**{len(ranks):,}** pictures, {len(ranks) / len(audit):.0%} of all, the most disputed "
        f"first{named}"
    )
    start, end = pager(len(ranks), _PICTURES_A_PAGE, key="audit-page-labels")
    shows = []
    for rank in ranks[start:end].tolist():
        by_crowd = issues.sources[rank] == BY_CROWD
        source_line = "crowd" if by_crowd else "network"
        if not by_crowd and issues.agreed[rank]:
            source_line += " and crowd"
        lines = f"→ {issues.suggested[rank]} {issues.margins[rank]:.2f}", source_line
        shows.append(_shown(audit, int(issues.positions[rank]), *lines))
    show_tiles(found, [("", shows)], key="audit-labels")


def _shown(audit: Audit, position: int, *lines: str) -> Shown:
    picture = picture_id(str(audit.names[position]), str(audit.emotions[position]))
    return Shown(picture, (SPLIT_NAMES.get(str(audit.splits[position]), ""), *lines))
