"""Which frames are wanted, and which packets need not be decoded for them."""

from __future__ import annotations

from math import inf, nan

import pytest

from fer_core.video.sampling import FrameChoice, PacketGate


def taken(times: list[float], start_s: float = 0.0, fps: float | None = None) -> list[float]:
    choice = FrameChoice(start_s, fps)
    return [time for time in times if choice.take(time)]


def at_rate(rate: float, count: int) -> list[float]:
    return [number / rate for number in range(count)]


@pytest.mark.parametrize(
    ("times", "start_s", "fps", "expected"),
    [
        ([], 0, 1, []),
        ([0, 0.4, 0.9, 1.0, 1.6], 0, None, [0, 0.4, 0.9, 1.0, 1.6]),
        ([0, 0.4, 0.9, 1.0, 1.6], 0.9, None, [0.9, 1.0, 1.6]),
        ([0, 0.4, 0.9, 1.0, 1.6, 2.1, 3.0], 0, 1, [0, 1.0, 2.1, 3.0]),
        ([0, 0.4, 0.9, 1.0, 1.6, 2.1, 3.0], 0.4, 1, [0.4, 1.6, 3.0]),
        # One frame for several ticks is taken once, and the ticks it covers are gone.
        ([0, 0.1, 3.5, 3.6, 4.1], 0, 1, [0, 3.5, 4.1]),
        # Times rounded to milliseconds: 1/30 became 0.033.
        ([0, 0.033, 0.067, 0.1, 0.133], 0, 30, [0, 0.033, 0.067, 0.1, 0.133]),
        ([0.5], 0, 2, [0.5]),
    ],
)
def test_frames_taken(
    times: list[float], start_s: float, fps: float | None, expected: list[float]
) -> None:
    assert taken(times, start_s, fps) == expected


@pytest.mark.parametrize("fps", [None, 0.7, 7, 1000 / 3, 24000 / 1001])
@pytest.mark.parametrize("start_s", [0, 0.35])
def test_from_a_tick_on_the_frames_are_the_same(start_s: float, fps: float | None) -> None:
    times = [n / 30 + 0.004 * (n % 7) for n in range(300)]
    whole = taken(times, start_s, fps)
    for asked_s in [0.0, *times[::13]]:
        tick_s = FrameChoice(start_s, fps).tick_from(asked_s)
        assert tick_s >= asked_s - 0.001
        assert FrameChoice(start_s, fps).tick_from(tick_s) == tick_s
        rest = FrameChoice(start_s, fps, tick_s)
        assert rest.first_s == tick_s
        assert [t for t in times if t >= tick_s and rest.take(t)] == [
            t for t in whole if t >= tick_s
        ]


@pytest.mark.parametrize("rate", [24, 24000 / 1001, 25, 29.97, 30, 59.94, 60, 1000 / 3])
def test_at_the_video_s_own_rate_every_frame_is_taken(rate: float) -> None:
    assert len(taken(at_rate(rate, 2000), fps=rate)) == 2000


@pytest.mark.parametrize("fps", [0.5, 1, 3, 7, 24, 29.97])
def test_a_sample_has_as_many_frames_as_ticks(fps: float) -> None:
    assert len(taken(at_rate(60, 60 * 20), fps=fps)) == pytest.approx(fps * 20, abs=1)


@pytest.mark.parametrize(
    ("start_s", "fps"), [(0, 0), (0, -1), (0, inf), (0, nan), (inf, 1), (nan, None)]
)
def test_impossible_choices_are_refused(start_s: float, fps: float | None) -> None:
    with pytest.raises(ValueError):
        FrameChoice(start_s, fps)


# Each letter a packet in decoding order: its type, and the number of its picture in time.
CLOSED = "I0 P3 B1 B2 P6 B4 B5 I7 P10 B8 B9 I11"
OPEN = "I0 P3 B1 B2 I6 B4 B5 P9 B7 B8 I12 B10 B11"


def released(packets: str, start_s: float, fps: float | None) -> str:
    """Return the packets to decode; those of which the picture is not needed in lower case."""
    gate: PacketGate[str] = PacketGate(FrameChoice(start_s, fps))
    out: list[str] = []
    for packet in packets.split():
        for item in gate.admit(packet, float(packet[1:]), keyframe=packet[0] == "I"):
            out.append(item.packet if item.wanted else item.packet.lower())
    return " ".join(out)


@pytest.mark.parametrize(
    ("packets", "start_s", "fps", "expected"),
    [
        (CLOSED, 0, None, CLOSED),
        (CLOSED, 8, None, "i7 P10 B8 B9 I11"),
        (CLOSED, 7, None, "I7 P10 B8 B9 I11"),
        (CLOSED, 11, None, "I11"),
        # Ticks 0, 2, 4, …: the first picture at or after each, and what it refers to.
        (CLOSED, 0, 0.5, "I0 P3 b1 B2 P6 B4 i7 P10 B8"),
        # Ticks 0 and 11: nothing in between.
        (CLOSED, 0, 1 / 11, "I0 I11"),
        # Tick 5, between keyframes 0 and 7.
        (CLOSED, 5, 0.01, "i0 p3 b1 b2 P6 b4 B5"),
        # Pictures shown before the keyframe that they follow need the ones before it.
        (OPEN, 5, 0.01, "i0 p3 b1 b2 I6 b4 B5"),
        (OPEN, 6, 0.01, "I6"),
        (OPEN, 6, None, "I6 b4 b5 P9 B7 B8 I12 B10 B11"),
        (OPEN, 7, None, "i6 b4 b5 P9 B7 B8 I12 B10 B11"),
    ],
)
def test_packets_released(packets: str, start_s: float, fps: float | None, expected: str) -> None:
    result = released(packets, start_s, fps)
    # More than needed may be decoded, but in this order and no less.
    wanted = [packet for packet in expected.split() if packet[0].isupper()]
    assert [packet for packet in result.split() if packet in wanted] == wanted
    assert result == expected


@pytest.mark.parametrize("packets", [CLOSED, OPEN])
@pytest.mark.parametrize("start_s", [0, 0.5, 2, 4, 5, 6.5, 11])
@pytest.mark.parametrize("fps", [None, 0.1, 0.3, 0.5, 0.7, 1, 2])
def test_what_is_taken_was_always_wanted(packets: str, start_s: float, fps: float | None) -> None:
    times = sorted(float(packet[1:]) for packet in packets.split())
    decoded = released(packets, start_s, fps).split()
    wanted = {float(packet[1:]) for packet in decoded if packet[0].isupper()}
    assert set(taken(times, start_s, fps)) <= wanted


def test_where_packets_were_left_out_the_decoder_starts_anew() -> None:
    gate: PacketGate[str] = PacketGate(FrameChoice(0.0, 0.1))
    items = [
        item
        for packet in ["I0", "P1", "P2", "I3", "P4", "I6", "B5", "P10", "I20"]
        for item in gate.admit(packet, float(packet[1:]), keyframe=packet[0] == "I")
    ]
    assert [item.packet for item in items] == ["I0", "I6", "B5", "P10", "I20"]
    assert [item.packet for item in items if item.fresh] == ["I6"]
    assert [item.packet for item in items if item.leading] == ["B5"]


def test_without_times_everything_is_decoded() -> None:
    gate: PacketGate[str] = PacketGate(FrameChoice(5.0, 1))
    assert [item.wanted for item in gate.admit("a", None, keyframe=True)] == [True]
    assert gate.admit("b", 1.0, keyframe=False) == []
    assert [item.packet for item in gate.admit("c", None, keyframe=False)] == ["b", "c"]


def test_a_long_way_to_the_start_is_not_kept_in_memory() -> None:
    gate: PacketGate[int] = PacketGate(FrameChoice(1e6))
    waiting = longest = 0
    for number in range(5000):
        waiting += 1 - len(gate.admit(number, float(number), keyframe=number == 0))
        longest = max(longest, waiting)
    assert longest <= 300


def test_nor_are_large_packets_even_if_few() -> None:
    gate: PacketGate[int] = PacketGate(FrameChoice(1e6))
    counts = [
        len(gate.admit(number, float(number), keyframe=number == 0, size_bytes=20_000_000))
        for number in range(6)
    ]
    assert counts == [0, 0, 3, 0, 0, 3]
