"""Several processes of the app that share this machine, and how visitors come to them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.proxy import caddy, proxied
from benchmarks.server import Server, Usage, Watched, running_server


@dataclass(frozen=True, slots=True)
class Replicas(Watched):
    """Running apps that are watched together.

    Attributes:
        servers: Each of them.
        proxy: The address that leads to all of them, and keeps each visitor at one; "" where
            visitors are sent to them in turn.
    """

    servers: tuple[Server, ...]
    proxy: str

    def address_for(self, visitor: int) -> str:
        """Return where a visitor of a number goes."""
        return self.proxy or self.servers[visitor % len(self.servers)].address

    def usage(self) -> Usage:
        """Return what they hold together at the moment; errors as of ``Server.usage``."""
        first, *others = (server.usage() for server in self.servers)
        for other in others:
            first = first.with_more(other)
        return first

    def cpu_s(self) -> float:
        """Return the processor time that they have taken, in seconds."""
        return sum(server.cpu_s() for server in self.servers)

    def traces(self) -> list[str]:
        """Return the last line of each trace in their logs."""
        return [line for server in self.servers for line in server.traces()]


@contextmanager
def running_replicas(count: int) -> Iterator[Replicas]:
    """Start the app so many times, from two on behind Caddy where it is installed.

    Raises:
        RuntimeError: Something does not start.
    """
    with ExitStack() as stack:
        shared = {"FER_PROCESSES": str(count)}
        servers = tuple(stack.enter_context(running_server(shared)) for _ in range(count))
        proxy = ""
        if count > 1 and caddy() is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "proxy"
            addresses = [server.address for server in servers]
            proxy = stack.enter_context(proxied(addresses, folder)).address
        yield Replicas(servers, proxy)
