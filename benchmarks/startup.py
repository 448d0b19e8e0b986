"""How long the app takes from process start to a page, and what it holds in memory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.page_session import PageSession, page_session

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
        with page_session(f"http://localhost:{port}") as session:
            _open_page(session, "")
            _seconds("first page rendered", time.monotonic() - started)
            for page in sorted((ROOT / "pages").glob("*.py")):
                opened = time.monotonic()
                # A page's address is its file's name behind the number that orders it.
                _open_page(session, page.stem.partition("_")[2])
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


def free_port() -> int:
    """Return a port of this computer at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    script: Path = ROOT / "app.py",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """Yield an app's process, its port and when it was started; end it afterwards.

    Args:
        script: The app.
        folder: Takes its temporary files; its output goes to a file beside it that ends in ".log".
            By default the system's folder does, and the output goes nowhere.
        environment: What to add to the environment.
    """
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address=localhost"]
    options = [f"--server.port={port}", "--server.headless=true"]
    own = {} if folder is None else {"TMPDIR": str(folder)}
    log = Path(os.devnull) if folder is None else folder.with_suffix(".log")
    with log.open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            env={**os.environ, **own, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
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
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"No answer from {url}.")


def _open_page(session: PageSession, page_name: str) -> None:
    if session.open(page_name).faults:
        raise RuntimeError(f"The page '{page_name or 'home'}' failed.")


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
