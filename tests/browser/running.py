"""Starts the app for browser tests, with what a test wants changed in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from benchmarks.startup import free_port

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class RunningApp:
    """The app, its address, and where its output goes."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def threads(self) -> int:
        """How many threads the app has."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def resident_mb(self) -> float:
        """How much memory it holds, in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1000


@contextmanager
def running_app(
    folder: Path,
    environment: Mapping[str, str],
    before: str = "",
    *,
    root: Path = ROOT,
    wrapper: Sequence[str] = (),
) -> Iterator[RunningApp]:
    """Run the app until the context ends.

    Args:
        folder: Where its temporary files go; its output goes to a file beside it.
        environment: What to add to the environment.
        before: Python that runs before the app, for tests of what goes wrong inside.
        root: Where the app's files are.
        wrapper: What starts the program that follows it, such as as another user.
    """
    port = free_port()
    log = folder.with_suffix(".log")
    script = f"import sys\nfrom streamlit.web import cli\n{before}\nsys.exit(cli.main())"
    options = [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-c", script, "run", "app.py", *options],
            cwd=root,
            env={**os.environ, "TMPDIR": str(folder), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/_stcore/health", process)
            yield RunningApp(address, process, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def until_idle(page: Page) -> None:
    """Wait until the server has drawn the page."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def until_true(
    where: Page | Locator, condition: str, *, first: str = "", seconds: float = 30
) -> None:
    """Do something in a tab, wait until a condition holds there, and fail if it never does.

    In both scripts an element that is given is called ``it``.

    Playwright's own wait_for_function makes code of text in the page, which the app's policy
    forbids to whatever is in it.
    """
    script = f"""async (it) => {{
        {first};
        const end = performance.now() + {1000 * seconds};
        while (!({condition}) && performance.now() < end)
            await new Promise((go) => setTimeout(go, 20));
        return Boolean({condition});
    }}"""
    assert where.evaluate(script), condition


def _wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended before it answered"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"no answer from {address} within {seconds} s")
