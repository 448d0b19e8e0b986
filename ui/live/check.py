"""Why the camera or the connection does not work, in plain words.

Only the browser knows: whether the page may use cameras at all, whether there is one, whether it
is allowed and free, and whether the STUN and TURN servers answer. So this part is JavaScript, in
``live_check.js``; nothing that it finds is sent anywhere.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.live.ice import IceConfiguration

_FOLDER = Path(__file__).resolve().parent
_HTML = """
<div class="fer-check">
  <div class="problem" role="alert" hidden></div>
  <details>
    <summary>Check camera and connection</summary>
    <button type="button">Run the check</button>
    <ol aria-live="polite"></ol>
  </details>
</div>
"""
_check = st.components.v2.component(
    "fer_live_check",
    html=_HTML,
    css=(_FOLDER / "check.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "check.js").read_text(encoding="utf-8"),
)


def connection_check(ice: IceConfiguration) -> None:
    """Draw what is wrong with the camera, when something is, and a check to run.

    Args:
        ice: What the camera will connect with.
    """
    _check(key="live-check", data={"configuration": ice.record, "hasTurn": ice.has_turn})
