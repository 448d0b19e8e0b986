"""Caddy in front of several processes of the app, with the file that deploy/ has for it."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.startup import ROOT, free_port

COOKIE = "fer_replica"
# For a name such as this one Caddy is its own authority, and asks no other. Only who is told to
# take it for this computer finds it.
NAME = "emotions.local"
RESOLVED = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
_PATIENCE_S = 30.0


def caddy() -> str | None:
    """Return where Caddy is, or None where it is not installed."""
    return shutil.which("caddy")


class Proxy:
    """A proxy that can be started again at the same address.

    Attributes:
        address: Where it answers, such as "http://localhost:8080".
        insecure_address: The one without HTTPS, which leads to it.
    """

    def __init__(self, addresses: Sequence[str], folder: Path, *, https: bool = False) -> None:
        """Begin stopped.

        Args:
            addresses: What it leads to.
            folder: Takes what it writes; its output goes to a file beside it.
            https: Whether it answers as on a server, with HTTPS and under ``NAME``, rather than
                with plain HTTP and as localhost.

        Raises:
            RuntimeError: Caddy is not installed.
        """
        program = caddy()
        if program is None:
            raise RuntimeError("Caddy is not installed.")
        insecure_port = free_port()
        self.insecure_address = f"http://{NAME if https else 'localhost'}:{insecure_port}"
        self.address = f"https://{NAME}:{free_port()}" if https else self.insecure_address
        folder.mkdir(exist_ok=True)
        file = ROOT / "deploy" / "Caddyfile"
        self._command = [program, "run", "--config", str(file), "--adapter", "caddyfile"]
        self._environment = {
            **os.environ,
            "FER_HOST": self.address,
            "FER_HTTP_PORT": str(insecure_port),
            "FER_REPLICAS": " ".join(urlsplit(address).netloc for address in addresses),
            "FER_STICKY_SECRET": "no-secret",
            "XDG_CONFIG_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
        }
        self._authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
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
                if self.ask("/_stcore/health").status == 200:
                    return
            except (OSError, HTTPException):
                pass
            time.sleep(0.05)
        raise RuntimeError(f"Caddy leads nowhere; see {self._log}.")

    def ask(self, path: str = "/", *, insecurely: bool = False) -> HTTPResponse:
        """Return the answer to a new visitor, who takes a certificate of its authority alone.

        Args:
            path: What is asked for.
            insecurely: Whether to ask at the address without HTTPS.

        Raises:
            OSError: It does not answer, or its certificate is wrong.
            http.client.HTTPException: What it answers is no HTTP.
        """
        parts = urlsplit(self.insecure_address if insecurely else self.address)
        assert parts.hostname is not None
        connection = HTTPConnection(parts.hostname, parts.port, timeout=10)
        # No name server knows the name.
        connection.sock = socket.create_connection(("localhost", parts.port), timeout=10)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._authority)
            connection.sock = context.wrap_socket(connection.sock, server_hostname=parts.hostname)
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse()

    def stop(self) -> None:
        """End it at once, with the connections through it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=_PATIENCE_S)


@contextmanager
def proxied(addresses: Sequence[str], folder: Path, *, https: bool = False) -> Iterator[Proxy]:
    """Run Caddy in front of apps until the context ends; arguments and errors as of ``Proxy``."""
    proxy = Proxy(addresses, folder, https=https)
    try:
        proxy.start()
        yield proxy
    finally:
        proxy.stop()
