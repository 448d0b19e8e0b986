"""Telling visitors apart, so that long work is done in turn and each has a share."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import cast

import streamlit as st
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string

_VISITOR_KEY = "visitor"
# Streamlit's own cookie, one a browser, without which it takes no upload.
_BROWSER_COOKIE = "_streamlit_xsrf"


def visitor() -> str:
    """Return what tells visitors apart: the browser, or else the session."""
    own = st.session_state.setdefault(_VISITOR_KEY, secrets.token_urlsafe())
    return browser_of(st.context.cookies) or cast(str, own)


def browser_of(cookies: Mapping[str, str]) -> str:
    """Return what tells browsers apart, by the cookies that one sends; "" where it has none."""
    # The cookie looks different after each answer: what it holds is masked anew.
    token, _ = decode_xsrf_token_string(cookies.get(_BROWSER_COOKIE) or "")
    return token.hex() if token else ""
