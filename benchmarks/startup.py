"""How long the app takes from process start to a page, and what it holds in memory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = Path("/usr/bin/chromium")
FIRST_PAGE_GOAL_S = 3.0
_PATIENCE_S = 120.0


def report_startup() -> None:
    """Start the app, open every page, and print times, memory and whether TensorFlow came.

    Raises:
        RuntimeError: The app does not start, or a page fails.
    """
    print(
        f"\nApp: seconds from process start, goal at most {FIRST_PAGE_GOAL_S:g} to the first page"
    )
    with served() as (process, port, started):
        wait_for(f"http://localhost:{port}/_stcore/health", process)
        _seconds("server healthy", time.monotonic() - started)
        wait_for(f"http://localhost:{port}/", process)
        _seconds("page's HTML served", time.monotonic() - started)
        address = f"ws://localhost:{port}/_stcore/stream"
        with connect(address, subprotocols=["streamlit"], max_size=None) as session:
            _run_page(session, "")
            _seconds("first page rendered", time.monotonic() - started)
            for page in sorted((ROOT / "pages").glob("*.py")):
                opened = time.monotonic()
                # A page's address is its file's name behind the number that orders it.
                _run_page(session, page.stem.partition("_")[2])
                _seconds(f"then {page.name} rendered", time.monotonic() - opened)
        _print_process(process.pid)
    if CHROMIUM.exists():
        _report_browser()


def _report_browser() -> None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page()
        with served() as (process, port, started):
            wait_for(f"http://localhost:{port}/_stcore/health", process)
            page.goto(f"http://localhost:{port}")
            page.get_by_role("heading", level=1).wait_for(timeout=1000 * _PATIENCE_S)
            _seconds("title seen in Chromium", time.monotonic() - started)
        browser.close()


@contextmanager
def served(script: Path = ROOT / "app.py") -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """Yield an app's process, its port and when it was started; end it afterwards."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address=localhost"]
    options = [f"--server.port={port}", "--server.headless=true"]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env=os.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, port, started
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until an app answers.

    Raises:
        RuntimeError: It has ended, or does not answer for a long time.
    """
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"The app ended with status {process.returncode}.")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                answer.read()
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    raise RuntimeError(f"No answer from {url}.")


def _run_page(session: ClientConnection, page_name: str) -> None:
    """Have the server run a page, as a browser does that opens it, and wait for its end."""
    request = BackMsg()
    request.rerun_script.page_name = page_name
    request.rerun_script.query_string = ""
    session.send(request.SerializeToString())
    while True:
        message = ForwardMsg()
        answer = session.recv(timeout=_PATIENCE_S)
        message.ParseFromString(answer if isinstance(answer, bytes) else answer.encode())
        kind = message.WhichOneof("type")
        if kind == "page_not_found":
            raise RuntimeError(f"There is no page '{page_name}'.")
        if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
            raise RuntimeError(f"The page '{page_name or 'home'}' failed.")
        if kind == "script_finished":
            return


def _print_process(pid: int) -> None:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        print("  memory: not measured, for want of /proc")
        return
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    mapped = Path(f"/proc/{pid}/maps").read_text()
    imported = "/tensorflow/" in mapped or "libtensorflow" in mapped
    print(f"  {'peak memory, all pages open':<34}{int(peak.split()[1]) / 1024:8.0f} MiB")
    print(f"  {'TensorFlow imported':<34}{'yes (goal: no)' if imported else 'no':>8}")


def _seconds(name: str, seconds: float) -> None:
    print(f"  {name:<34}{seconds:8.2f} s")
