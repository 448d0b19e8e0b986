"""MP4 headers that promise more than anybody records."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest

from fer_core.errors import UnreadableVideo
from fer_core.video.boxes import lacks_moov, refuse_promises
from fer_core.video.source import VideoSource
from tests.fer_core.video.clips import make_clip

MANY = 50_000_000


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def full(kind: bytes, *numbers: int) -> bytes:
    """A box of 32-bit numbers, after version and flags."""
    return box(kind, struct.pack(f">{1 + len(numbers)}I", 0, *numbers))


def track(*tables: bytes, handler: bytes = b"vide") -> bytes:
    return box(
        b"trak",
        box(b"edts", *(table for table in tables if table[4:8] == b"elst")),
        box(
            b"mdia",
            box(b"hdlr", bytes(8), handler, bytes(12)),
            box(b"minf", box(b"stbl", *(table for table in tables if table[4:8] != b"elst"))),
        ),
    )


def moov(*tables: bytes, handler: bytes = b"vide") -> bytes:
    return box(b"moov", track(*tables, handler=handler))


def compressed(content: bytes, stated: int) -> bytes:
    data = box(b"cmvd", stated.to_bytes(4), zlib.compress(content))
    return box(b"moov", box(b"cmov", box(b"dcom", b"zlib"), data))


PCM = full(b"stts", 1, 500_000_000, 1), full(b"stsz", 2, 500_000_000)
HOSTILE = {
    "samples of one size": moov(full(b"stsz", 1, MANY)),
    "samples in few bits": moov(full(b"stz2", 4, MANY)),
    "several tracks": box(b"moov", *[track(full(b"stsz", 1, MANY // 9))] * 9),
    "more than bytes": moov(full(b"stsz", 1, 1000)),
    "edits that repeat": moov(full(b"stsz", 1, 90_000), full(b"elst", 1000, *[0] * 3000))
    + box(b"mdat", bytes(100_000)),
    "a fragment": box(b"moof", box(b"traf", full(b"trun", MANY))),
    "many fragments": box(b"moof", box(b"traf", full(b"trun", MANY // 50))) * 60,
    "longer than the file": moov(full(b"stsz", 1, MANY)).replace(b"\0\0\0\x14stsz", b"\x7fAAAstsz"),
    "in the description": box(
        b"moov", box(b"meta", bytes(4), box(b"hdlr"), full(b"stsz", 1, MANY))
    ),
    "uncompressed sound": moov(
        *PCM, full(b"stco", 1000, *[0] * 1000), full(b"stsc", 1, 1, MANY, 1), handler=b"soun"
    ),
    "hidden": box(b"free", box(b"mvhd", bytes(100)), track(full(b"stsz", 1, MANY))),
    "among descriptions": moov(box(b"stsd", bytes(94), full(b"stsz", 1, MANY))),
    "compressed": compressed(track(full(b"stsz", 1, MANY)), 200),
    "compressed without end": compressed(b"", 2**31),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("before", [b"", box(b"uuid", bytes(16)), box(b"ftyp", b"isom")])
def test_promises_are_refused_in_a_sentence(kind: str, before: bytes) -> None:
    content = before + HOSTILE[kind]
    with pytest.raises(UnreadableVideo, match=r"^The video's table of contents [^.]*\.$"):
        refuse_promises(io.BytesIO(content))
    with pytest.raises(UnreadableVideo, match="table of contents"):
        VideoSource(content)


@pytest.mark.parametrize(
    "content",
    [
        moov(full(b"stsz", 0, 200_000, *[9] * 200_000), full(b"elst", 3, *[0] * 9)),
        # Three hours of it, in chunks of half a second.
        moov(
            *PCM,
            full(b"stco", 20_000, *[0] * 20_000),
            full(b"stsc", 1, 1, 24000, 1),
            handler=b"soun",
        )
        + box(b"mdat", bytes(500_000)),
        box(b"free", full(b"stsz", 1, MANY)),
        compressed(track(full(b"stsz", 1, 1000)), 200) + box(b"mdat", bytes(1000)),
        b"RIFF\0\0\0\0AVI LIST",
        b"\x1aE\xdf\xa3" * 9,
        b"\0\0\0\x01" * 9,
        b"\0\0\0\x01gd\0\x1f" + b"\xff" * 8,
        box(b"moov")[:6],
        b"",
    ],
)
def test_all_else_is_left_to_others(content: bytes) -> None:
    refuse_promises(io.BytesIO(content))


def test_boxes_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_core.video.boxes._MAX_BOXES", 50)
    refuse_promises(io.BytesIO(box(b"free") * 49))
    with pytest.raises(UnreadableVideo, match="too large"):
        refuse_promises(io.BytesIO(box(b"free") * 51))


@pytest.mark.parametrize("size", [b"\0\0\0\0\0\0\0\x18", b"\xff" * 8, b"\x7f" + b"\xff" * 7])
def test_sizes_are_bounded_by_the_file(size: bytes) -> None:
    content = b"\0\0\0\x01ftyp" + size + bytes(8)
    refuse_promises(io.BytesIO(content))
    assert lacks_moov(io.BytesIO(content))
    with pytest.raises(UnreadableVideo, match="incomplete"):
        VideoSource(content)


def test_real_headers(tmp_path: Path) -> None:
    for name, muxing in (
        ("plain.mp4", {}),
        ("front.mov", {"movflags": "faststart"}),
        ("fragments.mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ):
        content = make_clip(tmp_path / name, sound="aac", muxing=muxing).read_bytes()
        refuse_promises(io.BytesIO(content))
        assert not lacks_moov(io.BytesIO(content))
