"""How browser and server find a way to each other: STUN and TURN servers for WebRTC (ICE).

They come from the environment or from ``.streamlit/secrets.toml``; ``docs/DEPLOY.md`` says when
they are needed. Without any, browser and server have to reach each other directly, and no outside
service is asked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

_SECTION = "ice"
_PREFIX = "FER_ICE_"
_KEYS = ("stun", "turn", "turn_username", "turn_password", "turn_secret", "ttl_s", "policy")
_DEFAULT_TTL_S = 3600
# coturn refuses credentials when they expire, also in the middle of a session's refreshes.
_LEAST_TTL_S = 300
# host:port or host, IPv6 in brackets; TURN may name its transport.
_HOST = r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?"
_ADDRESSES = {
    "stun": re.compile(rf"stuns?:{_HOST}"),
    "turn": re.compile(rf"turns?:{_HOST}(\?transport=(udp|tcp))?"),
}
_EXAMPLES = {
    "stun": "stun:stun.example.org:3478",
    "turn": "turn:turn.example.org:3478?transport=udp",
}


class IceSettingsError(ValueError):
    """The settings for STUN and TURN are wrong; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class IceSettings:
    """Which servers help to connect.

    Attributes:
        stun: Addresses such as "stun:stun.example.org:3478".
        turn: Addresses such as "turn:turn.example.org:3478?transport=udp".
        username: For TURN with fixed credentials, or "".
        password: Its password, or "".
        secret: For TURN with credentials of limited life, coturn's ``static-auth-secret``, or "".
        ttl_s: How long such credentials last, in seconds.
        policy: "all", or "relay" for connections through TURN alone.
    """

    stun: tuple[str, ...] = ()
    turn: tuple[str, ...] = ()
    username: str = ""
    password: str = ""
    secret: str = ""
    ttl_s: int = _DEFAULT_TTL_S
    policy: str = "all"


@dataclass(frozen=True, slots=True)
class IceConfiguration:
    """What one session connects with.

    Attributes:
        record: As the browser's RTCPeerConnection takes it.
        renew_at: Unix time in seconds from which on a new session needs a new one; infinite
            without credentials of limited life.
    """

    record: dict[str, Any]
    renew_at: float

    @property
    def has_turn(self) -> bool:
        """Whether a TURN server is among them."""
        return any("credential" in server for server in self.record["iceServers"])


def read_settings(
    environment: Mapping[str, str] | None = None, stored: Mapping[str, Any] | None = None
) -> IceSettings:
    """Read and check the settings.

    Args:
        environment: By default the process' own; each ``FER_ICE_…`` overrides its key.
        stored: By default the section "ice" of Streamlit's secrets.

    Raises:
        IceSettingsError: Something is missing, unknown or mistyped.
    """
    environment = os.environ if environment is None else environment
    values = dict(_stored_section() if stored is None else stored)
    unknown = sorted(set(values) - set(_KEYS))
    if unknown:
        raise IceSettingsError(
            f"[{_SECTION}] in secrets.toml knows no '{unknown[0]}'; there are {', '.join(_KEYS)}."
        )
    for key in _KEYS:
        value = environment.get(_PREFIX + key.upper(), "").strip()
        if value:
            values[key] = value
    settings = IceSettings(
        stun=_addresses("stun", values.get("stun", ())),
        turn=_addresses("turn", values.get("turn", ())),
        username=_text("turn_username", values),
        password=_text("turn_password", values),
        secret=_text("turn_secret", values),
        ttl_s=_lifetime(values.get("ttl_s", _DEFAULT_TTL_S)),
        policy=_text("policy", values) or "all",
    )
    _check(settings)
    return settings


def make_configuration(settings: IceSettings, now: float | None = None) -> IceConfiguration:
    """Make what a new session connects with; credentials of limited life are made anew.

    Args:
        settings: Which servers to use.
        now: Unix time in seconds, by default the clock's.
    """
    now = time.time() if now is None else now
    servers: list[dict[str, Any]] = []
    if settings.stun:
        servers.append({"urls": list(settings.stun)})
    renew_at = float("inf")
    if settings.turn:
        username, password = settings.username, settings.password
        if settings.secret:
            username, password = shared_secret_credentials(
                settings.secret, round(now) + settings.ttl_s
            )
            # A session that begins later than this would not have half of their life left.
            renew_at = now + settings.ttl_s / 2
        servers.append({"urls": list(settings.turn), "username": username, "credential": password})
    record = {"iceServers": servers, "iceTransportPolicy": settings.policy}
    return IceConfiguration(record, renew_at)


def shared_secret_credentials(secret: str, expires_at: int, user: str = "") -> tuple[str, str]:
    """Return a user name and a password that coturn accepts until they expire.

    As coturn's ``use-auth-secret`` has them, after the draft "A REST API For Access To TURN
    Services" (Uberti, 2013): the name begins with the time, and the password is its HMAC-SHA1.

    Args:
        secret: coturn's ``static-auth-secret``.
        expires_at: Unix time in seconds.
        user: Tells sessions apart in coturn's log; by default random.
    """
    username = f"{expires_at}:{user or secrets.token_hex(4)}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def _stored_section() -> Mapping[str, Any]:
    try:
        section = st.secrets.get(_SECTION, {})
    except StreamlitSecretNotFoundError:
        return {}
    if not isinstance(section, Mapping):
        raise IceSettingsError(f"'{_SECTION}' in secrets.toml must be a section: [{_SECTION}].")
    return section


def _addresses(kind: str, value: Any) -> tuple[str, ...]:
    """Return addresses from a list, or from a text with commas."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, Sequence):
        raise IceSettingsError(f"'{kind}' must be a list of addresses, not {value!r}.")
    for address in value:
        if not isinstance(address, str) or not _ADDRESSES[kind].fullmatch(address):
            raise IceSettingsError(
                f"'{address}' is no {kind.upper()} address; one looks like {_EXAMPLES[kind]}."
            )
    return tuple(value)


def _text(key: str, values: Mapping[str, Any]) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise IceSettingsError(f"'{key}' must be a text in quotes.")
    return value


def _lifetime(value: Any) -> int:
    try:
        seconds = int(value)
    except (TypeError, ValueError):
        seconds = 0
    if seconds < _LEAST_TTL_S:
        raise IceSettingsError(f"'ttl_s' must be at least {_LEAST_TTL_S} seconds, not {value!r}.")
    return seconds


def _check(settings: IceSettings) -> None:
    fixed = bool(settings.username or settings.password)
    if settings.turn and not (fixed or settings.secret):
        raise IceSettingsError(
            "TURN needs credentials: 'turn_secret', or 'turn_username' and 'turn_password'."
        )
    if fixed and settings.secret:
        raise IceSettingsError(
            "Either 'turn_secret' or 'turn_username' and 'turn_password' may be set, not both."
        )
    if bool(settings.username) != bool(settings.password):
        raise IceSettingsError("'turn_username' and 'turn_password' go together.")
    if (fixed or settings.secret) and not settings.turn:
        raise IceSettingsError("There are TURN credentials but no address: 'turn' is missing.")
    if settings.policy not in ("all", "relay"):
        raise IceSettingsError(f"'policy' must be \"all\" or \"relay\", not '{settings.policy}'.")
    if settings.policy == "relay" and not settings.turn:
        raise IceSettingsError("The policy \"relay\" needs a TURN server: 'turn' is missing.")
