"""The parts of the home page."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import BinaryIO, NoReturn

import streamlit as st

from fer_core.errors import FerError
from fer_core.limits import LIMITS
from fer_core.readings import PEOPLE
from fer_core.reporting.words import listed
from train.evaluation.records import Wild, WildReading
from ui.common.allowance import allowance
from ui.common.bars import divided_bars
from ui.common.explorer_data import HEADLINE_SPLITS, metrics_of, stored
from ui.common.layout import plain
from ui.common.picture_buttons import EXAMPLES_HEIGHT, PictureButton, picture_buttons
from ui.common.samples import Upload, examples, sample_clip
from ui.common.shares import of_ten
from ui.common.uploads import (
    PHOTO_TYPES,
    VIDEO_TYPES,
    let_go,
    most_mb,
    take,
)

_ROUND_KEY, _FAULT_KEY = "home-round", "home-fault"
_SEX_NAMES = {"F": "women", "M": "men"}
# Of fewer pictures no share is told.
_FEW = 30


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a visitor wants to have read: photos, or a video by its name and content."""

    photos: tuple[Upload, ...] = ()
    video: tuple[str, BinaryIO] | None = None


def try_it() -> Chosen | None:
    """Draw the ways to begin; return what has just been chosen, or None."""
    round_ = st.session_state.setdefault(_ROUND_KEY, 0)
    with st.container(key="drop-large-home"):
        files = st.file_uploader(
            "Drop photos or a video here",
            type=[*PHOTO_TYPES, *VIDEO_TYPES],
            accept_multiple_files=True,
            max_upload_size=most_mb(allowance().video_mb),
            key=f"home-upload-{round_}",
        )
    if files:
        st.session_state.pop(_FAULT_KEY, None)
    elif fault := st.session_state.get(_FAULT_KEY):
        st.error(plain(fault), icon=":material/error:")
    st.caption("Or try one of these; none has to be uploaded:")
    found = examples()
    picked = picture_buttons(
        "examples",
        [PictureButton(one.thumbnail, one.title, note=one.source, film=one.upload is None)
         for one in found],
        height=EXAMPLES_HEIGHT,
    )  # fmt: skip
    if picked is not None:
        example = found[picked].upload
        if example is not None:
            return Chosen((example,))
        with st.spinner("Making the clip …"):
            clip = sample_clip()
        return Chosen(video=(clip.name, BytesIO(clip.content)))
    if not files:
        return None
    videos = [file for file in files if _is_video(file.name)]
    if videos and len(files) > 1:
        refuse("A video is read by itself: drop one video, or any number of photos.")
    if videos:
        let_go(videos[0])
        return Chosen(video=(videos[0].name, videos[0]))
    photo_mb = allowance().photo_mb
    if any(file.size > photo_mb << 20 for file in files):
        refuse(f"A photo can have {photo_mb} MB at most.")
    photos = tuple(Upload(file.name, take(file)) for file in files)
    # A fresh widget makes room for the next ones.
    st.session_state[_ROUND_KEY] = round_ + 1
    return Chosen(photos)


def refuse(why: str) -> NoReturn:
    """Draw the page anew, with a sentence and an empty place to drop files."""
    st.session_state[_FAULT_KEY] = why
    st.session_state[_ROUND_KEY] += 1
    st.rerun()


def _is_video(name: str) -> bool:
    return PurePath(name).suffix.lower().removeprefix(".") in VIDEO_TYPES


def limits() -> None:
    """Say what readings are worth and what they must not be used for."""
    points = "".join(f"\n- {sentence}" for sentence in LIMITS)
    with st.container(border=True):
        st.markdown(f"**What it must not be used for**\n{points}")


def how_good() -> None:
    """Say in a sentence how good the default reading is, and draw what is taken for what."""
    model, split = next(iter(HEADLINE_SPLITS.items()))
    st.header("How good it is")
    try:
        figures = metrics_of(model)[split][PEOPLE]["figures"]["people"]
    except (FerError, KeyError):
        st.markdown("It was not measured yet; `python -m train evaluate --save` does it.")
        return
    emotions = figures["answers"]
    confusion = {
        emotion: dict(zip(emotions, row, strict=True))
        for emotion, row in zip(emotions, figures["confusion"], strict=True)
    }
    wild = None
    with suppress(FerError):  # ordinary photos need not have been measured
        wild = stored(Wild, model)
    text, chart = st.columns(2, gap="large")
    with text:
        st.markdown(f"**{in_short(figures['share'], confusion, wild)}**")
        with st.expander("In figures"):
            st.markdown(agreement_said(figures["share"], figures["pictures"], confusion))
            if wild is not None:
                st.markdown(photos_said(wild))
        st.page_link(
            "pages/4_Metrics.py",
            label="All figures, and where it fails",
            icon=":material/monitoring:",
        )
    with chart:
        st.markdown("**What people call a face, and what the app says of it**")
        rows = {
            emotion: {said: count / sum(row.values()) for said, count in row.items()}
            for emotion, row in confusion.items()
            if sum(row.values())
        }
        ordered = dict(sorted(rows.items(), key=lambda item: -item[1][item[0]]))
        divided_bars(ordered, "By what most of ten people say, the shares of what the app says")
        st.caption(
            "The number is how often it agrees; the rest of a line is what it says instead, in "
            "the colours of those emotions."
        )


def in_short(share: float, confusion: dict[str, dict[str, int]], wild: Wild | None) -> str:
    """Return how often people agree, what is confused most, and for whom it is worse.

    Args:
        share: Of pictures that are read as most people do, 0 to 1.
        confusion: Pictures by what people say and what the app says.
        wild: What was measured on ordinary photos, if they were.
    """
    people, app = _most_confused(confusion)
    sexes = _by_sex(wild) if wild is not None else None
    if sexes is None:
        for_whom = "for whom it is worse was not measured"
    elif sexes.certain:
        for_whom = f"it is worse for {sexes.worse} than for {sexes.better}"
    else:
        for_whom = f"between {sexes.better} and {sexes.worse} no certain difference was found"
    return (
        f"Of ten faces, people would agree with what it says of about {of_ten(share)}; most often "
        f"it takes a “{people}” face for “{app}”, and {for_whom}."
    )


def agreement_said(share: float, pictures: int, confusion: dict[str, dict[str, int]]) -> str:
    """Return how often people agree, and what is confused most, in figures.

    Args:
        share: Of pictures that are read as most people do, 0 to 1.
        pictures: How many there were.
        confusion: Pictures by what people say and what the app says.
    """
    recall = {
        emotion: row[emotion] / sum(row.values())
        for emotion, row in confusion.items()
        if any(row.values())
    }
    best, worst = max(recall, key=recall.__getitem__), min(recall, key=recall.__getitem__)
    people, app = _most_confused(confusion)
    mistaken = confusion[people][app] / sum(confusion[people].values())
    return (
        f"People agree on {share:.0%} of {pictures:,} pictures that ten people looked at. It is "
        f"best at “{best}” ({recall[best]:.0%}) and worst at “{worst}” ({recall[worst]:.0%}); of "
        f"“{people}” faces it calls {mistaken:.0%} “{app}”."
    )


def _most_confused(confusion: dict[str, dict[str, int]]) -> tuple[str, str]:
    """Return what people say and what the app says where most pictures are mistaken."""
    _, people, app = max(
        (count, people, app)
        for people, row in confusion.items()
        for app, count in row.items()
        if people != app
    )
    return people, app


def photos_said(wild: Wild) -> str:
    """Return how it does on ordinary photos, and for whom it is worse, in figures."""
    everybody = _people(wild).everybody
    weak = [
        f"{emotion} ({recall.recall:.0%})"
        for emotion, recall in sorted(everybody.by_emotion.items(), key=lambda item: item[1].recall)
        if recall.recall < 0.5 and recall.pictures >= _FEW
    ]
    missed = f" It misses more than half of the faces that are {listed(weak)}." if weak else ""
    sexes = _by_sex(wild)
    by_sex = "" if sexes is None else f" {sexes.said}"
    return (
        f"In {wild.pictures:,} ordinary photos it is right about {everybody.natural:.0%} of "
        f"faces, each emotion counted as often as it occurs.{missed}{by_sex} Age and skin colour "
        "were not measured, so do not rely on it being fair there."
    )


@dataclass(frozen=True, slots=True)
class _BySex:
    """For whom it is worse, as far as the photos can tell.

    Attributes:
        better: Who is read better.
        worse: Who is read worse.
        certain: Whether that is more than chance.
        said: The same in figures.
    """

    better: str
    worse: str
    certain: bool
    said: str


def _people(wild: Wild) -> WildReading:
    return next(one for one in wild.readings if one.reading == PEOPLE)


def _by_sex(wild: Wild) -> _BySex | None:
    """Return for whom it is worse; None where that was not measured."""
    figures = _people(wild).by_sex
    if len(figures) < 2:
        return None
    (better, one), (worse, other) = sorted(figures.items(), key=lambda item: -item[1].natural)[:2]
    better, worse = _SEX_NAMES[better], _SEX_NAMES[worse]
    certain = one.natural_interval[0] > other.natural_interval[1]
    told = f"{better} ({one.natural:.0%}) and {worse} ({other.natural:.0%})"
    said = (
        f"It is worse for the second of {told}."
        if certain
        else f"Between {told} these photos show no certain difference."
    )
    return _BySex(better, worse, certain, said)
