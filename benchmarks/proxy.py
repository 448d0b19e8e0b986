"""Caddy in front of several processes of the app, with the file that deploy/ has for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.startup import ROOT, free_port

COOKIE = "fer_replica"
_PATIENCE_S = 30.0


def caddy() -> str | None:
    """Return where Caddy is, or None where it is not installed."""
    return shutil.which("caddy")


class Proxy:
    """A proxy that can be started again at the same address.

    Attributes:
        address: Where it answers, such as "http://localhost:8080".
    """

    def __init__(self, addresses: Sequence[str], folder: Path) -> None:
        """Begin stopped.

        Args:
            addresses: What it leads to.
            folder: Takes what it writes; its output goes to a file beside it.

        Raises:
            RuntimeError: Caddy is not installed.
        """
        program = caddy()
        if program is None:
            raise RuntimeError("Caddy is not installed.")
        self.address = f"http://localhost:{free_port()}"
        folder.mkdir(exist_ok=True)
        file = ROOT / "deploy" / "Caddyfile"
        self._command = [program, "run", "--config", str(file), "--adapter", "caddyfile"]
        self._environment = {
            **os.environ,
            "FER_HOST": self.address,
            "FER_REPLICAS": " ".join(urlsplit(address).netloc for address in addresses),
            "FER_STICKY_SECRET": "no-secret",
            "XDG_CONFIG_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
        }
        self._log = folder.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it leads somewhere.

        Raises:
            RuntimeError: It does not.
        """
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=output, stderr=output
            )
        give_up = time.monotonic() + _PATIENCE_S
        while self._process.poll() is None and time.monotonic() < give_up:
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"Caddy leads nowhere; see {self._log}.")

    def stop(self) -> None:
        """End it at once, with the connections through it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=_PATIENCE_S)


@contextmanager
def proxied(addresses: Sequence[str], folder: Path) -> Iterator[Proxy]:
    """Run Caddy in front of apps until the context ends; arguments and errors as of ``Proxy``."""
    proxy = Proxy(addresses, folder)
    try:
        proxy.start()
        yield proxy
    finally:
        proxy.stop()
