from __future__ import annotations

import logging
import urllib.request
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, exposition
from streamlit.testing.v1 import AppTest

from fer_core.budget import shared_budget
from fer_core.errors import UnreadableVideo
from tests.ui.conftest import SAMPLE, until
from ui.common import monitor
from ui.common.jobs import get_queue
from ui.common.monitor import FIGURES, ErrorCounter, serve_figures


def figure(name: str, **labels: str) -> float:
    return FIGURES.get_sample_value(name, labels) or 0.0


def growth(of: Callable[[], float], do: Callable[[], object]) -> float:
    before = of()
    do()
    return of() - before


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str, CollectorRegistry]]:
    """Where figures would be served."""
    calls: list[tuple[int, str, CollectorRegistry]] = []
    monkeypatch.setattr(
        monitor,
        "start_http_server",
        lambda port, address, registry: calls.append((port, address, registry)),
    )
    monkeypatch.delenv(monitor.PORT_VARIABLE, raising=False)
    monkeypatch.delenv(monitor.ADDRESS_VARIABLE, raising=False)
    return calls


def test_nothing_is_served_unless_it_is_asked_for(asked, monkeypatch) -> None:
    assert not serve_figures() and not asked
    monkeypatch.setenv(monitor.PORT_VARIABLE, "9100")
    assert serve_figures() and asked.pop() == (9100, "127.0.0.1", FIGURES)
    monkeypatch.setenv(monitor.ADDRESS_VARIABLE, "0.0.0.0")
    assert serve_figures() and asked.pop()[1] == "0.0.0.0"


def test_a_port_that_cannot_be_had_is_in_the_log_and_the_app_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for port in ("many", "70000"):
        monkeypatch.setenv(monitor.PORT_VARIABLE, port)
        assert not serve_figures()
    assert caplog.text.count("cannot be served") == 2


def test_prometheus_reads_all_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(
        monitor,
        "start_http_server",
        lambda *args, **more: started.append(exposition.start_http_server(*args, **more)),
    )
    monkeypatch.setenv(monitor.PORT_VARIABLE, "0")
    assert serve_figures()
    server, thread = started[0]
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{server.server_port}/metrics", timeout=10
        ) as answer:
            text = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    for name in (
        "fer_open_pages ",
        'fer_jobs{state="waiting"} ',
        'fer_jobs{state="running"} ',
        'fer_readings_total{kind="photo"} ',
        'fer_readings_total{kind="video"} ',
        'fer_readings_total{kind="live"} ',
        "fer_live_cameras ",
        "fer_reserved_memory_bytes ",
        "fer_held_photos_bytes ",
        "process_resident_memory_bytes ",
        'fer_limit{limit="reserved_memory_bytes"} ',
    ):
        assert f"\n{name}" in text, name


def test_photos_pages_and_what_cannot_be_read_count(
    upload: Callable[..., AppTest],
) -> None:
    def read() -> float:
        return figure("fer_readings_total", kind="photo")

    def unread() -> float:
        return figure("fer_errors_total", kind="UnreadableImage")

    name = "a-name-that-is-nobody's-business.jpg"
    files = [(name, SAMPLE.read_bytes()), ("no.jpg", b"no picture")]
    assert growth(unread, lambda: growth_is_one(read, lambda: upload(*files))) == 1
    assert figure("fer_open_pages") >= 1
    assert figure("fer_held_photos_bytes") >= len(SAMPLE.read_bytes())
    assert name not in exposition.generate_latest(FIGURES).decode()


def growth_is_one(of: Callable[[], float], do: Callable[[], object]) -> None:
    assert growth(of, do) == 1


def test_work_and_its_errors_count() -> None:
    def work(job: object) -> None:
        seen.append(figure("fer_jobs", state="running"))
        raise UnreadableVideo("It is none.")

    seen: list[float] = []
    job = []

    def run() -> None:
        job.append(get_queue().submit("anna", work))
        until(lambda: job[0].over)

    assert growth(lambda: figure("fer_errors_total", kind="UnreadableVideo"), run) == 1
    assert seen[0] >= 1


def test_faults_in_the_log_count_by_name() -> None:
    log = logging.getLogger("tests.monitor")
    log.addHandler(counter := ErrorCounter())

    def fail() -> None:
        try:
            raise ZeroDivisionError("secret.jpg")
        except ZeroDivisionError:
            log.exception("It failed")
        log.warning("no error")

    assert growth(lambda: figure("fer_errors_total", kind="ZeroDivisionError"), fail) == 1
    log.removeHandler(counter)


def test_reserved_memory_is_told() -> None:
    before = figure("fer_reserved_memory_bytes")
    with shared_budget().reserve(1_000):
        assert figure("fer_reserved_memory_bytes") == before + 1_000
    assert figure("fer_reserved_memory_bytes") == before
