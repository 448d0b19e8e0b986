"""What can go wrong, by name; each message is one sentence that a user understands."""

from __future__ import annotations


class FerError(Exception):
    """Base of every error that ``fer_core`` raises on purpose."""


class UnreadableImage(FerError):
    """A file is no picture, is damaged, or is too large to open."""


class MissingExtra(FerError, ImportError):
    """An optional part of the package is used without the packages that it needs."""


class ModelError(FerError):
    """A model's files are missing or damaged, or its labels do not match."""


class DetectorUnavailable(FerError):
    """A detector's file is missing or damaged."""


class DownloadFailed(FerError):
    """A file could not be fetched, or is not the expected one."""


class UnreadableVideo(FerError):
    """A file is no video, or is too damaged to read a single frame."""


class NoVideoStream(UnreadableVideo):
    """A file holds sound or other data, but no moving pictures."""


class UnwritableVideo(FerError):
    """A video could not be written, such as on a full disk."""


class OverBudget(FerError):
    """Decoding would take more memory than this machine can give."""


class StoreError(FerError):
    """A place that files come from or results go to cannot be used."""


class StoreUnreachable(StoreError):
    """Nobody answers where a store should be."""


class OtherDataset(FerError):
    """A folder has a data set that was made in another way, or is being written by others."""


class NoDataset(FerError):
    """A place has no data set of readings, or one that this release cannot read."""


class ClusterError(FerError):
    """A Ray cluster cannot be joined or started, or was lost."""


class ReaderLost(FerError):
    """The process that reads files cannot begin."""


class SetAside(FerError):
    """A file ended the process that read it, as often as it was tried.

    Attributes:
        tries: How often that was.
        said: What the process said last.
    """

    def __init__(self, sentence: str, tries: int = 0, said: str = "") -> None:
        super().__init__(sentence)
        self.tries, self.said = tries, said
