"""The readings of a whole video in columns, and what its viewers say about its persons."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.labels import DEFAULT_THRESHOLD, FER6, FER7, verdict_of
from fer_core.persons import PersonFollower
from fer_core.timeline import PersonEdits, Timeline, TimelineBuilder
from fer_core.types import FaceReading, Frame, TrackedFace, TrackedFrame
from tests.properties import PERSONS, quick, thresholds, time_constants_s, timelines

# Persons merge into those with a smaller number, so that there are no circles.
edits = st.builds(
    PersonEdits,
    merged=st.fixed_dictionaries(
        {}, optional={person: st.integers(1, person - 1) for person in range(2, PERSONS + 1)}
    ),
    hidden=st.frozensets(st.integers(1, PERSONS), max_size=2),
)
BOXES = ((50, 50, 150, 170), (400, 50, 500, 170))


def follow(
    make_face: Callable[..., FaceReading], builder: TimelineBuilder, frames: int = 60
) -> list[TrackedFrame]:
    """Two persons, noisy readings, gaps, a cut and an uneven clock; what was given meanwhile."""
    rng = np.random.default_rng(0)
    follower = PersonFollower(FER7.labels, time_constant_s=0.3, threshold=0.45)
    given, time_s = [], 0.0
    for k in range(frames):
        time_s += float(rng.uniform(0.01, 0.3))
        faces = tuple(
            make_face(box, tuple(rng.dirichlet(np.full(7, 0.4))))
            for box in BOXES
            if rng.random() < 0.7
        )
        frame = Frame(2 * k, time_s, (640, 480), faces)
        given.append(follower.follow(frame, after_cut=k == 30))
        builder.add(given[-1], after_cut=k == 30)
    return given


def timeline_of(*frames: tuple[float, dict[int, float]]) -> Timeline:
    """Frames as (time, {person: score})."""
    rows = [
        (n, person, score) for n, (_, found) in enumerate(frames) for person, score in found.items()
    ]
    count = len(rows)
    rng = np.random.default_rng(count)
    return Timeline(
        FER7.labels,
        np.arange(len(frames)),
        np.array([time_s for time_s, _ in frames]),
        np.zeros(len(frames), bool),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.arange(4 * count, dtype=np.float32).reshape(count, 4),
        np.array([row[2] for row in rows], np.float32),
        rng.dirichlet(np.ones(7), count).astype(np.float32),
    )


def test_nothing_yet() -> None:
    timeline = TimelineBuilder(FER6.labels).build()
    assert timeline.persons() == ()
    assert timeline.boxes_xyxy.shape == (0, 4)
    assert timeline.probabilities.shape == (0, 6)
    smoothed, verdicts = timeline.smoothed(0.4, 0.4)
    assert (smoothed.shape, verdicts.shape) == ((0, 6), (0,))
    assert PersonEdits(hidden=frozenset({1})).apply(timeline).persons() == ()


def test_columns_hold_what_was_followed(make_face: Callable[..., FaceReading]) -> None:
    builder = TimelineBuilder(FER7.labels)
    given = follow(make_face, builder)
    timeline = builder.build()
    assert timeline.frame_index.tolist() == [frame.index for frame in given]
    assert timeline.time_s.tolist() == [frame.time_s for frame in given]
    assert np.flatnonzero(timeline.cut).tolist() == [30]
    faces = [(row, face) for row, frame in enumerate(given) for face in frame.faces]
    assert len(given) > len({row for row, _ in faces})  # some frames are without faces
    assert timeline.row.tolist() == [row for row, _ in faces]
    assert timeline.person.tolist() == [face.person for _, face in faces]
    for n, (_, face) in enumerate(faces):
        assert timeline.boxes_xyxy[n].tolist() == list(face.box.xyxy)
        assert timeline.score[n] == np.float32(face.reading.score)
        assert (timeline.probabilities[n] == face.reading.probabilities.vector).all()
    columns = (timeline.row, timeline.person, timeline.boxes_xyxy, timeline.score)
    assert [column.dtype.name for column in columns] == ["int64", "int64", "float32", "float32"]


def test_smoothing_again_is_exactly_what_was_drawn(make_face: Callable[..., FaceReading]) -> None:
    builder = TimelineBuilder(FER7.labels)
    faces = [face for frame in follow(make_face, builder, 300) for face in frame.faces]
    smoothed, verdicts = builder.build().smoothed(0.3, 0.45)
    assert (smoothed == np.stack([face.smoothed.vector for face in faces])).all()
    assert verdicts.tolist() == [face.verdict for face in faces]
    assert (smoothed.dtype, len(set(verdicts))) == (np.float32, 8)


def test_without_smoothing_it_is_raw(make_face: Callable[..., FaceReading]) -> None:
    builder = TimelineBuilder(FER7.labels)
    faces = [face for frame in follow(make_face, builder) for face in frame.faces]
    timeline = builder.build()
    smoothed, verdicts = timeline.smoothed(0.0, DEFAULT_THRESHOLD)
    assert (smoothed == timeline.probabilities).all()
    assert verdicts.tolist() == [face.reading.verdict() for face in faces]


def test_frames_come_back_to_be_drawn_again(make_face: Callable[..., FaceReading]) -> None:
    builder = TimelineBuilder(FER7.labels)
    given = follow(make_face, builder)
    timeline = builder.build()
    smoothed, verdicts = timeline.smoothed(0.3, 0.45)

    def shown(face: TrackedFace) -> tuple[object, ...]:
        box, labels = face.box, face.reading.labels
        return face.person, box, labels, dict(face.smoothed), face.verdict, face.confidence

    for position, frame in enumerate(given):
        again = timeline.tracked_frame(position, frame.size_wh, smoothed, verdicts)
        assert (again.index, again.time_s, again.size_wh) == (
            frame.index,
            frame.time_s,
            frame.size_wh,
        )
        assert [shown(face) for face in again.faces] == [shown(face) for face in frame.faces]


def test_other_labels_are_refused(make_face: Callable[..., FaceReading]) -> None:
    builder = TimelineBuilder(FER6.labels)
    face = make_face()
    tracked = TrackedFace(1, face, face.probabilities, "happy")
    with pytest.raises(ValueError, match="labels"):
        builder.add(TrackedFrame(0, 0.0, (640, 480), (tracked,)))
    assert len(builder.build().time_s) == 0


def test_it_may_be_looked_at_while_it_grows(make_face: Callable[..., FaceReading]) -> None:
    builder = TimelineBuilder(FER7.labels)
    face = make_face()
    tracked = TrackedFace(1, face, face.probabilities, "happy")
    done = threading.Event()

    def add() -> None:
        for k in range(4000):
            builder.add(TrackedFrame(k, k / 30, (640, 480), (tracked,) * (k % 3 > 0)))
        done.set()

    adding = threading.Thread(target=add)
    adding.start()
    sizes = []
    while not done.is_set():
        timeline = builder.build()
        sizes.append(len(timeline.time_s))
        assert len(timeline.row) == sum(k % 3 > 0 for k in range(sizes[-1]))
        assert len(timeline.probabilities) == len(timeline.boxes_xyxy) == len(timeline.person)
    adding.join()
    assert sizes == sorted(sizes)
    assert len(builder.build().time_s) == 4000


def test_a_copy_is_not_changed_by_what_comes_later(make_face: Callable[..., FaceReading]) -> None:
    builder = TimelineBuilder(FER7.labels)
    follow(make_face, builder, 5)
    before = builder.build()
    times_s = before.time_s.tolist()
    follow(make_face, builder, 5)
    assert before.time_s.tolist() == times_s
    assert len(builder.build().time_s) == 10


def test_merged_and_hidden() -> None:
    timeline = timeline_of(
        (0.0, {1: 0.9, 2: 0.8}), (0.1, {}), (0.2, {3: 0.9}), (0.3, {4: 0.7, 2: 0.6})
    )
    edits = PersonEdits(names={1: "Anna"}, merged={4: 3, 3: 1}, hidden=frozenset({2}))
    edited = edits.apply(timeline)
    assert edited.persons() == (1,)
    assert edited.row.tolist() == [0, 2, 3]
    assert edited.score.tolist() == timeline.score[[0, 2, 3]].tolist()
    assert (edited.probabilities == timeline.probabilities[[0, 2, 3]]).all()
    assert (edited.boxes_xyxy == timeline.boxes_xyxy[[0, 2, 3]]).all()
    assert edited.frame_index is timeline.frame_index  # all frames stay
    assert timeline.persons() == (1, 2, 3, 4)


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.8), (0.8, 0.9), (0.9, 0.9)])
def test_of_two_in_one_frame_the_surer_stays(first: float, second: float) -> None:
    timeline = timeline_of((0.0, {2: first, 5: second, 1: 0.5}), (0.1, {5: 0.4}))
    edits = PersonEdits(merged={5: 2})
    with pytest.raises(ValueError, match="loss of 1 row;"):
        edits.apply(timeline)
    assert edits.doubles(timeline) == 1
    edited = edits.apply(timeline, drop_doubles=True)
    kept = 0 if first >= second else 1
    assert edited.person.tolist() == [2, 1, 2]
    assert edited.boxes_xyxy.tolist() == timeline.boxes_xyxy[[kept, 2, 3]].tolist()


def test_hiding_takes_all_that_belong() -> None:
    timeline = timeline_of((0.0, {1: 0.9, 2: 0.9, 3: 0.9}))
    everything = PersonEdits(merged={2: 1}, hidden=frozenset({1}))
    assert everything.doubles(timeline) == 0 and everything.apply(timeline).persons() == (3,)
    merged = PersonEdits(merged={2: 1}, hidden=frozenset({2}))
    assert merged.apply(timeline, drop_doubles=True).persons() == (1, 3)


def test_no_edits_change_nothing(make_face: Callable[..., FaceReading]) -> None:
    builder = TimelineBuilder(FER7.labels)
    follow(make_face, builder)
    timeline = builder.build()
    edited = PersonEdits().apply(timeline)
    for name in ("row", "person", "boxes_xyxy", "score", "probabilities"):
        assert (getattr(edited, name) == getattr(timeline, name)).all()


@pytest.mark.parametrize("merged", [{1: 1}, {1: 2, 2: 1}, {1: 2, 2: 3, 3: 2}])
def test_circles_are_refused(merged: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="into itself"):
        PersonEdits(merged=merged)


@quick
@given(timelines(), edits)
def test_merging_and_hiding_lose_what_they_say_and_no_more(
    timeline: Timeline, edits: PersonEdits
) -> None:
    owners = np.array([edits.owner(person) for person in timeline.person.tolist()], np.int64)
    shown = ~np.isin(owners, list(edits.hidden))
    places = set(zip(timeline.row[shown].tolist(), owners[shown].tolist(), strict=True))
    doubles = edits.doubles(timeline)
    assert doubles == shown.sum() - len(places)
    if doubles:
        with pytest.raises(ValueError, match=f"loss of {doubles} row"):
            edits.apply(timeline)
    edited = edits.apply(timeline, drop_doubles=True)
    assert len(edited.row) == shown.sum() - doubles
    assert set(zip(edited.row.tolist(), edited.person.tolist(), strict=True)) == places
    assert edited.time_s is timeline.time_s and edited.frame_index is timeline.frame_index
    assert (np.diff(edited.row) >= 0).all()
    # In each place it is the surest face, with all that belongs to it.
    for n, (row, person) in enumerate(zip(edited.row, edited.person, strict=True)):
        there = np.flatnonzero((timeline.row == row) & (owners == person))
        best = there[timeline.score[there].argmax()]
        assert edited.score[n] == timeline.score[best]
        assert (edited.probabilities[n] == timeline.probabilities[best]).all()
        assert (edited.boxes_xyxy[n] == timeline.boxes_xyxy[best]).all()
    again = edits.apply(edited)
    assert (again.person == edited.person).all() and (again.row == edited.row).all()


@quick
@given(timelines(), edits, time_constants_s, thresholds)
def test_smoothing_again_keeps_rows_and_agrees_with_its_verdicts(
    timeline: Timeline, edits: PersonEdits, time_constant_s: float, threshold: float
) -> None:
    edited = edits.apply(timeline, drop_doubles=True)
    smoothed, verdicts = edited.smoothed(time_constant_s, threshold)
    assert smoothed.shape == edited.probabilities.shape and len(verdicts) == len(edited.row)
    assert smoothed.sum(axis=1) == pytest.approx(np.ones(len(smoothed)), abs=1e-5)
    for row, verdict in zip(smoothed, verdicts, strict=True):
        assert verdict == verdict_of(edited.labels, row, threshold)
    if time_constant_s == 0:
        assert (smoothed == edited.probabilities).all()
    for person in edited.persons():
        own = edited.person == person
        alone = PersonEdits(hidden=frozenset(edited.persons()) - {person}).apply(edited)
        assert (alone.smoothed(time_constant_s, threshold)[0] == smoothed[own]).all()
