"""Who is who in a video, and how they feel: from a frame's readings to its persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fer_core.labels import DEFAULT_THRESHOLD
from fer_core.smoothing import DEFAULT_SMOOTHING_S, EmotionSmoother
from fer_core.tracking import DEFAULT_MAX_GAP_S, FaceTracker
from fer_core.types import Frame, Probabilities, TrackedFace, TrackedFrame

# Each has a contrast of at least 3:1 against both of the app's backgrounds (WCAG 2, graphical
# objects). Within that, the largest distance between any two was searched for: at least 26 for
# usual eyes and 13 for the three kinds of dichromacy (Machado et al., 2009), by CIEDE2000. The
# first ones are the furthest apart.
PERSON_COLORS = (
    "#1A99EB",
    "#78621C",
    "#C0146C",
    "#4D4AF0",
    "#64A10C",
    "#04787C",
    "#C4847E",
)


def person_color(person: int) -> str:
    """Return the colour of a person, numbered from 1, as ``#RRGGBB``; they repeat."""
    return PERSON_COLORS[(person - 1) % len(PERSON_COLORS)]


def person_name(person: int, names: Mapping[int, str] | None = None) -> str:
    """Return a person's name on one line, or the number where there is none."""
    return " ".join((names or {}).get(person, "").split()) or str(person)


class PersonFollower:
    """Follows the persons of one video, or of one camera, and smooths what is read in them.

    It has a state and is no one else's: one for each video, called from one thread at a time.

    Attributes:
        smoother: Smooths the readings; its settings may be changed at any time.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        time_constant_s: float = DEFAULT_SMOOTHING_S,
        threshold: float = DEFAULT_THRESHOLD,
        max_gap_s: float = DEFAULT_MAX_GAP_S,
    ) -> None:
        """Begin without anybody known.

        Args:
            labels: The emotions in the order of the probabilities.
            time_constant_s: Of the smoothing, in seconds; 0 for none.
            threshold: Confidence below which a verdict is "uncertain", 0 to 1.
            max_gap_s: Longest time in seconds that a person may be unseen and stay the same one.
        """
        self.smoother = EmotionSmoother(
            labels, time_constant_s=time_constant_s, threshold=threshold
        )
        self._tracker = FaceTracker(max_gap_s=max_gap_s)

    def follow(self, frame: Frame, *, after_cut: bool = False) -> TrackedFrame:
        """Take in the next frame.

        Args:
            frame: The frame's readings; frames come in the order of their times.
            after_cut: Whether there was a cut right before it; everybody in it is then new.

        Returns:
            The same faces in the same order, each with its person.
        """
        if after_cut:
            self._tracker.end_tracks()
        persons = self._tracker.update([face.detection for face in frame.faces], frame.time_s)
        faces = []
        for person, face in zip(persons, frame.faces, strict=True):
            smoothed, verdict = self.smoother.update(
                person, frame.time_s, face.probabilities.vector
            )
            faces.append(TrackedFace(person, face, Probabilities(face.labels, smoothed), verdict))
        return TrackedFrame(frame.index, frame.time_s, frame.size_wh, tuple(faces))
