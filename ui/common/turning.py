"""What of a browser's messages comes too late, as its visitor has turned to another page.

Until the other page comes, the browser is on the one that is left, and what a widget there has to
say meanwhile, such as that a file has arrived, names that page. Streamlit takes the last message
for what the visitor wants: it would show the old page again, and the click would be lost.
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from streamlit.proto.ClientState_pb2 import ClientState

# What takes longer than this to come may as well be given up by what is done on the old page.
_MOST_S = 10.0


class PageTurn:
    """Follows the pages that one connection asks for."""

    def __init__(self) -> None:
        self._asked = self._place = ""
        self._until_s = 0.0

    def is_late(self, message: ClientState) -> bool:
        """Return whether a message is of the page that was left for the one asked for last.

        Args:
            message: What the browser asks for; messages come in their order.
        """
        page, place = message.page_script_hash, urlsplit(message.context_info.url).path
        # A link asks for a page alone; what a widget or a part of a page says comes with it. The
        # home page's links have its widgets, and nothing is taken for later than they are.
        if not message.widget_states.widgets and not message.fragment_id:
            if message.is_history_navigation:
                # The address is the other page's at once, and tells no more where the browser is.
                self._until_s = 0.0
            elif page != self._asked:
                self._place, self._until_s = place, time.monotonic() + _MOST_S
        elif page != self._asked and place == self._place and time.monotonic() < self._until_s:
            # The browser is still where the link was.
            return True
        else:
            self._until_s = 0.0
        self._asked = page
        return False
