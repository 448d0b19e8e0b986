from __future__ import annotations

import base64
import hashlib
import hmac
import tomllib
from pathlib import Path
from typing import Any

import pytest
from aiortc.rtcicetransport import connection_kwargs
from streamlit_webrtc.config import compile_rtc_configuration

from tests.conftest import ROOT
from ui.live.ice import (
    IceSettings,
    IceSettingsError,
    make_configuration,
    read_settings,
    shared_secret_credentials,
)

TURN = "turn:turn.example.org:3478?transport=udp"


def test_nothing_set_asks_nobody() -> None:
    ice = make_configuration(read_settings({}, {}))
    assert ice.record == {"iceServers": [], "iceTransportPolicy": "all"}
    assert not ice.has_turn and ice.renew_at == float("inf")


def test_fixed_credentials() -> None:
    stored = {
        "stun": ["stun:stun.example.org"],
        "turn": [TURN, "turns:turn.example.org:5349?transport=tcp"],
        "turn_username": "anna",
        "turn_password": "s3cret",
    }
    ice = make_configuration(read_settings({}, stored))
    stun, turn = ice.record["iceServers"]
    assert stun == {"urls": ["stun:stun.example.org"]}
    assert turn["urls"] == stored["turn"]
    assert (turn["username"], turn["credential"]) == ("anna", "s3cret")
    assert ice.has_turn and ice.renew_at == float("inf")


def test_credentials_of_limited_life_as_coturn_checks_them() -> None:
    settings = read_settings({}, {"turn": [TURN], "turn_secret": "north", "ttl_s": 600})
    ice = make_configuration(settings, now=1_000_000.0)
    (turn,) = ice.record["iceServers"]
    expires, _, user = turn["username"].partition(":")
    assert int(expires) == 1_000_600 and user
    digest = hmac.new(b"north", turn["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(turn["credential"]) == digest
    assert ice.renew_at == 1_000_300
    assert "north" not in str(ice.record)


def test_a_known_pair() -> None:
    """The password is what `openssl dgst -sha1 -hmac` makes of the same name and secret."""
    username, password = shared_secret_credentials("north", 1_700_000_000, "anna")
    assert username == "1700000000:anna"
    assert password == "WS1fjjHj2gNlXzhc/ZcwmC3ofIo="


def test_every_session_has_its_own_credentials() -> None:
    settings = IceSettings(turn=(TURN,), secret="north")
    names = {
        make_configuration(settings, 0.0).record["iceServers"][0]["username"] for _ in range(20)
    }
    assert len(names) == 20


def test_the_environment_overrides_the_file() -> None:
    environment = {
        "FER_ICE_STUN": "stun:a.example.org, stun:b.example.org:3478",
        "FER_ICE_TURN": TURN,
        "FER_ICE_TURN_SECRET": " south ",
        "FER_ICE_TTL_S": "900",
        "FER_ICE_POLICY": "relay",
    }
    stored = {"stun": ["stun:c.example.org"], "turn_secret": "north"}
    assert read_settings(environment, stored) == IceSettings(
        stun=("stun:a.example.org", "stun:b.example.org:3478"),
        turn=(TURN,),
        secret="south",
        ttl_s=900,
        policy="relay",
    )


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ({"turns": [TURN]}, "knows no 'turns'"),
        ({"stun": ["stun.example.org"]}, "no STUN address"),
        ({"stun": [TURN]}, "no STUN address"),
        ({"turn": ["turn:host:port"], "turn_secret": "x"}, "no TURN address"),
        ({"turn": ["turn:host?transport=sctp"], "turn_secret": "x"}, "no TURN address"),
        ({"turn": [17], "turn_secret": "x"}, "'17' is no TURN address"),
        ({"turn": 17}, "must be a list"),
        ({"turn": [TURN]}, "needs credentials"),
        ({"turn": [TURN], "turn_username": "anna"}, "go together"),
        ({"turn": [TURN], "turn_password": "x"}, "go together"),
        (
            {"turn": [TURN], "turn_secret": "x", "turn_username": "a", "turn_password": "b"},
            "not both",
        ),
        ({"turn_secret": "x"}, "'turn' is missing"),
        ({"turn": [TURN], "turn_secret": 5}, "text in quotes"),
        ({"turn": [TURN], "turn_secret": "x", "ttl_s": 10}, "at least 300"),
        ({"turn": [TURN], "turn_secret": "x", "ttl_s": "long"}, "at least 300"),
        ({"policy": "none"}, "must be"),
        ({"policy": "relay"}, "needs a TURN server"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(stored: dict[str, Any], sentence: str) -> None:
    with pytest.raises(IceSettingsError, match=sentence) as caught:
        read_settings({}, stored)
    assert str(caught.value).endswith(".") and "north" not in str(caught.value)


@pytest.mark.parametrize("address", ["turn:[2001:db8::1]:3478", "turns:10.0.0.1", TURN])
def test_addresses_that_are_right(address: str) -> None:
    assert read_settings({}, {"turn": address, "turn_secret": "x"}).turn == (address,)


def test_the_template_is_right(tmp_path: Path) -> None:
    text = (ROOT / ".streamlit" / "secrets.toml.example").read_text(encoding="utf-8")
    settings = read_settings({}, tomllib.loads(text)["ice"])
    assert settings.turn and settings.secret and settings.ttl_s == 3600
    # The commented lines, in the place of the secret, are right as well.
    fixed = "\n".join(
        line.removeprefix("# ") if line.startswith("# turn_") else line
        for line in text.splitlines()
        if not line.startswith("turn_secret")
    )
    assert read_settings({}, tomllib.loads(fixed)["ice"]).username == "facial-emotions"


def test_the_server_side_understands_it() -> None:
    settings = read_settings(
        {}, {"turn": [TURN], "stun": ["stun:s.example.org"], "turn_secret": "x"}
    )
    record = make_configuration(settings, 0.0).record
    servers = compile_rtc_configuration({"iceServers": record["iceServers"]}).iceServers
    understood = connection_kwargs(servers)
    assert understood["turn_server"] == ("turn.example.org", 3478)
    assert understood["turn_username"].startswith("3600:")
    assert understood["stun_server"] == ("s.example.org", 3478)
