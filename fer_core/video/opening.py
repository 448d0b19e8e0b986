"""Opening video files, safely: one clear sentence for each thing that can be wrong."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from fer_core.errors import NoVideoStream, UnreadableVideo
from fer_core.video.fileview import view_of

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
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
    if isinstance(source, io.BytesIO):
        return source
    try:
        source.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return io.BytesIO(source.read())
    except ValueError:  # it is closed, which opening it says
        pass
    return source


def open_container(source: Path | BinaryIO) -> InputContainer:
    """Open a file for reading, with a position of its own.

    Raises:
        UnreadableVideo: The file is empty, incomplete, or in no format that holds video.
    """
    _refuse_empty(source)
    try:
        return av.open(
            # Without the prefix a name such as "concat:a" would be taken for an address.
            f"file:{source}" if isinstance(source, Path) else view_of(source),
            "r",
            container_options={
                "format_whitelist": ",".join(_FORMATS),
                "protocol_whitelist": "file",
            },
            buffer_size=_BUFFER_BYTES,
            metadata_errors="replace",
        )
    except DECODING_ERRORS as error:
        logger.debug("FFmpeg cannot open the video: %s", error)
        if _lacks_moov(source):
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
        if isinstance(source, Path):
            return source.stat().st_size
        with view_of(source) as view:
            return view.seek(0, os.SEEK_END)
    except OSError:
        return None


def _refuse_empty(source: Path | BinaryIO) -> None:
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                first = file.read(1)
        else:
            with view_of(source) as file:
                first = file.read(1)
    except OSError as error:
        raise UnreadableVideo(
            f"The file cannot be read: {error.strerror or 'it is no file'}."
        ) from error
    except ValueError as error:  # a name with a zero byte, a closed file
        raise UnreadableVideo("The file cannot be opened.") from error
    if not first:
        raise UnreadableVideo("The file is empty.")


def _lacks_moov(source: Path | BinaryIO) -> bool:
    """Return whether a file begins as MP4 or QuickTime and has no ``moov`` box.

    ISO/IEC 14496-12, 4.2: a box starts with its size, 4 bytes, and its type, 4 bytes; size 1
    means that 8 more bytes have the size, 0 that the box goes on to the end.
    """
    with source.open("rb") if isinstance(source, Path) else view_of(source) as file:
        position = 0
        kinds: list[bytes] = []
        while len(header := file.read(16)) >= 8 and len(kinds) < 1000:
            size, kind = int.from_bytes(header[:4]), header[4:8]
            kinds.append(kind)
            if size == 1 and len(header) == 16:
                size = int.from_bytes(header[8:])
            if size < 8:
                break
            position += size
            file.seek(position)
    return bool(kinds) and kinds[0] in (b"ftyp", b"mdat", b"wide") and b"moov" not in kinds
