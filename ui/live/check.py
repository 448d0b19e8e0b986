"""Why the camera or the connection does not work, in plain words.

Only the browser knows: whether the page may use cameras at all, whether there is one, whether it
is allowed and free, and whether the STUN and TURN servers answer. So this part is JavaScript, in
``live_check.js``; nothing that it finds is sent anywhere.
"""

from __future__ import annotations

from ui.common.component import component
from ui.live.ice import IceConfiguration

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
_check = component("fer_live_check", __file__, _HTML)


def connection_check(ice: IceConfiguration) -> None:
    """Draw what is wrong with the camera, when something is, and a check to run.

    Args:
        ice: What the camera will connect with.
    """
    _check(key="live-check", data={"configuration": ice.record, "hasTurn": ice.has_turn})
