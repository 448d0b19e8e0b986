"""How many frames a decoder keeps in memory, as far as the file's headers tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from av.video.codeccontext import VideoCodecContext

# The most that codecs keep for other frames to refer to, where the headers do not tell.
_MOST = {"h264": 16, "hevc": 16, "vp9": 8, "av1": 8}
_OTHERS = 3
_AT_WORK = 2  # one that is being decoded, and the last one
# What tells it is in such units, near their beginning.
_SETS, _MOST_OF_A_SET = {"h264": 7, "hevc": 33}, 4096
# H.264, 7.3.2.1.1: these profiles have more in their headers.
_HIGH = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


def kept_frames(context: VideoCodecContext) -> int:
    """Return how many frames a decoder keeps, those at work included.

    Args:
        context: The decoder, as the container sets it up.
    """
    codec = context.codec
    if codec.intra_only:
        return _AT_WORK
    told = _references_in(_units_of_header(context), codec.canonical_name)
    most = _MOST.get(codec.canonical_name, _OTHERS) if told is None else told
    # Some wait until others have been shown; most of them are referred to as well.
    return max(most, context.reorder_depth) + _AT_WORK


def kept_after(packet: bytes, context: VideoCodecContext) -> int:
    """Return how many frames a decoder keeps by what a packet says; 0 where it says nothing."""
    codec, header = context.codec.canonical_name, context.extradata or b""
    units = _after_start_codes(packet)
    if header[:1] == b"\1":
        place = 21 if codec == "hevc" else 4
        units = _prefixed(packet, 0, (header[place] & 3) + 1 if len(header) > place else 4)
    told = _references_in(units, codec)
    return 0 if told is None else told + _AT_WORK


def _references_in(units: Iterator[bytes], codec: str) -> int | None:
    """Return the most references that sequence parameter sets tell; None without any."""
    if codec not in _READERS:
        return None
    told = []
    for unit in units:
        if unit and (unit[0] >> 1 & 63 if codec == "hevc" else unit[0] & 31) == _SETS[codec]:
            # In the raw bytes a 3 breaks up what would look like a start code.
            told.append(_READERS[codec](unit[:_MOST_OF_A_SET].replace(b"\0\0\3", b"\0\0")))
    return max((count for count in told if count is not None), default=None)


def _units_of_header(context: VideoCodecContext) -> Iterator[bytes]:
    header = context.extradata or b""
    if header[:1] != b"\1":
        yield from _after_start_codes(header)
    elif context.codec.canonical_name == "h264":
        yield from _prefixed(header, 6, 2, header[5] & 31 if len(header) > 5 else 0)
    else:
        position = 23
        for _ in range(header[22] if len(header) > 22 else 0):
            count = int.from_bytes(header[position + 1 : position + 3])
            position += 3
            for unit in _prefixed(header, position, 2, count):
                yield unit
                position += 2 + len(unit)


def _after_start_codes(content: bytes) -> Iterator[bytes]:
    """Yield the units of a stream as in ITU-T H.264 and H.265, annex B."""
    yield from content.split(b"\0\0\1")[1:]


def _prefixed(
    content: bytes, position: int, prefix: int, count: int | None = None
) -> Iterator[bytes]:
    """Yield units with their lengths before them, as in ISO/IEC 14496-15; all without a count."""
    while position < len(content) and count != 0:
        length = int.from_bytes(content[position : position + prefix])
        position += prefix
        yield content[position : position + length]
        position += length
        count = None if count is None else count - 1


class _Bits:
    """Reads bits from the front; past the end they are an error."""

    def __init__(self, content: bytes) -> None:
        self._value, self._left = int.from_bytes(content), 8 * len(content)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("The header is too short.")
        return self._value >> self._left & (1 << count) - 1

    def number(self) -> int:
        """Take an Exp-Golomb code."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def _or_none(read: Callable[[_Bits], int]) -> Callable[[bytes], int | None]:
    def reading(unit: bytes) -> int | None:
        try:
            return read(_Bits(unit))
        except ValueError:
            return None

    return reading


@_or_none
def _h264_references(bits: _Bits) -> int:
    """Return max_num_ref_frames of ITU-T H.264, 7.3.2.1.1."""
    bits.take(8)
    profile = bits.take(8)
    bits.take(16)
    bits.number()
    if profile in _HIGH:
        chroma = bits.number()
        if chroma == 3:
            bits.take(1)
        bits.number()
        bits.number()
        bits.take(1)
        if bits.take(1):
            for which in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _pass_scaling_list(bits, 16 if which < 6 else 64)
    bits.number()
    order = bits.number()
    if order == 0:
        bits.number()
    elif order == 1:
        bits.take(1)
        bits.number()
        bits.number()
        for _ in range(bits.number()):
            bits.number()
    return bits.number()


def _pass_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.number()
            following = (last + (code + 1 >> 1 if code & 1 else -(code >> 1))) % 256
        last = following or last


@_or_none
def _hevc_references(bits: _Bits) -> int:
    """Return the most of sps_max_dec_pic_buffering_minus1 of ITU-T H.265, 7.3.2.2.1."""
    bits.take(16)
    bits.take(4)
    layers = bits.take(3)
    bits.take(1)
    bits.take(96)  # the general profile, tier and level
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    bits.take(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.number()
    if bits.number() == 3:
        bits.take(1)
    bits.number()
    bits.number()
    if bits.take(1):
        for _ in range(4):
            bits.number()
    bits.number()
    bits.number()
    bits.number()
    of_all = bits.take(1)
    most = 0
    for _ in range(layers + 1 if of_all else 1):
        most = max(most, bits.number())
        bits.number()
        bits.number()
    return most


_READERS = {"h264": _h264_references, "hevc": _hevc_references}
