"""The contrast of colours, and the backgrounds of the app's pages."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

_THEME = tomllib.loads(
    (Path(__file__).resolve().parents[1] / ".streamlit/config.toml").read_text(encoding="utf-8")
)["theme"]
# By theme, "#RRGGBB".
GROUNDS = {theme: _THEME[theme]["backgroundColor"] for theme in ("light", "dark")}


def linear_rgb(color: str) -> np.ndarray:
    """Return the light of "#RRGGBB", 0 to 1 for each of red, green and blue."""
    channels = np.array(list(bytes.fromhex(color[1:]))) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2)."""
    dark, light = sorted(linear_rgb(c) @ [0.2126, 0.7152, 0.0722] for c in (first, second))
    return float((light + 0.05) / (dark + 0.05))
