"""Visitors' videos and what was read in them, for as long as their pages are open.

Uploads and annotated videos are files without a name: the system frees them with the process at
the latest, so nothing can be left behind. Whoever knows a video's token finds it again, also in
another session, such as the one after a reload.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import BinaryIO

import streamlit as st

from fer_core.errors import UnreadableVideo
from fer_core.video.fileview import FileView
from fer_core.video.source import VideoFacts, VideoFrame, VideoSource
from ui.common.address import keep_in_address
from ui.common.closing import at_close, session_id
from ui.common.jobs import JobQueue, get_queue
from ui.common.kept import Kept, new_token
from ui.common.process import once
from ui.video.room import NoRoom, temporary_file
from ui.video.runs import VideoRun, empty

PRIVACY_NOTE = (
    "Videos stay on the machine that runs this app. They and all results are forgotten when you "
    "remove the video, or about two minutes after you close the page; until then, whoever has the "
    "page's address sees them too. Nothing else is kept."
)
_COPY_BYTES = 1 << 20
_TOKEN_KEY, _REMOVED_KEY = "video-token", "video-removed"
_ADDRESS_KEY, _PAGE = "video", "Video"


@dataclass(slots=True)
class Video:
    """One uploaded video.

    Attributes:
        name: The file's name.
        file: Its content, a file without a name of its own; None once it is released.
        facts: What it says of itself.
        token: Opens it, and cannot be guessed.
        run: The analysis, or None before the first.
        pictures: What was cut out of it to be shown, by a key of the page's choice.
    """

    name: str
    file: BinaryIO | None
    facts: VideoFacts
    token: str = field(default_factory=new_token)
    run: VideoRun | None = None
    pictures: dict[object, bytes] = field(default_factory=dict)

    def open(self) -> VideoSource:
        """Open it to be read, turned as the analysis turned it; the caller closes it.

        Raises:
            UnreadableVideo: It is no longer here.
        """
        if self.file is None:
            raise UnreadableVideo("The video is no longer here; please upload it again.")
        source = VideoSource(self.file)
        source.turn(0 if self.run is None else self.run.turned_deg)
        return source

    def frame_at(self, time_s: float) -> VideoFrame:
        """Return the frame that is shown at a time.

        Raises:
            UnreadableVideo: The file is damaged there.
        """
        with self.open() as source:
            return source.frame_at(time_s)

    def release(self, queue: JobQueue) -> None:
        """End all work on it and let go of all that it holds."""
        if self.run is not None:
            self.run.release(queue)
        if self.file is not None:
            empty(self.file)
        self.run = self.file = None
        self.pictures.clear()


def receive(name: str, upload: BinaryIO) -> Video:
    """Take in an upload.

    Args:
        name: The file's name.
        upload: Its content, read from the beginning.

    Raises:
        UnreadableVideo: It is no video.
        NoRoom: The disk is full.
    """
    file = temporary_file("The video", upload.seek(0, os.SEEK_END))
    upload.seek(0)
    try:
        shutil.copyfileobj(upload, file, _COPY_BYTES)
        file.flush()
    except OSError as error:
        raise NoRoom("The disk became full while the video was copied; try later.") from error
    with VideoSource(file) as source:
        return Video(name, file, source.facts)


def size_of(file: BinaryIO) -> int:
    """Return a file's size in bytes."""
    return os.fstat(file.fileno()).st_size


def read_all(file: BinaryIO) -> bytes:
    """Return a file's whole content without moving its position."""
    with FileView(file) as view:
        return view.read()


class VideoShelf(Kept[Video]):
    """All visitors' videos by their tokens; safe to use from any thread.

    A video goes when its visitor removes it, or when the last session that has shown it leaves.
    """

    def __init__(self, queue: JobQueue) -> None:
        """Begin empty.

        Args:
            queue: Where the videos' work runs.
        """
        super().__init__(lambda video: video.release(queue))
        self.queue = queue

    def add(self, video: Video, session: str) -> None:
        """Keep a video until a session leaves."""
        self.keep(video.token, video, session)


@once
def get_shelf() -> VideoShelf:
    """Return the shelf that all visitors share."""
    return VideoShelf(get_queue())


def current_video() -> Video | None:
    """Return this visitor's video, also after a reload: the page's address has its token.

    No other page's address has it, nor has the browser's history of them.
    """
    token = st.session_state.get(_TOKEN_KEY) or st.query_params.get(_ADDRESS_KEY, "")
    # The address still has it while the page is drawn that removes it there.
    if token == st.session_state.get(_REMOVED_KEY):
        token = ""
    st.session_state[_TOKEN_KEY] = token
    video = get_shelf().get(token, _session())
    if token and video is None:
        forget_video()
        st.info(
            "The video of this page's address is no longer here: it was removed, or the page was "
            "closed for too long.",
            icon=":material/history:",
        )
    keep_in_address(_ADDRESS_KEY, "" if video is None else token, page=_PAGE)
    return video


def show_video(video: Video) -> None:
    """Make a video this visitor's."""
    get_shelf().add(video, _session())
    st.session_state[_TOKEN_KEY] = video.token


def forget_video() -> None:
    """Release this visitor's video."""
    token = st.session_state.pop(_TOKEN_KEY, "")
    get_shelf().remove(token)
    st.session_state[_REMOVED_KEY] = token


def _session() -> str:
    """Return this visitor's session, which leaves the shelf when its page is closed."""
    session = session_id()
    at_close(_TOKEN_KEY, lambda: get_shelf().leave(session))
    return session
