"""The readings of a whole video, in columns: small in memory, and smoothed anew at any time."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fer_core.smoothing import EmotionSmoother
from fer_core.tracking import FaceTracker
from fer_core.types import (
    DetectedFace,
    FaceBox,
    FaceReading,
    Probabilities,
    TrackedFace,
    TrackedFrame,
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What was read in F analysed frames: N faces, each of a person.

    Attributes:
        labels: The K emotions in the order of ``probabilities``.
        frame_index: int64 ``(F,)``, the number of the frame in the video, from 0.
        time_s: float64 ``(F,)``, its presentation time in seconds.
        cut: bool ``(F,)``, whether there is a cut right before it.
        row: int64 ``(N,)``, rising: the position in ``frame_index`` of the frame a face is in.
        person: int64 ``(N,)``, the face's person, from 1; a frame has each at most once.
        boxes_xyxy: float32 ``(N, 4)``, in pixels of the analysed picture.
        score: float32 ``(N,)``, the detector's confidence, 0 to 1.
        probabilities: float32 ``(N, K)``, as read in the frame alone, each row summing to 1.
    """

    labels: tuple[str, ...]
    frame_index: NDArray[np.int64]
    time_s: NDArray[np.float64]
    cut: NDArray[np.bool_]
    row: NDArray[np.int64]
    person: NDArray[np.int64]
    boxes_xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    def persons(self) -> tuple[int, ...]:
        """The persons, rising: in the order of their first frames, unless they were merged."""
        return tuple(np.unique(self.person).tolist())

    def followed(self, max_gap_s: float) -> Timeline:
        """Return the same readings with the persons that ``PersonFollower`` finds in them.

        Args:
            max_gap_s: Longest time in seconds that a person may be unseen and stay the same one.
        """
        tracker = FaceTracker(max_gap_s=max_gap_s)
        boxes, scores = self.boxes_xyxy.tolist(), self.score.tolist()
        bounds = np.searchsorted(self.row, np.arange(len(self.time_s) + 1)).tolist()
        person: list[int] = []
        for position, (time_s, after_cut) in enumerate(
            zip(self.time_s.tolist(), self.cut.tolist(), strict=True)
        ):
            if after_cut:
                tracker.end_tracks()
            rows = range(bounds[position], bounds[position + 1])
            faces = [DetectedFace(FaceBox(*boxes[n]), scores[n]) for n in rows]
            person += tracker.update(faces, time_s)
        return replace(self, person=np.array(person, np.int64))

    def smoothed(
        self, time_constant_s: float, threshold: float
    ) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
        """Smooth the readings as ``PersonFollower`` does, with the same results.

        Args:
            time_constant_s: Of the smoothing, in seconds; 0 for none.
            threshold: Confidence below which a verdict is "uncertain", 0 to 1.

        Returns:
            Probabilities, float32 ``(N, K)``, and verdicts, str ``(N,)``.
        """
        smoother = EmotionSmoother(
            self.labels, time_constant_s=time_constant_s, threshold=threshold
        )
        smoothed = np.empty_like(self.probabilities)
        verdicts = []
        times_s = self.time_s[self.row].tolist()
        for n, (person, time_s) in enumerate(zip(self.person.tolist(), times_s, strict=True)):
            smoothed[n], verdict = smoother.update(person, time_s, self.probabilities[n])
            verdicts.append(verdict)
        return smoothed, np.array(verdicts, np.str_)

    def tracked_frame(
        self,
        position: int,
        size_wh: tuple[int, int],
        smoothed: NDArray[np.float32],
        verdicts: NDArray[np.str_],
    ) -> TrackedFrame:
        """Return a frame as it was followed, to draw it again.

        Args:
            position: Of the frame in ``frame_index``, 0 to F - 1.
            size_wh: Width and height of the analysed picture in pixels.
            smoothed: float32 ``(N, K)`` from ``smoothed``.
            verdicts: str ``(N,)`` from ``smoothed``.

        Returns:
            The frame; its faces have neither landmarks nor pictures, which are not kept.
        """
        nothing = np.zeros((0, 0), np.uint8)
        faces = []
        for n in range(*np.searchsorted(self.row, [position, position + 1]).tolist()):
            box = FaceBox(*self.boxes_xyxy[n].tolist())
            face = DetectedFace(box, float(self.score[n]))
            reading = FaceReading(face, Probabilities(self.labels, self.probabilities[n]), nothing)
            steady = Probabilities(self.labels, smoothed[n])
            faces.append(TrackedFace(int(self.person[n]), reading, steady, str(verdicts[n])))
        return TrackedFrame(
            int(self.frame_index[position]), float(self.time_s[position]), size_wh, tuple(faces)
        )


class TimelineBuilder:
    """Collects frames one by one; one thread may add while another looks at what there is."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._lock = threading.Lock()
        self._frame_index, self._time_s, self._cut = array("q"), array("d"), array("b")
        self._row, self._person = array("q"), array("q")
        self._boxes_xyxy, self._score, self._probabilities = array("f"), array("f"), array("f")

    def add(self, tracked: TrackedFrame, *, after_cut: bool = False) -> None:
        """Add the next analysed frame, also one without faces.

        Args:
            tracked: The frame.
            after_cut: Whether there is a cut right before it.

        Raises:
            ValueError: A face has other labels than the time line.
        """
        if any(face.reading.labels != self._labels for face in tracked.faces):
            raise ValueError(f"The time line has the labels {', '.join(self._labels)} only.")
        with self._lock:
            row = len(self._time_s)
            self._frame_index.append(tracked.index)
            self._time_s.append(tracked.time_s)
            self._cut.append(after_cut)
            for face in tracked.faces:
                self._row.append(row)
                self._person.append(face.person)
                self._boxes_xyxy.extend(face.box.xyxy)
                self._score.append(face.reading.score)
                self._probabilities.extend(face.reading.probabilities.vector.tolist())

    def build(self) -> Timeline:
        """Return a copy of what there is so far."""
        with self._lock:
            return Timeline(
                self._labels,
                np.array(self._frame_index, np.int64),
                np.array(self._time_s, np.float64),
                np.array(self._cut, np.bool_),
                np.array(self._row, np.int64),
                np.array(self._person, np.int64),
                np.array(self._boxes_xyxy, np.float32).reshape(-1, 4),
                np.array(self._score, np.float32),
                np.array(self._probabilities, np.float32).reshape(-1, len(self._labels)),
            )


@dataclass(frozen=True, slots=True)
class PersonEdits:
    """What somebody who looked at a video says about its persons.

    Attributes:
        names: Names by person.
        merged: Persons that are somebody else, and who; chains are followed to their end.
        hidden: Persons that are left out, with all that belong to them. Whether a merged one
            is in here does not matter.

    Raises:
        ValueError: A chain of ``merged`` runs in a circle.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    merged: Mapping[int, int] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for person in self.merged:
            self.owner(person)

    def owner(self, person: int) -> int:
        """Return whom a person belongs to: at the end of the chain, or the person itself."""
        passed = {person}
        while person in self.merged:
            person = self.merged[person]
            if person in passed:
                raise ValueError(f"Person {person} is merged into itself.")
            passed.add(person)
        return person

    def doubles(self, timeline: Timeline) -> int:
        """Return how many rows go when of each person only one face a frame is kept.

        None, unless persons are merged that are in the same frame. Whoever is hidden does not
        count.
        """
        person = self._owners(timeline)
        shown = ~np.isin(person, list(self.hidden))
        return int((shown & ~_surest(timeline, person)).sum())

    def apply(self, timeline: Timeline, *, drop_doubles: bool = False) -> Timeline:
        """Return a time line with the edits; all frames stay, also those left without faces.

        Args:
            timeline: The time line, which stays as it is.
            drop_doubles: Whether to keep the surest of several faces that are now the same person
                in one frame; the others go, as many as ``doubles`` says.

        Raises:
            ValueError: There are such faces, and ``drop_doubles`` is False.
        """
        doubles = self.doubles(timeline)
        if doubles and not drop_doubles:
            raise ValueError(
                "Persons who are seen at the same time cannot become one without the loss of "
                f"{doubles} row{'s' * (doubles != 1)}; drop_doubles=True accepts it."
            )
        person = self._owners(timeline)
        kept = _surest(timeline, person) & ~np.isin(person, list(self.hidden))
        return replace(
            timeline,
            row=timeline.row[kept],
            person=person[kept],
            boxes_xyxy=timeline.boxes_xyxy[kept],
            score=timeline.score[kept],
            probabilities=timeline.probabilities[kept],
        )

    def _owners(self, timeline: Timeline) -> NDArray[np.int64]:
        """Return int64 ``(N,)``: to whom each face belongs."""
        owners = {person: self.owner(person) for person in timeline.persons()}
        return np.array([owners[number] for number in timeline.person.tolist()], np.int64)


def _surest(timeline: Timeline, person: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool ``(N,)``: whether no other face of this person in the frame scores higher.

    Of equals it is the one that came first.
    """
    order = np.lexsort((-timeline.score, person, timeline.row))
    keys = np.stack([timeline.row, person])[:, order]
    first = np.ones(len(order), bool)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    surest = np.zeros(len(order), bool)
    surest[order[first]] = True
    return surest
