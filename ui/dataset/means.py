"""The mean face of every emotion."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.labels import FER7
from train.data.fer2013 import EXPECTED_COUNTS, FaceSet
from ui.common.explorer_data import PICTURES_NEEDED
from ui.common.images import enlarged
from ui.dataset.state import Collection
from ui.dataset.tiles import SPLIT_NAMES

_WIDTH = 150
_MEAN, _SPREAD, _DIFFERENCE = "mean", "spread", "difference"
_KINDS = {
    _MEAN: "Mean",
    _DIFFERENCE: "Difference from all",
    _SPREAD: "Spread",
}
_NOTES = {
    _MEAN: "The mean grey level of every pixel. What stays sharp is where all faces of an emotion "
    "agree; it also shows how tightly the data set frames its faces.",
    _DIFFERENCE: "Three times the difference from the mean of all emotions, on grey: brighter "
    "pixels are brighter in this emotion, darker ones darker. The mouth tells most.",
    _SPREAD: "The standard deviation of every pixel, three times as bright: where pictures of one "
    "emotion differ most, which is around the face and in the hair.",
}


def show_means(found: Collection) -> None:
    """Draw the mean faces; without the data set, what is needed."""
    dataset = found.dataset
    if dataset is None:
        st.info(PICTURES_NEEDED, icon=":material/image_not_supported:")
        return
    splits = [split for split in EXPECTED_COUNTS if (dataset.splits == split).any()]
    row = st.container(horizontal=True)
    split = row.segmented_control(
        "Split",
        splits,
        default=splits[0],
        format_func=SPLIT_NAMES.__getitem__,
        required=True,
        key="means-split",
        persist_state="session",
        wrap=True,
    )
    kind = row.segmented_control(
        "Show",
        list(_KINDS),
        default=_MEAN,
        format_func=_KINDS.__getitem__,
        required=True,
        key="means-kind",
        persist_state="session",
        wrap=True,
    )
    st.caption(_NOTES[kind])
    pictures = _pictures(dataset, split)[1][kind]
    with st.container(horizontal=True):
        for label, picture, count in pictures:
            caption = f"{label.capitalize()} ({count:,})"
            st.image(enlarged(picture, 3 * 48), caption, width=_WIDTH, alt=f"{kind}: {label}")


# The data set stays in the result, so that its id cannot become another's.
@st.cache_resource(show_spinner="Averaging the faces …", max_entries=6, hash_funcs={FaceSet: id})
def _pictures(
    dataset: FaceSet, split: str
) -> tuple[FaceSet, dict[str, list[tuple[str, NDArray[np.uint8], int]]]]:
    means, spreads, counts = mean_faces(dataset, split)
    overall = (means * counts[:, None, None]).sum(axis=0) / counts.sum()
    shown = {_MEAN: means, _DIFFERENCE: 128 + 3 * (means - overall), _SPREAD: 3 * spreads}
    present = [index for index in range(len(counts)) if counts[index]]
    return dataset, {
        kind: [
            (FER7.labels[i], np.clip(values[i].round(), 0, 255).astype(np.uint8), int(counts[i]))
            for i in present
        ]
        for kind, values in shown.items()
    }


def mean_faces(
    dataset: FaceSet, split: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Measure the faces of every emotion.

    Args:
        dataset: FER-2013.
        split: The one to look at.

    Returns:
        Means and standard deviations float64 ``(7, 48, 48)``, in grey levels, and the numbers of
        pictures int64 ``(7,)``; zeros for an emotion without pictures.
    """
    side = dataset.faces_gray.shape[1]
    means, spreads = np.zeros((2, len(FER7), side, side))
    counts = np.zeros(len(FER7), np.int64)
    for label in range(len(FER7)):
        faces = dataset.faces_gray[(dataset.splits == split) & (dataset.labels == label)]
        counts[label] = len(faces)
        if len(faces):
            means[label] = faces.mean(axis=0)
            # In whole numbers: a copy of Training in floats would take 265 MB.
            squares = np.einsum("nij,nij->ij", faces, faces, dtype=np.uint64, casting="unsafe")
            spreads[label] = np.sqrt(np.maximum(squares / len(faces) - means[label] ** 2, 0))
    return means, spreads, counts
