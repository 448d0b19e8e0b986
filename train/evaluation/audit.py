"""What is wrong with FER-2013: duplicates, leaks, pictures that are no faces, doubtful labels."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.download import yunet_path
from fer_core.quality import sharpness
from fer_core.records import csv_cell
from train.data.fer2013 import TRAINING, FaceSet
from train.data.ferplus import ANSWERS, NOT_A_FACE, Votes, majority
from train.data.framing import canvas_of
from train.evaluation.duplicates import NEAR, groups_of, near_pairs, numbered
from train.evaluation.label_issues import LabelIssues
from train.evaluation.records import Audit, AuditSummary

BLANK, BY_CROWD, BY_DETECTOR = "blank", "crowd", "detector"
# In grey levels; warning signs and lines of text have more.
_BLANK_CONTRAST = 8.0
_NOT_A_FACE_VOTES = 2
# Where FER+ has no row or such votes, YuNet's score is below this for 58 %; for faces, 1.4 %.
_FACE_SCORE = 0.05
_DETECTION_SIDE = 192


def audit(dataset: FaceSet, votes: Votes | None = None) -> Audit:
    """Look through the data set.

    Args:
        dataset: FER-2013, all seven classes.
        votes: FER+'s; without them, a picture that is no face is recognised by YuNet alone.

    Returns:
        What was found, picture by picture and in numbers.
    """
    identical = numbered(dataset.pixel_groups())
    pairs, _ = near_pairs(dataset.faces_gray)
    near = groups_of(np.concatenate([pairs, _chained(identical)]), len(dataset))
    faces = dataset.faces_gray.astype(np.float32)
    contrast = faces.std(axis=(1, 2))
    counts = (
        np.zeros((len(dataset), len(ANSWERS)), np.int64) if votes is None else votes.of(dataset.ids)
    )
    no_face, how = _no_face(dataset, contrast, counts, voted=votes is not None)
    total = counts.sum(axis=1)
    chosen = majority(counts)
    labelled = np.array([ANSWERS.index(label) for label in dataset.class_set.labels])
    share = _share(counts.max(axis=1), total)
    parts: dict[str, Any] = {
        "names": dataset.names,
        "splits": dataset.splits,
        "emotions": dataset.words,
        "identical": identical,
        "near": near,
        "near_leaked": _leaked(near, dataset.splits),
        "brightness": faces.mean(axis=(1, 2)),
        "contrast": contrast,
        "sharpness": np.array([sharpness(face) for face in dataset.faces_gray], np.float32),
        "no_face": no_face,
        "crowd_emotion": np.array(["", *dataset.class_set.labels])[chosen + 1],
        "crowd_share": share,
        "label_share": _share(counts[np.arange(len(dataset)), labelled[dataset.labels]], total),
    }
    doubted = (chosen >= 0) & (chosen != dataset.labels)
    return Audit(**parts, summary=_summary(parts, int((total > 0).sum()), int(doubted.sum()), how))


def _chained(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return pairs that join the members of each group, int64 ``(P, 2)``."""
    members = np.flatnonzero(groups >= 0)
    members = members[np.argsort(groups[members], kind="stable")]
    neighbours = np.stack([members[:-1], members[1:]], axis=1)
    together = groups[neighbours[:, 0]] == groups[neighbours[:, 1]]
    return np.asarray(neighbours[together], np.int64)


def _share(part: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.where(total > 0, part / np.maximum(total, 1), np.nan).astype(np.float32)


def _leaked(groups: NDArray[np.int64], splits: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return bool ``(N,)``: which test pictures share a group with one of Training."""
    training = groups[(splits == TRAINING) & (groups >= 0)]
    return np.asarray((splits != TRAINING) & np.isin(groups, training), np.bool_)


def _no_face(
    dataset: FaceSet, contrast: NDArray[np.float32], counts: NDArray[np.int64], *, voted: bool
) -> tuple[NDArray[np.str_], str]:
    """Return the sign that each picture is no face, str ``(N,)``, and how they were found."""
    signs = np.full(len(dataset), "", "<U8")
    how = f"Blank: grey levels with a standard deviation below {_BLANK_CONTRAST:g}. "
    if voted:
        signs[(counts.sum(axis=1) == 0) | (counts[:, NOT_A_FACE] >= _NOT_A_FACE_VOTES)] = BY_CROWD
        how += (
            "By the crowd: FER+ has no votes for the picture, since its makers left it out, or at "
            f"least {_NOT_A_FACE_VOTES} of ten voters chose 'not a face'; faces that are cut off "
            "or lie on their side are among them."
        )
    elif yunet_path().is_file():
        signs[_face_scores(dataset.faces_gray) < _FACE_SCORE] = BY_DETECTOR
        how += (
            f"By the detector: YuNet's best score is below {_FACE_SCORE:g}. That is a suspicion: "
            "it finds six in ten of the pictures that FER+ leaves out, and for each of them "
            "several faces that are turned or cut off. Give FER+'s votes for a better list."
        )
    else:
        how += "Give FER+'s votes, or fetch YuNet with `python -m fer_core download`, for more."
    signs[contrast < _BLANK_CONTRAST] = BLANK
    return signs, how


def _face_scores(faces_gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return YuNet's best score on each picture, float32 ``(N,)``; 0 where it finds nothing."""
    # With far lower scores than serving wants: here the question is what is surely no face.
    network = cv2.FaceDetectorYN.create(
        str(yunet_path()), "", (_DETECTION_SIDE, _DETECTION_SIDE), _FACE_SCORE / 2, 0.3
    )
    scores = np.zeros(len(faces_gray), np.float32)
    for index, face in enumerate(tqdm(faces_gray, unit="picture", disable=None)):
        canvas = cv2.resize(
            canvas_of(face), (_DETECTION_SIDE, _DETECTION_SIDE), interpolation=cv2.INTER_AREA
        )
        rows = network.detect(canvas)[1]
        if rows is not None:
            scores[index] = rows[:, 14].max()
    return scores


def _summary(parts: dict[str, Any], voted: int, issues: int, how_no_face: str) -> AuditSummary:
    identical, near, no_face = parts["identical"], parts["near"], parts["no_face"]
    emotions, splits = parts["emotions"], parts["splits"]
    return AuditSummary(
        pictures=len(emotions),
        identical_groups=int(identical.max(initial=-1)) + 1,
        identical_pictures=int((identical >= 0).sum()),
        identical_conflicting=_mixed(identical, emotions),
        leaked=int(_leaked(identical, splits).sum()),
        near_groups=int(near.max(initial=-1)) + 1,
        near_pictures=int((near >= 0).sum()),
        near_conflicting=_mixed(near, emotions),
        near_across=_mixed(near, splits),
        near_leaked=int(parts["near_leaked"].sum()),
        blank=int((no_face == BLANK).sum()),
        no_face=int((no_face != "").sum()),
        voted=voted,
        crowd_doubts=issues,
        methods={
            "identical": "All pixels are equal.",
            "near": f"The details of two pictures correlate by at least {NEAR:g}; groups are "
            "what such pairs join.",
            "no_face": how_no_face,
            "labels": "Training and test by FER+'s majority, where votes are given; test pictures "
            "by the model's confidence against the label too. For Training the model's opinion "
            "says nothing: it has learned these labels.",
        },
    )


def _mixed(groups: NDArray[np.int64], values: NDArray[np.str_]) -> int:
    """Return the number of groups with more than one value."""
    grouped = groups >= 0
    pairs = np.unique(np.stack([groups[grouped].astype(np.str_), values[grouped]]), axis=1)
    return int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())


def as_text(result: Audit) -> str:
    """Return the numbers of an audit as a table to read in a terminal."""
    found = result.summary
    lines = (
        ("pictures", found.pictures),
        ("groups of pixel-identical pictures", found.identical_groups),
        ("  pictures in them", found.identical_pictures),
        ("  groups with conflicting labels", found.identical_conflicting),
        ("  test pictures leaked from Training", found.leaked),
        ("groups of near duplicates, these included", found.near_groups),
        ("  pictures in them", found.near_pictures),
        ("  groups with conflicting labels", found.near_conflicting),
        ("  groups across splits", found.near_across),
        ("  test pictures leaked from Training", found.near_leaked),
        ("pictures that are no faces, or hardly", found.no_face),
        ("  blank ones", found.blank),
        ("pictures with FER+ votes", found.voted),
        ("  whose majority contradicts the label", found.crowd_doubts),
    )
    table = [f"{title:44}{count:8,}" for title, count in lines]
    return "\n".join([*table, "", *found.methods.values()])


def write_csv(result: Audit, issues: LabelIssues, path: Path) -> int:
    """Write a row for every picture that something was found about.

    Likely wrong labels come first, the likeliest on top.

    Returns:
        The number of rows.
    """
    found = (result.near >= 0) | (result.no_face != "")
    others = np.setdiff1d(np.flatnonzero(found), issues.positions)
    blank = {"doubt": "", "suggested": "", "doubted_by": "", "agreed": ""}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*_row(result, 0), *blank] if len(result) else [])
        writer.writeheader()
        for rank, position in enumerate(issues.positions):
            writer.writerow(
                _row(result, int(position))
                | {
                    "doubt": f"{issues.margins[rank]:.3f}",
                    "suggested": issues.suggested[rank],
                    "doubted_by": issues.sources[rank],
                    "agreed": bool(issues.agreed[rank]),
                }
            )
        writer.writerows(_row(result, int(position)) | blank for position in others)
    return len(issues.positions) + len(others)


def _row(result: Audit, position: int) -> dict[str, Any]:
    share, own = result.crowd_share[position], result.label_share[position]
    return {
        "name": csv_cell(result.names[position]),
        "split": result.splits[position],
        "label": result.emotions[position],
        "identical_group": _number(result.identical[position]),
        "near_group": _number(result.near[position]),
        "near_leaked": bool(result.near_leaked[position]),
        "no_face": result.no_face[position],
        "brightness": f"{result.brightness[position]:.1f}",
        "contrast": f"{result.contrast[position]:.1f}",
        "sharpness": f"{result.sharpness[position]:.1f}",
        "crowd_emotion": result.crowd_emotion[position],
        "crowd_share": "" if np.isnan(share) else f"{share:.2f}",
        "label_share": "" if np.isnan(own) else f"{own:.2f}",
    }


def _number(group: np.int64) -> int | str:
    return int(group) if group >= 0 else ""
