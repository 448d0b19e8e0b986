"""Telling visitors apart, so that long work is done in turn."""

from __future__ import annotations

import secrets
from typing import cast

import streamlit as st

_VISITOR_KEY = "visitor"
# Streamlit's own cookie, one a browser, without which it takes no upload.
_BROWSER_COOKIE = "_streamlit_xsrf"


def visitor() -> str:
    """Return what tells visitors apart: the browser, or else the session."""
    own = st.session_state.setdefault(_VISITOR_KEY, secrets.token_urlsafe())
    return st.context.cookies.get(_BROWSER_COOKIE) or cast(str, own)
