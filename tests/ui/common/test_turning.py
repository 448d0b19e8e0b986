from __future__ import annotations

import pytest
from streamlit.proto.ClientState_pb2 import ClientState

from ui.common import turning
from ui.common.turning import PageTurn

PHOTO, METRICS, VIDEO, HOME = "Photo", "Metrics", "Video", ""


def link(page: str, at: str) -> ClientState:
    """Return what a browser sends for a link to a page, on a page."""
    message = ClientState(page_script_hash=page and f"hash of {page}")
    message.context_info.url = f"http://localhost:8501/{at}?threshold=50"
    return message


def widget(page: str, at: str | None = None) -> ClientState:
    """Return what it sends for a widget of a page, or for a link that comes with widgets."""
    message = link(page, page if at is None else at)
    message.widget_states.widgets.add(id="a", trigger_value=True)
    return message


def back(page: str) -> ClientState:
    """Return what it sends for its own button that leads back to a page."""
    message = link(page, page)
    message.is_history_navigation = True
    return message


def part(page: str) -> ClientState:
    """Return what it sends for a part of a page that is drawn again and again."""
    message = link(page, page)
    message.fragment_id, message.is_auto_rerun = "a", True
    return message


@pytest.mark.parametrize(
    ("messages", "late"),
    [
        # A file arrives, and a part asks to be drawn anew, on the page that was left.
        ((widget(PHOTO), link(METRICS, PHOTO), widget(PHOTO), part(PHOTO)), [2, 3]),
        # So it is where nothing was said before.
        ((link("", PHOTO), link(METRICS, PHOTO), widget(PHOTO)), [2]),
        # Two clicks on one link are one, and the last one counts.
        ((link(METRICS, PHOTO), link(METRICS, PHOTO), widget(PHOTO)), [2]),
        ((link(METRICS, PHOTO), link(VIDEO, PHOTO), widget(PHOTO), widget(VIDEO)), [2]),
        # What the new page says is heard, and so is the old one, once it is there again.
        ((link(METRICS, PHOTO), widget(METRICS), widget(PHOTO)), []),
        ((link(METRICS, PHOTO), link(PHOTO, PHOTO), widget(PHOTO)), []),
        # Links of the home page have its widgets, and a script may turn to another page.
        ((link("home", METRICS), widget(METRICS, HOME), widget(METRICS)), []),
        ((link("", HOME), widget("home", HOME), widget(PHOTO)), []),
        ((back(HOME), widget(METRICS, HOME)), []),
    ],
)
def test_nothing_of_the_page_that_is_left_holds_up_the_other(
    messages: tuple[ClientState, ...], late: list[int]
) -> None:
    turn = PageTurn()
    assert [n for n, message in enumerate(messages) if turn.is_late(message)] == late


def test_what_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "_MOST_S", 0.0)
    turn = PageTurn()
    assert not turn.is_late(link(METRICS, PHOTO))
    assert not turn.is_late(widget(PHOTO))
