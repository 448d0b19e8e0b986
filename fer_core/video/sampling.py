"""Which frames of a video are wanted, and which packets must be decoded for them."""

from __future__ import annotations

from bisect import bisect_left, insort
from math import ceil, floor, inf, isfinite, nextafter
from typing import Generic, NamedTuple, TypeVar

# Containers round presentation times to milliseconds; a frame that so comes out a little before
# its tick still counts.
TOLERANCE_S = 0.0006
# Longer stretches without a keyframe are decoded rather than kept in memory.
_MAX_HELD, _MAX_HELD_BYTES = 300, 50_000_000
# No codec reorders over more frames than this.
_RECENT = 64

Packet = TypeVar("Packet")


class FrameChoice:
    """The frames wanted: from a start on, all, or the first at or after each tick.

    Attributes:
        first_s: The first tick, in seconds.
    """

    def __init__(
        self, start_s: float = 0.0, fps: float | None = None, from_s: float = -inf
    ) -> None:
        """Choose every frame from ``start_s`` on, or one for each ``start_s + k / fps``.

        Args:
            start_s: Where the part begins, from which ticks count.
            fps: Frames a second, or None for all.
            from_s: Leaves out what is before this time; from a tick on, the frames are the same
                as without it.

        Raises:
            ValueError: ``fps`` is not above 0, or a number is not finite.
        """
        if not isfinite(start_s):
            raise ValueError(f"A start must be a time in seconds, not {start_s}.")
        if fps is not None and not 0 < fps < inf:
            raise ValueError(f"Frames a second must be above 0, not {fps}.")
        self._start = start_s
        self._fps = fps
        self.first_s = self._next = self.tick_from(from_s)

    def wanted(self, after_s: float, until_s: float) -> bool:
        """Return whether a frame at ``until_s`` may be taken when one at ``after_s`` precedes."""
        return self._tick_after(after_s) <= until_s

    def take(self, time_s: float) -> bool:
        """Return whether to take a decoded frame; frames must come in rising order."""
        if time_s < self._next:
            return False
        self._next = self._tick_after(time_s)
        return True

    def tick_from(self, time_s: float) -> float:
        """Return the first tick at or after a time; where all frames are wanted, the time."""
        begin = self._tick(0)
        if time_s <= begin:
            return begin
        if self._fps is None:
            return time_s
        number = ceil((time_s - begin) * self._fps)
        # The product may round to the wrong side of a tick.
        return next(
            tick for n in range(number - 1, number + 3) if (tick := self._tick(n)) >= time_s
        )

    def _tick(self, number: int) -> float:
        return self._start - TOLERANCE_S + (number / self._fps if self._fps else 0)

    def _tick_after(self, time_s: float) -> float:
        """Return the first tick after a time."""
        if time_s < self.first_s:
            return self.first_s
        if self._fps is None:
            return nextafter(time_s, inf)
        number = floor((time_s - self._tick(0)) * self._fps)
        # The division may round to the wrong side of a tick.
        return next(tick for n in range(number, number + 3) if (tick := self._tick(n)) > time_s)


class Released(NamedTuple, Generic[Packet]):
    """A packet to decode now.

    Attributes:
        packet: The packet.
        wanted: Whether its own picture is needed, or at most others refer to it.
        fresh: Whether packets before it were left out, so that the decoder starts anew.
        leading: Whether its picture is shown before the keyframe where decoding started; it may
            refer to what was left out, and is never wanted.
    """

    packet: Packet
    wanted: bool
    fresh: bool = False
    leading: bool = False


class PacketGate(Generic[Packet]):
    """Holds packets back until it is known whether a wanted frame needs them.

    A decoder needs the packets since the last keyframe. Where the next keyframe comes before
    the next wanted frame, those in between need not be decoded at all; of the others, the
    pictures that no other refers to can be skipped.
    """

    def __init__(self, choice: FrameChoice) -> None:
        self._choice = choice
        self._held: list[Released[Packet]] = []
        self._held_bytes = 0
        self._recent: list[float] = []  # rising
        self._start_s = -inf
        self._fresh = False

    def admit(
        self, packet: Packet, time_s: float | None, *, keyframe: bool, size_bytes: int = 0
    ) -> list[Released[Packet]]:
        """Take the next packet in decoding order and return those to decode now.

        Args:
            packet: The packet.
            time_s: Presentation time of its picture; None when unknown, which releases all.
            keyframe: Whether decoding can begin here.
            size_bytes: What it takes to hold it back.
        """
        if time_s is None:
            return self._release(Released(packet, True))
        # Of the pictures seen so far, the last one before this; there may be later packets in
        # between, so more is decoded than needed, never less: the first picture at or after a
        # tick has none between them, and is always wanted.
        place = bisect_left(self._recent, time_s)
        before = self._recent[place - 1] if place else -inf
        latest = self._recent[-1] if self._recent else -inf
        insort(self._recent, time_s)
        del self._recent[:-_RECENT]
        wanted = self._choice.wanted(before, time_s)
        # A tick that the keyframe itself satisfies may lie the tolerance before it; no video has
        # another picture so close.
        if keyframe and (
            latest == -inf
            or (self._held and not self._choice.wanted(latest, time_s - 1.5 * TOLERANCE_S))
        ):
            self._fresh |= bool(self._held)
            self._held.clear()
            self._held_bytes = 0
            self._start_s = time_s
        item = Released(packet, wanted, leading=time_s < self._start_s)
        full = len(self._held) >= _MAX_HELD or self._held_bytes + size_bytes > _MAX_HELD_BYTES
        if wanted or full:
            return self._release(item)
        self._held.append(item)
        self._held_bytes += size_bytes
        return []

    def _release(self, item: Released[Packet]) -> list[Released[Packet]]:
        items = [*self._held, item]
        self._held.clear()
        self._held_bytes = 0
        if self._fresh:
            items[0] = items[0]._replace(fresh=True)
            self._fresh = False
        return items
