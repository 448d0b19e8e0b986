"""Text for pictures."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fer_core import lettering
from fer_core.lettering import drawable, text_mask


@pytest.fixture
def no_installed_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system without fonts of its own."""
    monkeypatch.setattr(lettering, "_installed", lambda: ())
    lettering._font_for.cache_clear()
    yield
    lettering._font_for.cache_clear()


@pytest.mark.parametrize("name", ["Anna", "Jürgen Müller", "Анна", "Ελένη", "محمد", "שלום"])
def test_letters_are_drawn_as_they_are(name: str, no_installed_fonts: None) -> None:
    assert drawable(name) == name
    mask = text_mask(name, 20)
    assert mask.dtype == np.uint8 and mask.max() > 200
    assert mask.shape[0] == text_mask("x", 20).shape[0]
    plain = "".join(s for s in unicodedata.normalize("NFD", name) if s.isascii())
    assert name.isascii() or mask.tobytes() != text_mask(plain or "x", 20).tobytes()


def test_no_letter_is_replaced_by_another_script_s(no_installed_fonts: None) -> None:
    """A name without a font is not drawn at all, rather than in letters that it does not have."""
    assert drawable("李小龙") == drawable("李 Bruce") == ""
    assert drawable("\ue000") == drawable("\u200b") == drawable("") == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [("\U0001fae8 Bob", "Bob"), ("\x00\x07a\n", "a"), ("Ann-Kathrin", "Ann-Kathrin")],
)
def test_signs_that_no_font_has_are_left_out(
    name: str, shown: str, no_installed_fonts: None
) -> None:
    assert drawable(name) == shown


def test_fonts_of_the_system_are_asked_for_what_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    (tmp_path / "notes.txt").write_bytes(b"")
    (path,) = lettering._packaged()[:1] or pytest.skip("no packaged font")
    good = tmp_path / "deep" / "NotoSans-Regular.ttf"
    good.parent.mkdir()
    good.write_bytes(Path(path).read_bytes())
    monkeypatch.setattr(lettering, "_packaged", lambda: ())
    monkeypatch.setattr(lettering, "_folders", lambda: (tmp_path, tmp_path / "none"))
    for held in (lettering._installed, lettering._font_for):
        held.cache_clear()
    assert lettering._installed() == (str(good), str(tmp_path / "damaged.ttf"))
    assert lettering._font_for(frozenset("Анна")) == str(good)
    for held in (lettering._installed, lettering._font_for):
        held.cache_clear()
