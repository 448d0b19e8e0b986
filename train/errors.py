"""What can go wrong in training, by name; each message is one sentence that a user understands.

They stand apart from the modules that raise them, so that the command line can name them without
importing Keras.
"""

from __future__ import annotations


class TrainError(ValueError):
    """Base of every error that ``train`` raises on purpose."""


class ConfigError(TrainError):
    """A configuration file that cannot be used; the message says why."""


class DataError(TrainError):
    """A data set that cannot be read; the message says what is missing or wrong."""


class CheckpointError(TrainError):
    """A checkpoint that does not belong to the run; the message says why."""


class ExportError(TrainError):
    """A run that cannot be exported; the message says why."""


class CardError(TrainError):
    """Metrics or a document that the model card cannot be made from; the message says why."""


class TableError(TrainError):
    """A stored table that cannot be read; the message says why."""


class ArchiveError(TrainError):
    """An archive that is refused as a whole; the message says why."""


class DownloadError(TrainError):
    """A data set that could not be fetched; the message says what is missing."""
