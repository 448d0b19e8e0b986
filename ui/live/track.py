"""The way back to the browser holds one frame, not a queue of them."""

from __future__ import annotations

import asyncio
from typing import Any

from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError


class NewestFrameTrack(MediaStreamTrack):
    """Hands on the newest frame of another track, and drops what came before it.

    Between the frame callback and the encoder streamlit-webrtc puts aiortc's MediaRelay, whose
    queue has no end. On a machine that cannot encode as fast as the camera delivers, the video
    would fall behind by seconds and never catch up; with this track it drops frames instead.
    """

    kind = "video"

    def __init__(self, source: MediaStreamTrack) -> None:
        super().__init__()
        self._source = source
        self._newest: Any = None
        self._arrived = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    async def recv(self) -> Any:
        """Return the newest frame as soon as there is one that was not returned before.

        Raises:
            MediaStreamError: The other track has ended.
        """
        if self.readyState != "live":
            raise MediaStreamError
        if self._pump is None:
            self._pump = asyncio.ensure_future(self._take_all())
        await self._arrived.wait()
        self._arrived.clear()
        frame, self._newest = self._newest, None
        if frame is None:
            self.stop()
            raise MediaStreamError
        return frame

    def stop(self) -> None:
        """End this track and its use of the other one."""
        super().stop()
        self._source.stop()
        if self._pump is not None:
            self._pump.cancel()

    async def _take_all(self) -> None:
        try:
            while True:
                self._newest = await self._source.recv()
                self._arrived.set()
        except MediaStreamError:
            self._newest = None
            self._arrived.set()


def send_newest_only(peer: RTCPeerConnection) -> None:
    """Have a connection send the newest frame only; to be called in the connection's loop."""
    for sender in peer.getSenders():
        track = sender.track
        if track is not None and track.kind == "video" and not isinstance(track, NewestFrameTrack):
            # A frame that the sender already waits for still comes from the old track.
            sender.replaceTrack(NewestFrameTrack(track))
