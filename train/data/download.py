"""Fetching FER-2013 from Kaggle, by Kaggle's own client and in the user's name."""

from __future__ import annotations

import importlib
from pathlib import Path

from train.data.fer2013 import count_faults, load_fer2013
from train.errors import DownloadError

HANDLE = "msambare/fer2013"
_REFUSED = (401, 403)
_CREDENTIALS = (
    "Kaggle wants to know who asks: make an API token in the settings of your Kaggle account, set "
    "KAGGLE_USERNAME and KAGGLE_KEY or save it as ~/.kaggle/kaggle.json, and try again."
)


def download_fer2013(folder: Path | None = None) -> Path:
    """Download FER-2013 and count its pictures.

    Args:
        folder: Where it goes; None for kagglehub's cache, where a second call finds it again.

    Returns:
        The folder to give as ``--data``.

    Raises:
        DownloadError: There are no credentials, no network, or not the whole data set.
    """
    # A name for the type checker to leave alone: kagglehub brings no types.
    kagglehub = importlib.import_module("kagglehub")
    from requests.exceptions import HTTPError, RequestException

    try:
        path = Path(
            kagglehub.dataset_download(HANDLE, output_dir=None if folder is None else str(folder))
        )
    except HTTPError as error:
        status = None if error.response is None else error.response.status_code
        raise DownloadError(
            _CREDENTIALS if status in _REFUSED else f"Kaggle answered with an error: {error}"
        ) from error
    except RequestException as error:
        raise DownloadError("Kaggle cannot be reached; is there a network?") from error
    except _client_errors() as error:
        text = " ".join(str(error).split())
        unknown = "redential" in type(error).__name__ or "uthentic" in type(error).__name__
        raise DownloadError(
            _CREDENTIALS if unknown else f"The data set could not be fetched: {text}"
        ) from error
    faults = count_faults(load_fer2013(path))
    if faults:
        raise DownloadError(
            f"What Kaggle sent to {path} is not the whole FER-2013 ({len(faults)} counts differ): "
            f"{faults[0]}"
        )
    return path


def _client_errors() -> tuple[type[Exception], ...]:
    """Return what kagglehub raises besides the errors of the network; it has no common base."""
    errors = importlib.import_module("kagglehub.exceptions")
    own = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    return (*own, OSError, ValueError)
