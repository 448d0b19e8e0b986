from __future__ import annotations

import ast
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from io import StringIO

import pytest
from streamlit import logger as streamlit_logger

from tests.conftest import ROOT
from ui.common import logs
from ui.common.logs import LOG_VARIABLE, begin_logs

NAME = "Anna at the beach.jpg"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """The log in JSON; afterwards everything is as it was."""
    stream = StringIO()
    root, former = logging.getLogger(), logging.getLogger("streamlit.error_util").handlers[:]
    before = root.handlers[:]
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(streamlit_logger, "setup_formatter", streamlit_logger.setup_formatter)
    monkeypatch.setenv(LOG_VARIABLE, "json")
    begin_logs()
    yield stream
    logging.captureWarnings(False)
    monkeypatch.undo()
    streamlit_logger.update_formatter()
    for log in streamlit_logger._loggers.values():
        log.propagate = False
    for name in logs._SERVER:
        logging.getLogger(name).propagate = True
    root.handlers[:] = before
    logging.getLogger("streamlit.error_util").handlers[:] = former


def lines(stream: StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_known_fields_and_no_name(written: StringIO) -> None:
    log = logging.getLogger("ui.anything")
    log.warning("%s could not be read after %d of %.1f s", NAME, 3, 4.26, extra={"file": NAME})
    log.warning("It is no number.", extra={"setting": "FER_LIVE_LIMIT"})
    first, second = lines(written)
    assert set(first) == {"time", "level", "logger", "message", "where"}
    assert (first["level"], first["logger"]) == ("WARNING", "ui.anything")
    assert first["message"] == "… could not be read after 3 of 4.3 s"
    assert first["where"].startswith("test_logs.py:") and first["time"].endswith("+00:00")
    assert second["setting"] == "FER_LIVE_LIMIT"


def test_an_error_has_its_name_and_its_places(written: StringIO) -> None:
    try:
        raise ValueError(f"{NAME} is broken")
    except ValueError:
        logging.getLogger("fer_core.video").exception("Reading a video failed")
    (line,) = lines(written)
    assert line["error"] == "ValueError" and line["message"] == "Reading a video failed"
    assert line["trace"][-1].endswith("test_an_error_has_its_name_and_its_places")


def test_others_have_no_say(written: StringIO) -> None:
    logging.getLogger("somebody").error(f"{NAME} is odd")
    logging.getLogger("somebody").error("%s of %d", NAME, 7)
    streamlit_logger.get_logger("streamlit.error_util").error(
        "Uncaught app execution", exc_info=ValueError(NAME)
    )
    warnings.warn(NAME, stacklevel=1)
    threading.excepthook(
        threading.ExceptHookArgs((KeyError, KeyError(NAME), None, threading.current_thread()))
    )
    found = lines(written)
    assert [line["message"] for line in found] == [
        "…",
        "… of 7",
        "…",
        "…",
        "A thread has ended",
    ]
    assert found[2]["error"] == "ValueError" and found[4]["error"] == "KeyError"
    assert "Anna" not in written.getvalue()


def test_requests_are_not_logged(written: StringIO) -> None:
    streamlit_logger.get_logger("uvicorn.access").warning(
        '%s - "%s %s"', "127.0.0.1", "GET", "/?photos=token"
    )
    logging.getLogger("uvicorn.error").warning("Started server process [%d]", 42)
    assert [line["message"] for line in lines(written)] == ["Started server process [42]"]


def test_our_own_messages_are_constants() -> None:
    """What a message is filled with can be left out; what it is put together of cannot."""
    folders = (ROOT / name for name in logs._OWN if (ROOT / name).is_dir())
    for path in [ROOT / "app.py", *(path for folder in folders for path in folder.rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "logger"
            ):
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"
