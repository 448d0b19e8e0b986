"""How photos come onto the page: chosen, and analysed with progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.protocols import FaceReader
from fer_core.reporting.words import count_of
from ui.common.allowance import allowance
from ui.common.layout import plain
from ui.common.picture_buttons import EXAMPLES_HEIGHT, PictureButton, picture_buttons
from ui.common.resources import get_classifier
from ui.common.samples import Upload, examples
from ui.common.settings import CLASS_SET_NAMES, Settings
from ui.common.uploads import PHOTO_TYPES, room_for_one, take
from ui.photo.shelf import VIEW_KEY, PhotoShelf, read_photos, shelf

_ROUND_KEY = "upload-round"
# Of many photos, what was read is shown so often.
_SHOWN_EVERY_S = 3.0


def choose_photos() -> None:
    """Draw the ways to bring photos in: large where there is none yet."""
    photos = shelf()
    round_ = st.session_state.setdefault(_ROUND_KEY, 0)
    empty = not photos.uploads
    with st.container(key="drop-large-photos" if empty else "drop-photos"):
        files = st.file_uploader(
            "Upload photos" if empty else "Add photos",
            type=list(PHOTO_TYPES),
            accept_multiple_files=True,
            max_upload_size=allowance().photo_mb,
            key=f"upload-{round_}",
            label_visibility="visible" if empty else "collapsed",
        )
    new = [Upload(file.name, take(file)) for file in files]
    taken = None
    if st.toggle("Use the camera", key=f"camera-on-{round_}"):
        taken = st.camera_input("Take a photo", key=f"camera-{round_}", resolution="720p")
    if taken:
        new.append(Upload("camera.jpg", take(taken)))
    if empty:
        new += _example()
    if new:
        photos.add(new)
        st.session_state.pop(VIEW_KEY, None)
        # The photos are on the shelf now; fresh widgets make room for the next ones.
        st.session_state[_ROUND_KEY] = round_ + 1
        st.rerun()
    if photos.refused:
        here = allowance()
        most_mb = min(here.photos_mb, room_for_one() // 1_000_000)
        st.warning(
            f"There is no room for more than {most_mb} MB or {here.photos} photos at once, and "
            f"less where other visitors have some; left out: {plain(', '.join(photos.refused))}."
        )


def _example() -> list[Upload]:
    """Draw the examples and return the one that was just clicked, if any."""
    st.caption("Or try one of these:")
    found = [one for one in examples() if one.upload is not None]
    picked = picture_buttons(
        "photo-examples",
        [PictureButton(one.thumbnail, one.title, note=one.source) for one in found],
        height=EXAMPLES_HEIGHT,
    )
    upload = None if picked is None else found[picked].upload
    return [] if upload is None else [upload]


def analyze_current(settings: Settings) -> None:
    """Read the photo that is looked at, if it is new: it is shown before any other is read."""
    photos = shelf()
    if photos.current in photos.pending(settings.detector.name, settings.reading):
        waiting = st.empty()
        with st.spinner("Analysing …"):
            _read(photos, [photos.current], settings, on_wait=waiting.caption)
        waiting.empty()


def analyze_rest(settings: Settings, place: DeltaGenerator) -> None:
    """Read the other new photos, with progress and a way out; what is read stays, and is shown.

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
        bar.info(f"Cancelled: {count_of(len(waiting), 'photo')} of {len(photos.uploads)} left out.")
        button.button("Continue", width="stretch", on_click=photos.stop, args=(False,))
        return
    button.button("Cancel the rest", width="stretch", on_click=photos.stop)
    before = len(photos.uploads) - len(waiting)
    progress = bar.progress(before / len(photos.uploads), "Analysing …")
    read = before

    def show(done: int, left_s: float) -> None:
        nonlocal read
        read = before + done
        left = f", {left_s:.0f} s left" if left_s else ""
        progress.progress(
            read / len(photos.uploads), f"{count_of(len(waiting) - done, 'photo')} to go{left}"
        )

    def show_wait(why: str) -> None:
        progress.progress(read / len(photos.uploads), why)

    _read(photos, waiting, settings, show, show_wait, most_s=_SHOWN_EVERY_S)
    st.rerun()


def _read(
    photos: PhotoShelf,
    keys: Sequence[str],
    settings: Settings,
    on_progress: Callable[[int, float], None] = lambda done, left_s: None,
    on_wait: Callable[[str], object] = lambda why: None,
    **limits: float,
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
        **limits,
    )
