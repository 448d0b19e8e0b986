"""Which data set is looked at, and what is shown until it is open."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import StoreError
from ui.archive.index import Index, Progress
from ui.archive.opening import Opened, archives
from ui.archive.places import ARCHIVE_VARIABLE, Place, places, shown_place
from ui.common.address import keep_in_address
from ui.common.jobs import Job, get_queue, ordinal
from ui.common.layout import plain

PAGE = "Archive"
_PLACE_KEY, _ADDRESS_NAME = "archive-place", "set"
_EVERY_S = 0.5
_HOW = f"""```sh
pip install "facial-emotions[scale]"
facial-emotions batch photos/ --out readings/
{ARCHIVE_VARIABLE}=readings make run
```"""


def open_archive() -> Index:
    """Return the data set to look at; until it is open, draw how far that is and end the page."""
    place = _choose_place()
    opened = archives().look(place.address)
    if opened.job is not None:
        _follow(place, opened.index is not None)
    if opened.error:
        said = opened.error.replace(place.address, shown_place(place.address))
        st.error(plain(said), icon=":material/error:")
    if opened.index is None:
        if opened.error:
            st.button("Try again", on_click=archives().open_anew, args=(place.address,))
        st.stop()
    _tell_change(place, opened)
    return opened.index


def _choose_place() -> Place:
    """Draw the choice among several data sets; without any, say how to make one and stop."""
    try:
        found = places()
    except StoreError as error:
        st.error(plain(f"{ARCHIVE_VARIABLE}: {error}"), icon=":material/error:")
        st.stop()
    if not found:
        st.info(
            "This page shows what was read in an archive of photos and videos; who runs the app "
            "makes one and names it like this:",
            icon=":material/inventory_2:",
        )
        st.markdown(_HOW)
        st.stop()
    names = {place.name: place for place in found}
    if len(found) == 1:
        return found[0]
    if st.session_state.get(_PLACE_KEY) not in names:
        asked = st.query_params.get(_ADDRESS_NAME, "")
        st.session_state[_PLACE_KEY] = asked if asked in names else found[0].name
    chosen: str = st.selectbox(
        "Archive", list(names), key=_PLACE_KEY, persist_state="session", width=400
    )
    keep_in_address(_ADDRESS_NAME, "" if chosen == found[0].name else chosen, page=PAGE)
    return names[chosen]


@st.fragment(run_every=_EVERY_S)
def _follow(place: Place, anew: bool) -> None:
    """Draw how far the opening is, until it is over."""
    job = archives().look(place.address).job
    if job is None:
        st.rerun()
    share, said = _progress(job)
    st.progress(share, f"Reading the data set again: {said}" if anew else f"Opening it: {said}")


def _progress(job: Job[Index]) -> tuple[float, str]:
    if line := get_queue().place(job):
        return 0.0, f"{ordinal(line)} in line, after other work"
    progress = job.progress
    if not isinstance(progress, Progress):
        return 0.0, "looking at its files"
    share = progress.done / progress.total if progress.total else 0.0
    said = f"{progress.done:,} of {progress.total:,} {progress.what}"
    # The faces take most of the time.
    return (0.1 * share if progress.what == "parts" else 0.1 + 0.9 * min(1.0, share)), said


def _tell_change(place: Place, opened: Opened) -> None:
    """Say that there is more by now, as while a run writes into it."""
    if not opened.changed or opened.index is None or opened.job is not None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"The data set has changed since {opened.index.opened_at:%H:%M}, when it was opened.",
            width="content",
        )
        st.button(
            "Read it again",
            icon=":material/refresh:",
            on_click=archives().open_anew,
            args=(place.address,),
        )
