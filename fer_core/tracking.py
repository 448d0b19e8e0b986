"""Which face is whose from frame to frame, and where a video cuts to another shot.

Faces are followed by ByteTrack (Zhang et al., 2022, "ByteTrack: Multi-Object Tracking by
Associating Every Detection Box") with buffered boxes (Yang et al., 2023, "Hard to Track Objects
with Irregular Motions and Similar Appearances? Make It Easier by Buffering the Matching Space"),
both from the package `trackers`; cuts are found as PySceneDetect's ContentDetector finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import exp, inf
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.types import DetectedFace

if TYPE_CHECKING:
    from trackers import ByteTrackTracker

DEFAULT_MAX_GAP_S = 1.0
# The tracker's unit of time is a frame of this rate; the video may have any other.
_UNITS_PER_S = 30.0
# A face goes on moving as it did for about this long. People do not move at a constant speed, and
# a prediction that assumes it runs away in gaps and at few frames a second.
_MOMENTUM_S = 0.2
# By how much of its side a box grows in every direction before boxes are compared, and how much
# they must overlap then: a face may be two of its widths from where it is expected, and may be
# twice as large. Plain boxes lose whoever moves at few frames a second.
_BUFFER = 1.0
_MIN_OVERLAP = 0.2
# What a clock that stands still, or is set back, counts as.
_MIN_STEP_S = 0.001
# Frames further apart than this show no one's movement: live, the analysis has stood still.
_MAX_STEP_S = 2.0

# Cuts are looked for in a square of this side, blurred: what moves must not count as a cut.
_CUT_SIDE = 64
_CUT_BLUR = 2.5
# How different two pictures must be to be two shots, by the seconds between them. Within a shot
# the difference grows with time: in the clips it was measured on, up to 9 in 1/30 s, 27 in 0.2 s,
# 36 in 0.5 s and 39 in 1 s; between two shots it was 32 to 63.
_CUT_THRESHOLDS = ((0.25, 29.0), (0.6, 34.0), (inf, 39.0))


class FaceTracker:
    """Gives every face the number of its person, from frame to frame.

    It has a state: one for each video, called from one thread at a time. Any frame rate will
    do, and frames need not come at even intervals.
    """

    def __init__(self, *, max_gap_s: float = DEFAULT_MAX_GAP_S) -> None:
        """Begin without anybody known.

        Args:
            max_gap_s: Longest time in seconds that a person may be unseen and stay the same one.
        """
        self._tracker = _make_tracker()
        self._max_gap_s = max_gap_s
        self._numbers = count(1)
        self._last_s: float | None = None
        self._clock_s = 0.0

    def update(self, faces: Sequence[DetectedFace], time_s: float) -> tuple[int, ...]:
        """Take in the next frame's faces, also when there are none.

        Args:
            faces: N faces.
            time_s: The frame's time in seconds. A clock that stands still or is set back does
                no harm.

        Returns:
            N numbers in the order of ``faces``, from 1, all different: the faces' persons. No
            number is ever given to a second person.
        """
        from supervision import Detections

        self._advance(time_s)
        boxes_xyxy = np.array([face.box.xyxy for face in faces], np.float32).reshape(-1, 4)
        found = Detections(boxes_xyxy, data={"position": np.arange(len(faces))})
        tracked = self._tracker.update(found, timestamp=self._clock_s)
        if not faces:
            return ()
        numbers = np.asarray(tracked.tracker_id, int)
        # A new track would get its number with its second face only, and would be dropped if
        # that one came late. New ones are in the order in which their faces are returned.
        new = [track for track in self._tracker.tracks if track.tracker_id < 0]
        for track in new:
            track.tracker_id = next(self._numbers)
        numbers[numbers < 0] = [track.tracker_id for track in new]
        # The faces' own order is lost.
        return tuple(numbers[np.argsort(tracked.data["position"])].tolist())

    def end_tracks(self) -> None:
        """End all tracks, as at a cut: whoever comes next is somebody new."""
        self._tracker.reset()

    def _advance(self, time_s: float) -> None:
        step_s = 0.0 if self._last_s is None else max(_MIN_STEP_S, time_s - self._last_s)
        self._last_s = time_s
        self._clock_s += step_s
        # Between two frames nobody knows when a face went or came: a frame at either end of the
        # gap, less a half lest rounding decides.
        unknown_s = 1.5 * min(step_s, _MAX_STEP_S)
        self._tracker.maximum_time_without_update = self._max_gap_s + unknown_s


def _make_tracker() -> ByteTrackTracker:
    """Import take over a second, which pages without video do without."""
    from trackers import BIoU, ByteTrackTracker
    from trackers.utils.state_representations import XYXYStateEstimator

    class SlowingDown(XYXYStateEstimator):
        """Constant velocity, but for a while only."""

        def clamp_velocity(self, frame_step: float = 1.0) -> None:
            self.kf.state[self._VEL_IDX] *= exp(-frame_step / (_MOMENTUM_S * _UNITS_PER_S))

    # Without confidences every face takes part, and every one that is nobody's begins a track.
    return ByteTrackTracker(
        frame_rate=_UNITS_PER_S,
        minimum_consecutive_frames=1,
        minimum_iou_threshold=_MIN_OVERLAP,
        state_estimator_class=SlowingDown,
        iou=BIoU(_BUFFER),
    )


class CutDetector:
    """Tells where a video cuts to another shot, frame by frame.

    It has a state: one for each video, called from one thread at a time.
    """

    def __init__(self) -> None:
        self._last: tuple[NDArray[np.uint8], float] | None = None

    def is_cut(self, image_bgr: NDArray[np.uint8], time_s: float) -> bool:
        """Take in the next frame.

        Args:
            image_bgr: uint8 ``(H, W, 3)``; a small picture of 64 pixels or more is enough, and
                its size may change.
            time_s: The frame's time in seconds.

        Returns:
            Whether it belongs to another shot than the frame before; False for the first one.
        """
        side = (_CUT_SIDE, _CUT_SIDE)
        small = cv2.resize(image_bgr, side, interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), _CUT_BLUR)
        image_hsv = np.asarray(cv2.cvtColor(blurred, cv2.COLOR_BGR2HSV), np.uint8)
        last_hsv, last_s = self._last or (image_hsv, time_s)
        self._last = image_hsv, time_s
        difference = float(cv2.absdiff(image_hsv, last_hsv).mean())
        step_s = time_s - last_s
        return difference >= next(least for until_s, least in _CUT_THRESHOLDS if step_s <= until_s)
