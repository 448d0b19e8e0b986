"""Where inputs come from and results go to: folders of this machine, and stores elsewhere.

A file of this machine is known by its absolute path. One of a store is known by its address, such
as ``s3://bucket/photos/a.jpg``, as Arrow or fsspec opens it: what they need besides, such as keys
and regions, they take from the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pyarrow import ArrowException, fs

from fer_core.errors import FerError, StoreError, StoreUnreachable
from fer_core.files import is_litter

# Before a path of this machine that is no text, and so cannot stand in a table as it is.
_LOCAL = "file://"
# What Arrow tries by itself takes minutes where nobody answers.
_S3_ATTEMPTS = 4
_NAMELESS = "It has files with two slashes in a row in their addresses, which cannot be opened."
_S3_ENDPOINTS = "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"
_S3_ERROR = re.compile(r"AWS Error (\w+) during \w+ operation: (.*)", re.DOTALL)
_S3_REASONS = {
    "ACCESS_DENIED": "the store refuses it with the keys that the environment has",
    "INVALID_ACCESS_KEY_ID": "the store does not know the key that the environment has",
    "NO_SUCH_BUCKET": "there is no such bucket",
    "SIGNATURE_DOES_NOT_MATCH": "the secret key that the environment has is not that of its key",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder has.

    Attributes:
        address: The file's or folder's.
        is_folder: Which of both it is.
        size_bytes: Of a file; 0 where the store does not say.
        modified_us: When it was changed, in microseconds since 1970; 0 where the store does not
            say.
        reason: Why a folder cannot be searched, in a sentence.
        error: The kind of error, in a word.
    """

    address: str
    is_folder: bool
    size_bytes: int = 0
    modified_us: int = 0
    reason: str | None = None
    error: str = ""


def address_of(text: str) -> str:
    """Return the one name by which an input is known, whatever the user calls it.

    Args:
        text: A path, relative or not, or an address; ``file://`` stands for paths.

    Raises:
        StoreError: It holds a password, which would go into the data set.
    """
    if text.startswith(_LOCAL):
        text = os.fsdecode(unquote_to_bytes(text.removeprefix(_LOCAL)))
    if is_remote(text):
        scheme, _, rest = text.partition("://")
        if "@" in rest.partition("/")[0]:
            raise StoreError(
                f"The address {scheme}://… has a user or a password in it; give them by the "
                "environment, since addresses go into the results."
            )
        return text.rstrip("/")
    return _named(os.path.abspath(text))


def is_remote(address: str) -> bool:
    """Return whether a file or folder is not among those of this machine."""
    return "://" in address and not address.startswith(_LOCAL)


def path_of(address: str) -> str:
    """Return the path of a file of this machine."""
    if address.startswith(_LOCAL):
        return os.fsdecode(unquote_to_bytes(address.removeprefix(_LOCAL)))
    return address


def folder_of(address: str) -> str:
    """Return the address of the folder that a file is in."""
    return address.rpartition("/")[0] or "/"


def _named(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        return _LOCAL + quote_from_bytes(os.fsencode(path))
    return path


def look_at(address: str) -> Entry | None:
    """Return what there is at an address, or None.

    Raises:
        OSError: It cannot be found out.
        StoreError: The store cannot be used.
    """
    if is_remote(address):
        filesystem, path = opened(address)
        with named_errors(address):
            info = filesystem.get_file_info(path)
        return None if info.type == fs.FileType.NotFound else _entry(address, info)
    try:
        stat = os.stat(path_of(address))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Entry(address, os.path.isdir(path_of(address)), stat.st_size, stat.st_mtime_ns // 1000)


def listed(address: str) -> Iterator[Entry]:
    """Yield what a folder has, in no order, without what is hidden or other systems' litter.

    Raises:
        OSError: The folder cannot be searched.
        StoreError: The store cannot be used.
    """
    if is_remote(address):
        filesystem, path = opened(address)
        with named_errors(address):
            for info in filesystem.get_file_info(fs.FileSelector(path)):
                if info.path.rstrip("/") == path.rstrip("/"):
                    # What goes on with a slash: Arrow names it as the folder, in which it is again.
                    yield Entry(f"{address}//", True, reason=_NAMELESS, error="Nameless")
                elif not is_litter(info.base_name):
                    yield _entry(f"{address}/{info.base_name}", info)
        return
    with os.scandir(path_of(address)) as entries:
        for entry in entries:
            if is_litter(entry.name):
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            name = _named(entry.path)
            if is_folder:
                yield Entry(name, True)
            elif entry.is_file():
                stat = entry.stat()
                yield Entry(name, False, stat.st_size, stat.st_mtime_ns // 1000)


def _entry(address: str, info: fs.FileInfo) -> Entry:
    modified_us = 0 if info.mtime is None else info.mtime_ns // 1000
    return Entry(address, info.type == fs.FileType.Directory, info.size or 0, modified_us)


def opened(address: str) -> tuple[fs.FileSystem, str]:
    """Return the file system that an address is on, and its path there.

    Raises:
        StoreError: Nothing here opens such addresses, or the store refuses to be opened.
    """
    if not is_remote(address):
        return fs.LocalFileSystem(), path_of(address)
    scheme, _, rest = address.partition("://")
    filesystem, path_in = _store(scheme, rest.partition("/")[0])
    return filesystem, path_in(address)


@cache
def _store(scheme: str, place: str) -> tuple[fs.FileSystem, Callable[[str], str]]:
    """Return a store, and what makes a path there of an address."""
    root = f"{scheme}://{place}"
    with named_errors(root):
        try:
            filesystem, base = fs.FileSystem.from_uri(root)
            if filesystem.type_name == "s3":
                filesystem = _s3(filesystem.region)
            return filesystem, lambda address: base.rstrip("/") + address.removeprefix(root)
        except ArrowException:  # none of Arrow's own
            import fsspec

            other: Any = fsspec.filesystem(scheme)
            return fs.PyFileSystem(fs.FSSpecHandler(other)), other._strip_protocol


def _s3(region: str) -> fs.FileSystem:
    """Return S3, or what the environment names in its place, of a region."""
    endpoints = (os.environ.get(name) for name in _S3_ENDPOINTS)
    return fs.S3FileSystem(
        region=region,
        endpoint_override=next(filter(None, endpoints), None),
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_S3_ATTEMPTS),
        # Files are sent when they are whole, so a small one may go with the request that opens it,
        # rather than with three of them; and no half of it is left where a process dies.
        allow_delayed_open=True,
    )


@contextmanager
def named_errors(what: str, kind: type[Exception] = Exception) -> Iterator[None]:
    """Turn what a store raises into a sentence, unless it is an error of the system.

    Args:
        what: What is used of the store; begins the sentence.
        kind: Whatever fsspec's many stores raise; or OSError, where others raise, too.

    Raises:
        StoreError: The store cannot be used.
        StoreUnreachable: Nobody answers there.
    """
    try:
        yield
    except kind as error:
        if isinstance(error, FerError) or _is_of_the_system(error):
            raise
        raise _told(what, error) from error


def _told(what: str, error: Exception) -> StoreError:
    """Return what a store raised as a sentence about ``what``."""
    kind: type[StoreError] = StoreError
    reason = str(error)
    if found := _S3_ERROR.search(reason):
        code, said = found[1], found[2].rpartition("; Details: ")[2]
        reason = _S3_REASONS.get(code, f"{code}: {said}")
        if code == "NETWORK_CONNECTION":
            kind, reason = StoreUnreachable, f"the store cannot be reached ({said})"
    return kind(f"{what} cannot be used: {' '.join(reason.split()).rstrip('.')}.")


def _is_of_the_system(error: Exception) -> bool:
    # Those of S3 have neither a number nor a class that says as much.
    return isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError)
