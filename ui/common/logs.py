"""The server's log: for people, or one JSON object a line, which holds no names.

In the second form a line has what this file lists and nothing else. Of a message it has the words
that the code was written with, and numbers: what else is filled in could be a file's name. Of an
error it has the name and the places in the code, and not the sentence.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType

from streamlit import logger as streamlit_logger

from ui.common.monitor import ErrorCounter

logger = logging.getLogger(__name__)

LOG_VARIABLE = "FER_LOG"
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_HIDDEN = "…"
# Whose messages are constants, as a test makes sure; those of others may be put together before
# they are logged.
_OWN = ("app", "fer_core", "pages", "ui")
_SERVER = ("uvicorn", "uvicorn.error", "websockets")
# What a call of a logger may add with `extra`: names that the code has, not visitors.
_FIELDS = ("setting",)


def begin_logs() -> None:
    """Set up the log of this process, as ``FER_LOG`` says: "json", or else for people."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_TEXT))
    if os.environ.get(LOG_VARIABLE, "").strip().lower() == "json":
        handler.setFormatter(JsonFormatter())
        # Streamlit gives each of its loggers a way of its own to the console.
        streamlit_logger.setup_formatter = _hand_on
        streamlit_logger.update_formatter()
        # So does uvicorn. It keeps no log of requests, whose addresses open photos and videos.
        for name in _SERVER:
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
        logging.captureWarnings(True)
        sys.excepthook = _log_end
        threading.excepthook = lambda end: _log_end(end.exc_type, end.exc_value, end.exc_traceback)
    counter = ErrorCounter()
    for log in (logging.getLogger(), logging.getLogger("streamlit.error_util")):
        if log.parent is None or not log.propagate:
            log.addHandler(counter)
    logging.getLogger().addHandler(handler)


class JsonFormatter(logging.Formatter):
    """Formats records as JSON, with known fields only."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            "where": f"{PurePath(record.pathname).name}:{record.lineno}",
        }
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["trace"] = [
                f"{PurePath(place.filename).name}:{place.lineno} {place.name}"
                for place in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(line, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    """Return the words of a message, with numbers and without any other values."""
    template = record.msg if isinstance(record.msg, str) else _HIDDEN
    own = record.name.partition(".")[0] in _OWN
    if not record.args:
        return template if own else _HIDDEN
    values = record.args if isinstance(record.args, tuple) else ()
    try:
        return template % tuple(
            value if isinstance(value, int | float) else _HIDDEN for value in values
        )
    except (TypeError, ValueError):
        return template


def _hand_on(log: logging.Logger) -> None:
    """Have one of Streamlit's loggers leave its records to the root's handlers."""
    own = getattr(log, "streamlit_console_handler", None)
    if own is not None:
        log.removeHandler(own)
    log.propagate = log.name.partition(".")[0] == "streamlit" or log.name in _SERVER


def _log_end(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Log what ends a thread or the process; Python would write it with its sentence."""
    if issubclass(kind, Exception):
        logger.error("A thread has ended", exc_info=(kind, error or kind(), trace))
