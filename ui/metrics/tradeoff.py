"""What leaving an emotion out gains and costs: seven emotions against six."""

from __future__ import annotations

from collections import Counter

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.readings import LABELS
from train.evaluation.metrics import class_scores, confusion_matrix
from train.evaluation.records import Verdicts
from ui.common.explorer_data import model_title, pictures_of
from ui.common.resources import get_classifier


def tradeoff(wide: tuple[str, Verdicts], narrow: tuple[str, Verdicts]) -> None:
    """Draw what a model with fewer emotions gains and costs.

    Args:
        wide: The model that knows more emotions: its name, and what it says of N pictures.
        narrow: The other one, whose emotions are among these, and what it says of those of the
            N pictures that it knows.
    """
    (wide_name, more), (narrow_name, fewer) = wide, narrow
    names = model_title(wide_name), model_title(narrow_name)
    left_out = [label for label in more.emotions if label not in fewer.emotions]
    said = " and ".join(left_out)
    st.header(f"What leaving {said} out gains and costs")
    kept = more.where(~np.isin(more.words, left_out))
    told = without(kept, left_out)
    hits = int(fewer.correct.sum())
    st.markdown(
        f"| Accuracy on | {len(kept):,} without {said} | all {len(more):,} |\n|---|---:|---:|\n"
        f"| {names[0]} | {kept.correct.mean():.1%} | {more.correct.mean():.1%} |\n"
        f"| {names[0]}, told that there is no {said} | {told.correct.mean():.1%} "
        f"| {told.correct.sum() / len(more):.1%} |\n"
        f"| {names[1]} | {fewer.correct.mean():.1%} | {hits / len(more):.1%} |"
    )
    st.caption(
        f"On all pictures, those labelled {said} count as mistakes of a network that does not know "
        f"{said}. “Told”: the probability of {said} is spread over the others in proportion."
    )
    rows, scores = _by_emotion(more, fewer, names)
    st.dataframe(
        rows,
        hide_index=True,
        column_config=dict.fromkeys(scores, st.column_config.NumberColumn(format="%.1f %%")),
    )
    _where_they_go(more, left_out, narrow_name)


def without(verdicts: Verdicts, left_out: list[str]) -> Verdicts:
    """Return the verdicts of a model that is told that some emotions do not occur.

    Args:
        verdicts: Of pictures with other labels than these.
        left_out: Their probabilities go to the other emotions, in proportion.
    """
    columns = [k for k, label in enumerate(verdicts.emotions) if label not in left_out]
    rest = verdicts.probabilities[:, columns]
    rest = rest / np.maximum(rest.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    place = {column: index for index, column in enumerate(columns)}
    return Verdicts(
        verdicts.names,
        tuple(verdicts.emotions[column] for column in columns),
        np.array([place[label] for label in verdicts.labels.tolist()], np.int64),
        rest,
    )


def _by_emotion(
    more: Verdicts, fewer: Verdicts, names: tuple[str, str]
) -> tuple[list[dict[str, object]], list[str]]:
    """Return one row per emotion, and the names of its columns with percentages."""
    scores = [
        class_scores(confusion_matrix(v.labels, v.predicted, len(v.emotions)))
        for v in (more, fewer)
    ]
    columns = [f"recall, {name}" for name in names] + [f"precision, {name}" for name in names]
    rows: list[dict[str, object]] = []
    for k, label in enumerate(more.emotions):
        other = fewer.emotions.index(label) if label in fewer.emotions else None
        values = [
            float(values[position]) * 100 if position is not None else None
            for which in ("recall", "precision")
            for values, position in (
                (getattr(scores[0], which), k),
                (getattr(scores[1], which), other),
            )
        ]
        rows.append(
            {"emotion": label.capitalize(), "pictures": int(scores[0].support[k])}
            | dict(zip(columns, values, strict=True))
        )
    return rows, columns


def _where_they_go(more: Verdicts, left_out: list[str], narrow_name: str) -> None:
    """Say what the narrower model takes the pictures for that it has no word for."""
    found = pictures_of(more.where(np.isin(more.words, left_out)).ids)
    if found is None or not found[1].any():
        return
    answers = Counter(_answers(narrow_name, found[0][found[1]]))
    parts = ", ".join(f"{label} {count}" for label, count in answers.most_common())
    st.markdown(
        f"The network for {model_title(narrow_name)} takes the {int(found[1].sum())} pictures "
        f"labelled {' or '.join(left_out)}, each with its mirror image, for: {parts}."
    )


@st.cache_data(show_spinner=False, max_entries=16)
def _answers(model: str, faces_gray: NDArray[np.uint8]) -> list[str]:
    classifier = get_classifier(model, LABELS)
    best = classifier.predict(faces_gray).argmax(axis=1)
    return [classifier.labels[position] for position in best]
