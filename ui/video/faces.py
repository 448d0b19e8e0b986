"""Faces cut out of a video to be shown, each only once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np
import streamlit as st

from fer_core.errors import FerError
from fer_core.types import FaceBox
from ui.common.images import as_jpeg, crop_rgb
from ui.video.runs import View
from ui.video.shelf import Video


def faces_of(video: Video, view: View, rows: Iterable[int]) -> dict[int, bytes]:
    """Return pictures of readings' faces, which are kept with the video; say so while that takes.

    Args:
        video: The video.
        view: The readings.
        rows: The positions of those that are wanted.

    Returns:
        JPEGs by row, without those that cannot be read.
    """
    timeline = view.timeline
    keys = {
        row: (
            float(timeline.time_s[timeline.row[row]]),
            tuple(timeline.boxes_xyxy[row].tolist()),
        )
        for row in rows
    }
    missing = sorted({key for key in keys.values() if key not in video.pictures})
    if missing and video.file is not None:
        with st.spinner("Cutting the faces out of the video …"):
            _cut_out(video, missing)
    return {row: video.pictures[key] for row, key in keys.items() if key in video.pictures}


def surest_row(view: View, person: int) -> int:
    """Return the position of the reading in which a person is most certainly a face."""
    rows = np.flatnonzero(view.timeline.person == person)
    return int(rows[view.timeline.score[rows].argmax()])


def _cut_out(video: Video, keys: Iterable[tuple[float, tuple[float, ...]]]) -> None:
    """Open the video once, and read a frame once for all who are in it."""
    try:
        with video.open() as source:
            for time_s, together in groupby(keys, key=lambda key: key[0]):
                image_bgr = source.frame_at(time_s).bgr()
                for key in together:
                    video.pictures[key] = as_jpeg(crop_rgb(image_bgr, FaceBox(*key[1])))
    except FerError:
        # What lies behind a damaged place is not shown.
        return
