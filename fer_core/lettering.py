"""Text for pictures, in any script for which there is a font.

Pillow carries a font for Latin. For other scripts the machine's fonts are searched: DejaVu, which
comes with packages that videos need, then what the system has installed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_Font = ImageFont.FreeTypeFont
_PROBE_PIXELS = 24
# No font has it, so that it looks like whatever a font lacks.
_MISSING = "\U0010ffff"
# Where packages keep DejaVu Sans, from the package's folder on.
_PACKAGED = (
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    ("cv2", "qt/fonts/DejaVuSans.ttf"),
)
_SUFFIXES = (".ttf", ".ttc", ".otf", ".otc")
# Fonts that have many letters and read well come first, others by name.
_LIKED = ("notosans", "noto", "dejavusans", "arialunicode", "msyh", "meiryo", "malgun", "nirmala")


def drawable(text: str) -> str:
    """Return a text as it can be drawn; "" where no font here has all its letters and digits.

    Signs that are neither and that no font has, such as emojis, are left out.
    """
    shown = "".join(sign for sign in text if sign.isprintable())
    needed = "".join(sign for sign in shown if unicodedata.category(sign)[0] in "LMN")
    if not needed:
        return ""
    path = _font_for(frozenset(needed))
    if path is None:
        return ""
    return "".join(sign for sign in shown if sign.isspace() or _has(path, sign)).strip()


@lru_cache(maxsize=512)
def text_mask(text: str, pixels: int) -> NDArray[np.uint8]:
    """Draw a line of text.

    Args:
        text: What ``drawable`` returns, or ASCII.
        pixels: Size of the font.

    Returns:
        uint8 ``(H, W)``, how much of each pixel is ink, 0 to 255; not to be changed. ``H`` follows
        from the size alone.
    """
    font = _font(_font_for(frozenset(text.replace(" ", ""))) or "", pixels)
    ascent, descent = _font("", pixels).getmetrics()
    left, _, right, _ = font.getbbox(text, anchor="ls")
    size_wh = (max(1, round(right - left)), ascent + descent)
    image = Image.new("L", size_wh)
    ImageDraw.Draw(image).text((-left, ascent), text, 255, font, anchor="ls")
    mask = np.array(image, np.uint8)
    mask.flags.writeable = False
    return mask


def ink(
    drawn: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    corner_xy: tuple[int, int],
    color: tuple[int, int, int],
) -> None:
    """Lay a mask of ink over a picture, in place, as far as it reaches.

    Args:
        drawn: uint8 ``(H, W, 3)``; it is changed.
        mask: uint8 ``(h, w)``, as ``text_mask`` draws it.
        corner_xy: Where its upper left corner goes, in pixels; may lie outside.
        color: Of the ink.
    """
    x, y = corner_xy
    top, left = max(0, -y), max(0, -x)
    part = mask[top:, left:]
    ground = drawn[max(0, y) :, max(0, x) :][: part.shape[0], : part.shape[1]]
    part = part[: ground.shape[0], : ground.shape[1]]
    if not part.size:
        return
    # A fifth of the time that the same takes in floats: the live picture has much ink.
    share = np.asarray(cv2.merge((part, part, part)))
    kept = np.asarray(cv2.multiply(ground, 255 - share, scale=1 / 255))
    inked = np.asarray(cv2.multiply(share, np.array((*color, 0.0)), scale=1 / 255))
    ground[:] = kept + inked  # never more than 255


@lru_cache(maxsize=256)
def _font_for(signs: frozenset[str]) -> str | None:
    """Return the path of the first font that has all signs, "" for Pillow's own, or None."""
    for path in ("", *_packaged()):
        if all(_has(path, sign) for sign in signs):
            return path
    for path in _installed():
        if all(_has(path, sign) for sign in signs):
            return path
    return None


@lru_cache(maxsize=4096)
def _has(path: str, sign: str) -> bool:
    try:
        font = _font(path, _PROBE_PIXELS)
    except OSError:
        return False  # a damaged font, or one of a kind that FreeType does not read
    return _looks(font, sign) != _looks(font, _MISSING)


def _looks(font: _Font, sign: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(sign, "L")
    return mask.size, bytes(mask)


@lru_cache(maxsize=64)
def _font(path: str, pixels: int) -> _Font:
    if path:
        return ImageFont.truetype(path, pixels)
    font = ImageFont.load_default(pixels)
    assert isinstance(font, _Font), "Pillow was built without FreeType"
    return font


@cache
def _packaged() -> tuple[str, ...]:
    paths = []
    for package, file in _PACKAGED:
        # Finds the package without importing it.
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(folder) / file).is_file():
                paths.append(str(Path(folder) / file))
    return tuple(paths)


@cache
def _installed() -> tuple[str, ...]:
    """Return the system's fonts, the upright and regular ones of liked families first."""
    found = sorted({str(path) for folder in _folders() for path in _files(folder)}, key=_rank)
    return tuple(found)


def _rank(path: str) -> tuple[bool, int, str]:
    name = Path(path).stem.lower().replace(" ", "").replace("-", "")
    special = any(word in name for word in ("bold", "italic", "oblique", "mono", "serif", "light"))
    liked = next((place for place, word in enumerate(_LIKED) if word in name), len(_LIKED))
    return special, liked, path


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names if name.lower().endswith(_SUFFIXES))


def _folders() -> tuple[Path, ...]:
    home = Path.home()
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts",)
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    return (
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".local/share/fonts",
        home / ".fonts",
    )
