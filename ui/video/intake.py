"""How a video comes onto the page: uploaded, looked at, and handed in for analysis."""

from __future__ import annotations

import math
from datetime import time, timedelta
from io import BytesIO
from typing import BinaryIO, Literal

import cv2
import numpy as np
import streamlit as st
from PIL import Image

from fer_core.errors import FerError
from fer_core.reporting.words import clock
from fer_core.smoothing import DEFAULT_SMOOTHING_S
from fer_core.video.analysis import VideoOptions
from fer_core.video.progress import expected_frames
from fer_core.video.source import VideoFacts
from ui.common.address import kept_slider
from ui.common.allowance import allowance
from ui.common.images import as_jpeg
from ui.common.jobs import get_queue
from ui.common.layout import plain
from ui.common.picture_buttons import EXAMPLES_HEIGHT, PictureButton, picture_buttons
from ui.common.resources import get_classifier
from ui.common.samples import examples, sample_clip
from ui.common.settings import CLASS_SET_NAMES, DETECTOR_NAMES, Settings
from ui.common.uploads import VIDEO_TYPES, let_go, most_mb
from ui.common.visitors import visitor
from ui.video.runs import VideoRun
from ui.video.shelf import Video, forget_video, read_all, receive, show_video

SMOOTHING_KEY = "video-smoothing"
_ROUND_KEY = "video-upload-round"
_DEFAULT_FPS = 10
_EVERY_FRAME = 0
# The browser gets the whole file, and Streamlit holds it in memory meanwhile.
_MAX_PREVIEW_BYTES = 100_000_000
_POSTER_SIDE = 960
_PORTRAIT_WIDTH = 340
# What browsers play, by the file's ending and its codec.
_PLAYABLE = {
    "mp4": ("video/mp4", {"h264", "av1", "vp9"}),
    "m4v": ("video/mp4", {"h264", "av1"}),
    "mov": ("video/mp4", {"h264"}),
    "webm": ("video/webm", {"vp8", "vp9", "av1"}),
}


def choose_video(settings: Settings) -> None:
    """Draw the ways to bring a video in."""
    round_ = st.session_state.setdefault(_ROUND_KEY, 0)
    largest_mb = most_mb(allowance().video_mb)
    with st.container(key="drop-large-video"):
        upload = st.file_uploader(
            "Upload a video",
            type=list(VIDEO_TYPES),
            max_upload_size=largest_mb,
            key=f"video-upload-{round_}",
        )
    if upload is None:
        _example(settings)
        st.markdown(
            "- Every person gets a **time line** of expressions, with the strongest moments.\n"
            "- An **annotated video** with sound, tables, a summary and captions to take away.\n"
            f"- Up to {largest_mb} MB a file, and {most_part_s() / 60:.0f} minutes at a time; "
            "phone videos stand upright."
        )
        return
    try:
        with st.spinner("Opening the video …"):
            show_video(receive(upload.name, upload))
    except FerError as error:
        st.error(plain(f"{upload.name}: {error}"), icon=":material/videocam_off:")
        return
    # The content is copied, and a fresh widget makes room for the next one.
    let_go(upload)
    st.session_state[_ROUND_KEY] = round_ + 1
    st.rerun()


def _example(settings: Settings) -> None:
    """Draw the example; a click on it has it read as it is usual."""
    st.caption("Or try this one:")
    film = next(one for one in examples() if one.upload is None)
    picked = picture_buttons(
        "video-example",
        [PictureButton(film.thumbnail, film.title, note=film.source, film=True)],
        height=EXAMPLES_HEIGHT,
    )
    if picked is not None:
        with st.spinner("Making the clip …"):
            clip = sample_clip()
        try:
            begin_video(clip.name, BytesIO(clip.content), settings)
        except FerError as error:
            st.error(plain(f"{clip.name}: {error}"), icon=":material/videocam_off:")
            return
        st.rerun()


def show_upload(video: Video) -> None:
    """Draw the uploaded video and what its file says of itself."""
    picture, text = st.columns([3, 2], gap="large")
    with picture:
        _preview(video)
    with text:
        show_facts(video)
        remove_button()


def show_facts(video: Video) -> None:
    """Draw what a video's file says of itself."""
    st.markdown(f"**{plain(video.name)}**\n\n{facts_list(video.facts)}")


def remove_button() -> None:
    """Draw the button that removes the video."""
    st.button("Remove this video", icon=":material/delete:", on_click=forget_video)


def playable(video: Video) -> str:
    """Return as what browsers play the upload; "" where they do not."""
    mime, codecs = _PLAYABLE.get(video.name.rpartition(".")[2].lower(), ("", set()))
    return mime if video.facts.codec in codecs else ""


def is_small(video: Video) -> bool:
    """Whether the upload can be played here: the browser gets the whole file."""
    return (video.facts.bytes or 0) <= _MAX_PREVIEW_BYTES


def _player_width(video: Video) -> int | Literal["stretch"]:
    """Return the width for a player: one of a phone's upright video would fill the screen."""
    width, height = video.facts.size_wh
    return _PORTRAIT_WIDTH if height > width else "stretch"


def facts_list(facts: VideoFacts) -> str:
    """Return a video's facts as a Markdown list."""
    width, height = facts.size_wh
    rate = f"{facts.frame_rate:.5g} frames a second" if facts.frame_rate else "rate not given"
    lines = {
        "Duration": clock(facts.duration_s) if facts.duration_s else "not given by the file",
        "Picture": f"{width} × {height}, {rate}",
        "Codec": facts.codec,
        "Sound": facts.audio_codec or "none",
        "Size": f"{facts.bytes / 1e6:.1f} MB" if facts.bytes else "unknown",
    }
    if facts.rotation_deg:
        lines["Rotation"] = f"{facts.rotation_deg}°, turned upright"
    return "\n".join(f"- {name}: **{value}**" for name, value in lines.items())


def _preview(video: Video) -> None:
    """Play the upload where browsers can, and show its first frame elsewhere."""
    mime = playable(video)
    if mime and is_small(video) and video.file is not None:
        st.video(
            read_all(video.file),
            format=mime,
            alt=f"Uploaded video {video.name}",
            width=_player_width(video),
        )
        return
    try:
        if "poster" not in video.pictures:
            frame_bgr = video.frame_at(0.0).bgr(_POSTER_SIDE)
            rgb = np.asarray(cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB), np.uint8)
            video.pictures["poster"] = as_jpeg(Image.fromarray(rgb))
    except FerError as error:
        st.warning(plain(str(error)))
        return
    why = "This file is too large to play here"
    if not mime:
        why = "Browsers do not play this kind of file"
    st.image(
        video.pictures["poster"],
        f"{why}, so this is its first frame; the analysis reads it all the same.",
        width=_player_width(video),
        alt=f"First frame of {video.name}",
    )


def smoothing_slider() -> float:
    """Draw the strength of the smoothing and return it in seconds."""
    smoothing_s: float = kept_slider(
        "Smoothing over time",
        0.0,
        2.0,
        DEFAULT_SMOOTHING_S,
        0.1,
        name="smoothing",
        format="%.1f s",
        key=SMOOTHING_KEY,
        help="How long an expression must last to count in full; 0 shows every reading as it is. "
        "It can be changed at any time: the readings themselves are kept.",
    )
    return smoothing_s


def ask_for_run(video: Video, settings: Settings) -> None:
    """Draw the choices and the button that starts the analysis."""
    left, right = st.columns(2, gap="large")
    with left:
        fps = st.select_slider(
            "Analysed frames a second",
            [*range(1, 31), _EVERY_FRAME],
            _DEFAULT_FPS,
            format_func=lambda rate: str(rate) if rate else "every frame",
            key="video-fps",
            persist_state="session",
            help="More follow quick expressions better and take longer.",
        )
        part = _choose_part(video)
    with right:
        # With results, the slider stands beside them.
        shown = video.run is not None and video.run.job.result is not None
        smoothing_s = st.session_state[SMOOTHING_KEY] if shown else smoothing_slider()
        annotate = st.toggle(
            "Make an annotated video",
            value=True,
            key="video-annotate",
            persist_state="session",
            help="Every frame with boxes, names and verdicts, and the sound of the original.",
        )
    if part is None:
        return
    options = VideoOptions(
        fps=float(fps) or None,
        start_s=part[0],
        end_s=part[1],
        threshold=settings.threshold,
        smoothing_s=smoothing_s,
    )
    count = expected_frames(video.facts, options.start_s, options.end_s, options.fps)
    st.caption(
        (f"About {count:,} frames will be analysed " if count else "The frames will be analysed ")
        + f"with **{DETECTOR_NAMES[settings.detector.name]}** and "
        f"**{CLASS_SET_NAMES[settings.class_set]}** (the sidebar's choice)."
    )
    label = "Analyse again" if video.run else "Start the analysis"
    if st.button(label, type="primary", icon=":material/play_arrow:"):
        _start(video, settings, options, annotate)
        st.rerun()


def most_part_s() -> float:
    """Return how much of a video is analysed at once, in seconds."""
    return float(allowance().video_part_s)


def begin_video(name: str, upload: BinaryIO, settings: Settings) -> None:
    """Take in a video that was chosen on another page, and start its analysis as it is usual.

    Raises:
        UnreadableVideo: It is no video.
        NoRoom: The disk is full.
    """
    forget_video()
    video = receive(name, upload)
    show_video(video)
    options = VideoOptions(
        fps=float(_DEFAULT_FPS), end_s=most_part_s(), threshold=settings.threshold
    )
    _start(video, settings, options, annotate=True)


def _start(video: Video, settings: Settings, options: VideoOptions, annotate: bool) -> None:
    """Hand in an analysis in the place of the former one."""
    queue = get_queue()
    if video.run is not None:
        video.run.release(queue)
    if video.file is not None:
        video.run = VideoRun(
            queue,
            visitor(),
            video.file,
            video.facts,
            classifier=get_classifier(settings.class_set, settings.reading),
            class_set=settings.class_set,
            detector=settings.detector.name,
            options=options,
            annotate=annotate,
        )


def _choose_part(video: Video) -> tuple[float, float | None] | None:
    """Draw the choice of the part; return its ends in seconds, or None when it is too long."""
    duration_s, most_s = video.facts.duration_s, most_part_s()
    if duration_s is None:
        st.caption(
            "The file does not say how long it is; its first "
            f"{most_s / 60:.0f} minutes are analysed."
        )
        return 0.0, most_s
    step_s = 0.1 if duration_s < 600 else 1.0
    last_s = max(step_s, math.ceil(duration_s / step_s) * step_s)
    begin, end = st.slider(
        "Part to analyse",
        time(),
        _as_time(last_s),
        (time(), _as_time(min(last_s, most_s))),
        timedelta(seconds=step_s),
        format="m:ss.S" if duration_s < 600 else "H:mm:ss",
        key=f"video-part-{video.token}",
    )
    start_s, end_s = _as_seconds(begin), _as_seconds(end)
    if end_s - start_s > most_s:
        st.error(
            f"At most {most_s / 60:.0f} minutes are analysed at a time; "
            "please choose a shorter part."
        )
        return None
    if end_s <= start_s:
        st.error("The part has no length; please move its ends apart.")
        return None
    return start_s, None if end_s >= duration_s else end_s


def _as_time(seconds: float) -> time:
    """Return seconds as the clock time that Streamlit's slider shows; a day is the most."""
    whole = min(round(seconds * 10), 24 * 36_000 - 1)
    return time(whole // 36_000, whole // 600 % 60, whole // 10 % 60, whole % 10 * 100_000)


def _as_seconds(moment: time) -> float:
    return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
