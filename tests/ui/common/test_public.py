from __future__ import annotations

import pytest
import streamlit as st
from streamlit import config

from tests.ui.conftest import ROOT
from ui.common.public import PUBLIC_VARIABLE, is_loopback, is_public, without_paths


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch):
    """Say what the environment says, and at which address the server listens."""

    def say(variable: str | None, address: str | None) -> None:
        monkeypatch.delenv(PUBLIC_VARIABLE, raising=False)
        if variable is not None:
            monkeypatch.setenv(PUBLIC_VARIABLE, variable)
        monkeypatch.setattr(st, "get_option", lambda option: address)

    return say


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("localhost", False),
        ("127.0.0.1", False),
        ("127.0.0.2", False),
        ("::1", False),
        ("0.0.0.0", True),
        ("::", True),
        ("192.168.1.5", True),
        ("emotions.example.org", True),
        ("localhost.example.org", True),
        ("unix:///run/app.sock", True),
        ("", True),
        (None, True),
    ],
)
def test_the_address_decides(said, address: str | None, public: bool) -> None:
    said(None, address)
    assert is_public() is public


@pytest.mark.parametrize(
    ("variable", "public"),
    [("1", True), ("yes", True), (" ", False), ("0", False), ("false", False), ("No", False)],
)
def test_the_environment_comes_first(said, variable: str, public: bool) -> None:
    said(variable, "localhost")
    assert is_public() is public
    said(variable, "0.0.0.0")
    assert is_public() is (public or not variable.strip())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("LOCALHOST.", True), ("app.localhost", True), ("[::1]", True), ("127.1.example", False)],
)
def test_names_of_this_computer(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("There is no data set at /home/jane/faces.", "There is no data set at faces."),
        ("/data/fer2013.zip cannot be read: [Errno 13]", "fer2013.zip cannot be read: [Errno 13]"),
        ("'/srv/app/votes.csv' has no votes.", "'votes.csv' has no votes."),
        ("There is no data set at /data.", "There is no data set at data."),
        (r"C:\Users\jane\faces.zip is no folder.", "faces.zip is no folder."),
        ("happy/1.png: 30 frames / s, and/or https://a.example/b", None),
        ("/home/jane doe/my faces/fer2013 is missing", "fer2013 is missing"),
    ],
)
def test_strangers_see_no_folders(
    said, monkeypatch: pytest.MonkeyPatch, text: str, shown: str | None
) -> None:
    monkeypatch.setenv("FER2013", "/home/jane doe/my faces/fer2013")
    said("0", None)
    assert without_paths(text) == text
    said("1", None)
    assert without_paths(text) == (shown or text)


def test_a_plain_start_is_private_and_asks_nobody_for_its_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from streamlit import net_util
    from streamlit.web import bootstrap

    monkeypatch.setattr(
        net_util, "_make_blocking_http_get", lambda *args, **more: pytest.fail("asked")
    )
    monkeypatch.setattr(config, "_main_script_path", str(ROOT / "app.py"))
    monkeypatch.delenv(PUBLIC_VARIABLE, raising=False)
    try:
        for address in ({}, {"server.address": "0.0.0.0"}, {"server.address": ""}):
            flags = {"server.headless": True, **address}
            config.get_config_options(force_reparse=True, options_from_flags=flags)
            assert is_public() is bool(address)
            bootstrap._print_url(is_running_hello=False)
            assert "http://localhost:8501" in capsys.readouterr().out
    finally:
        config.get_config_options(force_reparse=True, options_from_flags={})
