"""Fetching the data set, with a stand-in for Kaggle: the tests use no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import kagglehub
import pytest
import requests
from kagglehub.exceptions import KaggleApiHTTPError, UnauthenticatedError

from train.cli.main import main
from train.data.download import download_fer2013
from train.data.fer2013 import FaceSet
from train.errors import DownloadError


def answered(status: int) -> KaggleApiHTTPError:
    response = requests.Response()
    response.status_code = status
    return KaggleApiHTTPError("refused", response)


@pytest.fixture
def kaggle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], dict[str, Any]]:
    """Make Kaggle's client answer with a folder or an error; return how it was called."""
    called: dict[str, Any] = {}

    def answer(result: Any) -> dict[str, Any]:
        def dataset_download(handle: str, **options: Any) -> str:
            called.update(handle=handle, **options)
            if isinstance(result, Exception):
                raise result
            return str(result)

        monkeypatch.setattr(kagglehub, "dataset_download", dataset_download)
        return called

    return answer


def test_a_whole_set_is_taken(
    kaggle: Callable[[Any], dict[str, Any]],
    fer2013_archive: Path,
    whole_set: FaceSet,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Loaded once for all tests.
    monkeypatch.setattr("train.data.download.load_fer2013", {fer2013_archive: whole_set}.get)
    called = kaggle(fer2013_archive)
    assert main(["download", "--out", str(tmp_path / "data")]) == 0
    assert called == {"handle": "msambare/fer2013", "output_dir": str(tmp_path / "data")}
    assert f"The whole FER-2013 is in {fer2013_archive}." in capsys.readouterr().out


def test_a_part_of_it_is_refused(
    kaggle: Callable[[Any], dict[str, Any]], tiny_folder: Path
) -> None:
    kaggle(tiny_folder)
    with pytest.raises(DownloadError, match=r"not the whole FER-2013.*24 pictures instead of 3995"):
        download_fer2013()


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (answered(401), "API token"),
        (answered(403), "API token"),
        (UnauthenticatedError(), "API token"),
        (answered(500), "answered with an error"),
        (requests.ConnectionError("no route"), "is there a network"),
        (requests.Timeout("slow"), "is there a network"),
        (OSError("disk\nfull"), "could not be fetched: disk full"),
        (ValueError("Invalid Kaggle credentials file"), "could not be fetched"),
    ],
)
def test_what_can_go_wrong_is_one_sentence(
    kaggle: Callable[[Any], dict[str, Any]],
    error: Exception,
    word: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kaggle(error)
    with pytest.raises(DownloadError, match=word):
        download_fer2013()
    assert main(["download"]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "Traceback" not in message
