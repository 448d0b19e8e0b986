"""Getting YuNet's file, the one thing that is not in the repository."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from platformdirs import user_cache_path

from fer_core.errors import DownloadFailed
from fer_core.files import write_at_once

YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_URL = (
    f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{YUNET_FILE}"
)
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
_MAX_BYTES = 10_000_000


def yunet_path() -> Path:
    """Return where YuNet's file is or will be: ``$FER_YUNET``, or the user's cache folder."""
    named = os.environ.get("FER_YUNET")
    return Path(named) if named else user_cache_path("facial-emotions") / YUNET_FILE


def download(url: str, sha256: str, path: Path, *, timeout_s: float = 30.0) -> bool:
    """Fetch a file, check it, and put it in place in one step.

    Args:
        url: Public address.
        sha256: Expected checksum in hexadecimal.
        path: Where the file goes; its folder is made if missing.
        timeout_s: Seconds without an answer after which the attempt ends.

    Returns:
        True if the file was fetched, False if the right one was there already.

    Raises:
        DownloadFailed: There is no network, the checksum is wrong, or ``path`` is not writable.
    """
    try:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return False
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            content: bytes = answer.read(_MAX_BYTES)
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise DownloadFailed(f"{path.name} from {url} has the wrong checksum {found}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_at_once(path, content)
    except urllib.error.URLError as error:
        raise DownloadFailed(f"{path.name} could not be fetched: {error.reason}.") from error
    except (OSError, http.client.HTTPException) as error:
        reason = " ".join(str(error).split())  # it can quote a whole line of the answer
        raise DownloadFailed(f"{path.name} could not be fetched: {reason}.") from error
    return True
