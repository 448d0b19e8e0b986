"""Opening video files, safely: one clear sentence for each thing that can be wrong."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from fer_core.errors import FerError, NoVideoStream, UnreadableVideo
from fer_core.video.boxes import lacks_moov, refuse_promises
from fer_core.video.fileview import FarView, view_of

logger = logging.getLogger(__name__)

# FFmpeg also knows play lists, which name further files and addresses to be opened: an upload
# could so read the server's own. These formats hold all that they show. The last six hold sound
# and are here for a better message only.
_FORMATS = (
    "mov", "matroska", "avi", "flv", "mpegts", "mpeg", "asf", "ogg", "mxf", "nut", "ivf", "gif",
    "mp3", "wav", "flac", "aac", "aiff", "amr",
)  # fmt: skip
# What a caller may have at hand.
VideoFile = str | os.PathLike[str] | bytes | BinaryIO
_COVERS = Disposition.attached_pic | Disposition.timed_thumbnails
# Each read goes through Python when the source is an open file, so larger than PyAV's 32 KiB.
_BUFFER_BYTES = 1 << 18
# What FFmpeg raises on damaged files; which one is up to the format and the damage.
DECODING_ERRORS = (av.FFmpegError, OSError, ValueError, EOFError, MemoryError)

UNFORESEEN = "The video cannot be read: something in the file is not as it should be."


@contextmanager
def named_errors() -> Iterator[None]:
    """Turn what nobody foresaw into an error with a name, so that one odd file ends no batch.

    Raises:
        UnreadableVideo: Something that is no ``FerError`` went wrong; the log keeps it.
    """
    try:
        yield
    except FerError:
        raise
    except Exception as error:
        logger.exception("Reading a video failed")
        raise UnreadableVideo(UNFORESEEN) from error


def video_file(source: VideoFile) -> Path | BinaryIO:
    """Return a video's path, or an open file of which several readers can have a view.

    Args:
        source: The path of a file, its content, or an open binary file; one without a descriptor,
            such as a member of a zip file, is read into memory.

    Raises:
        TypeError: ``source`` is nothing of these.
    """
    if isinstance(source, str | os.PathLike):
        return Path(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    opened: object = source
    if isinstance(opened, io.TextIOBase):
        raise TypeError('A file must be opened in binary mode, as by open(path, "rb").')
    if not hasattr(source, "read"):
        raise TypeError(
            "A video must be a path, the content of a file or a binary file, not "
            f"{type(source).__name__}."
        )
    if isinstance(source, io.BytesIO | FarView):
        return source
    try:
        source.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return io.BytesIO(source.read())
    except ValueError:  # it is closed, which opening it says
        pass
    return source


def open_container(source: Path | BinaryIO) -> InputContainer:
    """Open a file for reading, with a position of its own; no picture is decoded for that.

    Raises:
        UnreadableVideo: The file is empty, incomplete, or in no format that holds video.
    """
    _refuse_at_sight(source)
    try:
        return av.open(
            # Without the prefix a name such as "concat:a" would be taken for an address.
            f"file:{source}" if isinstance(source, Path) else view_of(source),
            "r",
            container_options={
                "format_whitelist": ",".join(_FORMATS),
                "protocol_whitelist": "file",
                # FFmpeg would decode pictures of any size to learn more of them.
                "codec_whitelist": _sound_decoders(),
                "ignore_chapters": "1",  # each would be read and kept
            },
            buffer_size=_BUFFER_BYTES,
            metadata_errors="replace",
        )
    except DECODING_ERRORS as error:
        logger.debug("FFmpeg cannot open the video: %s", error)
        with opened(source) as file:
            incomplete = lacks_moov(file)
        if incomplete:
            raise UnreadableVideo(
                "The video is incomplete: its table of contents (moov) is missing, as after a "
                "recording or an upload that was cut short."
            ) from error
        raise UnreadableVideo("The file is not a video in a format that can be read.") from error


def video_stream(container: InputContainer) -> VideoStream:
    """Return the moving picture of a file: the default one, else the largest.

    Raises:
        NoVideoStream: There is none, or only a cover picture.
        UnreadableVideo: No decoder knows its codec.
    """
    streams = [s for s in container.streams.video if not s.disposition & _COVERS]
    if not streams:
        if container.streams.video:
            raise NoVideoStream("The file has a cover picture, but no video.")
        if container.streams.audio:
            raise NoVideoStream("The file has sound, but no video.")
        raise NoVideoStream("The file has no video.")
    known = [s for s in streams if s.codec_context is not None]
    if not known:
        raise UnreadableVideo("The video's codec is not one that can be decoded.")
    return max(known, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height))


def sound_stream(container: InputContainer) -> AudioStream | None:
    """Return the sound of a file, or None when there is none that can be decoded."""
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream) or stream.codec_context is None:
        return None
    return stream if stream.rate > 0 and stream.channels > 0 else None


def size_in_bytes(source: Path | BinaryIO) -> int | None:
    """Return the size of a file; None when it cannot be told."""
    try:
        with opened(source) as file:
            return file.seek(0, os.SEEK_END)
    except OSError:
        return None


def _refuse_at_sight(source: Path | BinaryIO) -> None:
    """Refuse what cannot be opened, what is empty, and what promises too much."""
    try:
        with opened(source) as file:
            if not file.read(1):
                raise UnreadableVideo("The file is empty.")
            refuse_promises(file)
    except OSError as error:
        raise UnreadableVideo(
            f"The file cannot be read: {error.strerror or 'it is no file'}."
        ) from error
    except ValueError as error:  # a name with a zero byte, a closed file
        raise UnreadableVideo("The file cannot be opened.") from error


def opened(source: Path | BinaryIO) -> BinaryIO:
    """Open a file once more, at its start."""
    return source.open("rb") if isinstance(source, Path) else view_of(source)


@cache
def _sound_decoders() -> str:
    """Return the names of FFmpeg's decoders of sound, for a whitelist."""
    names = []
    for name in sorted(av.codecs_available):
        with suppress(UnknownCodecError):
            if av.Codec(name, "r").type == "audio":
                names.append(name)
    return ",".join(names)
