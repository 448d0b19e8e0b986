"""How photos come onto the page: chosen, analysed with progress, leafed through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.images import IMAGE_SUFFIXES
from fer_core.protocols import FaceReader
from ui.common.layout import plain
from ui.common.resources import get_classifier
from ui.common.samples import Upload, sample_uploads
from ui.common.settings import CLASS_SET_NAMES, Settings
from ui.common.uploads import room_for_one, take
from ui.photo.shelf import (
    MAX_BYTES,
    MAX_PHOTOS,
    SHELF_KEY,
    PhotoReading,
    PhotoShelf,
    read_photos,
    shelf,
)

_ROUND_KEY = "upload-round"
_MAX_FILE_MB = 50
_THUMBNAILS = 8
_THUMBNAIL_WIDTH = 112


def choose_photos() -> None:
    """Draw the three ways to bring photos in."""
    photos = shelf()
    round_ = st.session_state.setdefault(_ROUND_KEY, 0)
    upload, camera, sample = st.columns([4, 2, 3], vertical_alignment="bottom")
    files = upload.file_uploader(
        "Upload photos",
        type=[suffix[1:] for suffix in IMAGE_SUFFIXES],
        accept_multiple_files=True,
        max_upload_size=_MAX_FILE_MB,
        key=f"upload-{round_}",
    )
    with camera:
        taken = st.toggle("Use the camera", key="camera-on") and st.camera_input(
            "Take a photo", key=f"camera-{round_}"
        )
    if sample.button("Try a sample photo", icon=":material/image:", width="stretch"):
        photos.add(sample_uploads())
    new = [Upload(file.name, take(file)) for file in files]
    if taken:
        new.append(Upload("camera.jpg", take(taken)))
    if new:
        photos.add(new)
        # The photos are on the shelf now; fresh widgets make room for the next ones.
        st.session_state[_ROUND_KEY] = round_ + 1
        st.rerun()
    if photos.refused:
        most_mb = min(MAX_BYTES, room_for_one()) // 1_000_000
        st.warning(
            f"There is no room for more than {most_mb} MB or {MAX_PHOTOS} photos at once, and less "
            f"where other visitors have some; left out: {plain(', '.join(photos.refused))}."
        )


def analyze_current(settings: Settings) -> None:
    """Read the photo that is looked at, if it is new: it is shown before any other is read."""
    photos = shelf()
    if photos.current in photos.pending(settings.detector.name, settings.reading):
        waiting = st.empty()
        with st.spinner("Analysing …"):
            _read(photos, [photos.current], settings, on_wait=waiting.caption)
        waiting.empty()


def analyze_rest(settings: Settings, place: DeltaGenerator) -> None:
    """Read the other new photos, with progress and a way out; what is read stays.

    Args:
        settings: The visitor's choices.
        place: Where the progress goes.
    """
    photos = shelf()
    waiting = photos.pending(settings.detector.name, settings.reading)
    if not waiting:
        return
    bar, button = place.columns([4, 1], vertical_alignment="center")
    if photos.stopped:
        bar.info(f"Cancelled: {len(waiting)} of {len(photos.uploads)} photos are not analysed.")
        button.button("Continue", width="stretch", on_click=photos.stop, args=(False,))
        return
    button.button("Cancel the rest", width="stretch", on_click=photos.stop)
    progress = bar.progress(0.0, "Analysing …")
    read = 0

    def show(done: int, left_s: float) -> None:
        nonlocal read
        read = done
        left = f", {left_s:.0f} s left" if done else ""
        progress.progress(done / len(waiting), f"{len(waiting) - done} photos to go{left}")

    def show_wait(why: str) -> None:
        progress.progress(read / len(waiting), why)

    _read(photos, waiting, settings, show, show_wait)
    st.rerun()


def gallery(settings: Settings) -> None:
    """Draw thumbnails to leaf through, and what can be done with the photos."""
    photos = shelf()
    if photos.current is None:
        return
    keys = list(photos.uploads)
    place = keys.index(photos.current)
    if len(keys) > 1:
        start = place // _THUMBNAILS * _THUMBNAILS
        with st.container(horizontal=True):
            for key in keys[start : start + _THUMBNAILS]:
                _thumbnail(photos, key, settings)
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(keys) > 1:
            st.button("Previous", icon=":material/chevron_left:", on_click=photos.step, args=(-1,))
            st.button("Next", icon=":material/chevron_right:", on_click=photos.step, args=(1,))
            st.caption(f"Photo {place + 1} of {len(keys)}")
        st.button("Remove", icon=":material/close:", on_click=photos.remove, args=(photos.current,))
        st.button(
            "Clear all",
            icon=":material/delete:",
            on_click=st.session_state.pop,
            args=(SHELF_KEY,),
        )


def _thumbnail(photos: PhotoShelf, key: str, settings: Settings) -> None:
    with st.container(width=_THUMBNAIL_WIDTH, gap="xxsmall"):
        place = key, settings.detector.name, settings.reading
        reading = photos.readings.get(place, PhotoReading())
        if reading.thumbnail:
            st.image(reading.thumbnail, width="stretch")
        st.button(
            plain(photos.uploads[key].name),
            key=f"show-{key}",
            type="primary" if key == photos.current else "secondary",
            width="stretch",
            wrap=False,
            on_click=photos.show,
            args=(key,),
        )


def _read(
    photos: PhotoShelf,
    keys: Sequence[str],
    settings: Settings,
    on_progress: Callable[[int, float], None] = lambda done, left_s: None,
    on_wait: Callable[[str], object] = lambda why: None,
) -> None:
    # Both models read every face, so that the class set can be changed without another wait.
    readers: dict[str, FaceReader] = {
        name: get_classifier(name, settings.reading) for name in CLASS_SET_NAMES
    }
    read_photos(
        photos,
        keys,
        settings.detector,
        readers,
        reading=settings.reading,
        on_progress=on_progress,
        on_wait=on_wait,
    )
