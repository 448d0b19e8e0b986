"""What is kept under a token."""

from __future__ import annotations

from ui.common.kept import Kept, new_token


def test_it_goes_when_the_last_session_leaves() -> None:
    released: list[str] = []
    kept = Kept(released.append)
    kept.keep("token", "photos", "first")
    assert kept.get("token", "second") == "photos" and kept.get("other", "second") is None
    kept.leave("first")
    assert not released and kept.get("token", "second") == "photos"
    kept.leave("second")
    assert released == ["photos"] and kept.get("token", "third") is None


def test_it_goes_once_when_it_is_removed() -> None:
    released: list[str] = []
    kept = Kept(released.append)
    kept.keep("token", "photos", "first")
    kept.remove("token")
    kept.remove("token")
    kept.leave("first")
    assert released == ["photos"]


def test_tokens_cannot_be_guessed() -> None:
    assert len({new_token() for _ in range(50)}) == 50 and len(new_token()) >= 32
