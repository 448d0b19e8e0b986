"""What pages hold under a token that cannot be guessed, so that a reload finds it again.

Streamlit gives every reload a session of its own. What is kept here goes when its visitor removes
it, or when the last session that has shown it leaves.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


def new_token() -> str:
    """Return a token that cannot be guessed."""
    return secrets.token_urlsafe(24)


@dataclass(slots=True)
class _Held(Generic[Thing]):
    """A thing, and the sessions whose pages show it."""

    thing: Thing
    sessions: set[str]


class Kept(Generic[Thing]):
    """All visitors' things by their tokens; safe to use from any thread."""

    def __init__(self, release: Callable[[Thing], None]) -> None:
        """Begin empty.

        Args:
            release: Lets go of all that a thing holds.
        """
        self._release = release
        self._held: dict[str, _Held[Thing]] = {}
        self._lock = threading.Lock()

    def keep(self, token: str, thing: Thing, session: str) -> None:
        """Keep a thing until a session leaves."""
        with self._lock:
            self._held[token] = _Held(thing, {session})

    def get(self, token: str, session: str) -> Thing | None:
        """Return the thing of a token, or None, and keep it for this session too."""
        with self._lock:
            held = self._held.get(token)
            if held is None:
                return None
            held.sessions.add(session)
            return held.thing

    def remove(self, token: str) -> None:
        """Release a thing, if it is there."""
        with self._lock:
            held = self._held.pop(token, None)
        if held is not None:
            self._release(held.thing)

    def leave(self, session: str) -> None:
        """Release the things that no other session has shown."""
        with self._lock:
            for held in self._held.values():
                held.sessions.discard(session)
            left = [token for token, held in self._held.items() if not held.sessions]
            things = [self._held.pop(token).thing for token in left]
        for thing in things:
            self._release(thing)
