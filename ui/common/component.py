"""Components of the pages: HTML, with the script and the style that lie beside a module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_ELEMENTS = Path(__file__).with_name("elements.js").read_text(encoding="utf-8")


def component(name: str, module: str, html: str) -> Any:
    """Return what draws a component, as ``st.components.v2.component`` does.

    Args:
        name: Unique in the app.
        module: ``__file__`` of a module, beside which are its script, of the same name but for
            the ending, and its style, if it has one.
        html: What the script begins with.
    """
    script, style = (Path(module).with_suffix(ending) for ending in (".js", ".css"))
    return st.components.v2.component(
        name,
        html=html,
        css=style.read_text(encoding="utf-8") if style.is_file() else None,
        js=_ELEMENTS + script.read_text(encoding="utf-8"),
    )
