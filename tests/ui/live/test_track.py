from __future__ import annotations

import asyncio

import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamError

from tests.coroutines import finished
from ui.live.track import NewestFrameTrack, send_newest_only


class Numbers(MediaStreamTrack):
    """Delivers 0, 1, 2 … as fast as it is asked, and then ends."""

    kind = "video"

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self.delivered = 0

    async def recv(self) -> int:
        await asyncio.sleep(0)
        if self.delivered == self._count or self.readyState != "live":
            raise MediaStreamError
        self.delivered += 1
        return self.delivered - 1


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_slow_taker_gets_the_newest_and_no_queue_grows() -> None:
    async def run() -> tuple[list[int], int]:
        numbers = Numbers(500)
        # As in streamlit-webrtc: a relay lies between the frame callback and the sender.
        track = NewestFrameTrack(MediaRelay().subscribe(numbers))
        taken = [await track.recv()]
        await _turns(100)
        before = numbers.delivered
        taken.append(await track.recv())
        track.stop()
        return taken, before

    taken, before = finished(run())
    assert before > 20
    assert taken[1] >= before - 3


def test_a_fast_taker_gets_every_frame() -> None:
    class Paced(Numbers):
        async def recv(self) -> int:
            await _turns(10)
            return await super().recv()

    async def run() -> list[int]:
        track = NewestFrameTrack(Paced(20))
        return [await track.recv() for _ in range(20)]

    assert finished(run()) == list(range(20))


def test_the_end_of_the_source_ends_it() -> None:
    async def run() -> NewestFrameTrack:
        track = NewestFrameTrack(Numbers(1))
        await _turns(3)
        with pytest.raises(MediaStreamError):
            while True:
                await track.recv()
        with pytest.raises(MediaStreamError):
            await track.recv()
        return track

    assert finished(run()).readyState == "ended"


def test_stopping_it_stops_the_source() -> None:
    async def run() -> tuple[Numbers, NewestFrameTrack]:
        numbers = Numbers(10_000)
        track = NewestFrameTrack(numbers)
        await track.recv()
        track.stop()
        seen = numbers.delivered
        await _turns(50)
        assert numbers.delivered <= seen + 1
        return numbers, track

    numbers, track = finished(run())
    assert numbers.readyState == track.readyState == "ended"


def test_a_connection_sends_the_newest_only() -> None:
    async def run() -> tuple[MediaStreamTrack, MediaStreamTrack]:
        peer = RTCPeerConnection()
        sender = peer.addTrack(Numbers(5))
        send_newest_only(peer)
        first = sender.track
        send_newest_only(peer)
        second = sender.track
        await peer.close()
        return first, second

    first, second = finished(run())
    assert isinstance(first, NewestFrameTrack) and second is first
