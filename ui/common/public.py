"""Whether strangers may visit, and what they then must not see."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path

import streamlit as st

# "1" where strangers visit, "0" where they do not although the address says so.
PUBLIC_VARIABLE = "FER_PUBLIC"
_NO = ("0", "no", "false", "off")
# What names files here, and may have spaces in it.
_PLACES = ("FER2013", "FERPLUS", "FER_YUNET")
# A path from the root of a file system or of a drive, and its last part.
_PATH = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[/\\](?:[^\s/\\:'\"]+[/\\])*([^\s/\\:'\"]+)[/\\]?")


def is_public() -> bool:
    """Return whether others than the user of this computer can reach the app.

    ``FER_PUBLIC`` decides. Without it, the address does at which the server listens: only that of
    the computer itself is private, and no address at all means every one.
    """
    said = os.environ.get(PUBLIC_VARIABLE, "").strip().lower()
    if said:
        return said not in _NO
    return not is_loopback(st.get_option("server.address") or "")


def is_loopback(host: str) -> bool:
    """Return whether a name or address is that of the computer itself, for it alone."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def without_paths(text: str) -> str:
    """Return a sentence without the folders of this machine, where strangers read it."""
    if not is_public():
        return text
    for place in (Path(os.environ.get(variable, "").strip()) for variable in _PLACES):
        if place.name:
            text = text.replace(str(place), place.name)
    return _PATH.sub(r"\1", text)
