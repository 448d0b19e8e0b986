from __future__ import annotations

import pytest
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from ui.common.visitors import _BROWSER_COOKIE, browser_of


def test_a_browser_is_known_though_its_cookie_is_masked_anew() -> None:
    first, again, other = (generate_xsrf_token_string(token) for token in (b"1", b"1", b"2"))
    assert first != again
    known = [browser_of({_BROWSER_COOKIE: cookie}) for cookie in (first, again, other)]
    assert known[0] and known[0] == known[1] != known[2]


@pytest.mark.parametrize("cookies", [{}, {_BROWSER_COOKIE: ""}, {_BROWSER_COOKIE: "2|x|y|z"}])
def test_others_have_none(cookies: dict[str, str]) -> None:
    assert browser_of(cookies) == ""
