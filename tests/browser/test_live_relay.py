"""Connections through a relay for real: coturn on loopback, with the file of deploy/."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.proxy import Proxy, proxied
from tests.browser.live_page import LivePage, number_in
from tests.browser.running import RunningApp, free_port, running_app
from tests.browser.test_live import WATCHED, fault, launch_with_face, until
from tests.composed import turn_options

SECRET = "a-secret-of-this-test"


@pytest.fixture(scope="module")
def turnserver() -> str:
    found = shutil.which("turnserver")
    if found is None:
        pytest.skip("needs coturn; on Debian: apt-get install coturn")
    return found


@contextmanager
def coturn(
    program: str, port: int, folder: Path, secret: str = SECRET
) -> Iterator[subprocess.Popen[bytes]]:
    """Run coturn on loopback until the context ends, or the test kills it."""
    # The file that is shipped, as on a machine behind NAT whose private address is 127.0.0.1. But
    # app and browser are on its own networks here, so nothing is denied.
    variables = {
        "FER_HOST": "test",
        "FER_TURN_SECRET": secret,
        "FER_TURN_EXTERNAL_IP": "127.0.0.2/127.0.0.1",
    }
    own = {
        "listening-port": str(port),
        "pidfile": f"{folder / 'turn.pid'}",
        "log-file": f"{folder / 'turn.log'}",
    }
    lines = [
        f"{name}={own.pop(name, value)}" if value else name
        for name, _, value in (line.partition("=") for line in turn_options(variables))
        if name != "denied-peer-ip"
    ]
    assert not own
    lines += ["listening-ip=127.0.0.1", "relay-ip=127.0.0.1", "allow-loopback-peers"]
    lines += [f"userdb={folder / 'turn.db'}", "simple-log", "verbose"]
    file = folder / "turn.conf"
    file.write_text("\n".join([*lines, ""]))
    process = subprocess.Popen(
        [program, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def port() -> int:
    """Where the app expects a relay."""
    return free_port()


@pytest.fixture(scope="module")
def app(
    port: int, yunet_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApp]:
    """The app, to be reached through a relay alone."""
    environment = {
        "FER_YUNET": str(yunet_file),
        "FER_LIVE_LIMIT": "1",
        "FER_ICE_TURN": f"turn:127.0.0.1:{port}?transport=udp",
        "FER_ICE_TURN_SECRET": SECRET,
        "FER_ICE_POLICY": "relay",
        "FER_PUBLIC": "1",
    }
    with running_app(tmp_path_factory.mktemp("relayed"), environment) as running:
        yield running


@pytest.fixture(scope="module")
def browser(
    chromium: Browser, media: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    # The relay is on loopback, where a browser otherwise looks for nobody.
    loopback = "--allow-loopback-in-peer-connection"
    opened = launch_with_face(chromium, media, tmp_path_factory.mktemp("camera"), loopback)
    yield opened
    opened.close()


def visit(browser: Browser, app: RunningApp | Proxy) -> LivePage:
    # The proxy's authority is one that no browser knows.
    context = browser.new_context(base_url=app.address, ignore_https_errors=True)
    context.set_default_timeout(60_000)
    context.add_init_script(WATCHED)
    return LivePage(context.new_page()).open()


def state_of_peer(live: LivePage) -> str:
    state: str = live.page.evaluate("window.peer.connectionState")
    return state


def test_frames_arrive_through_the_relay_and_again_after_it_was_gone(
    browser: Browser, turnserver: str, caddy: str, app: RunningApp, port: int, tmp_path: Path
) -> None:
    # Under a name that is not this computer's, browsers have cameras over HTTPS alone.
    with proxied([app.address], tmp_path / "proxy", https=True) as proxy:
        live = visit(browser, proxy)
        frame = live.camera.locator("body")
        until(lambda: frame.evaluate("() => RTCPeerConnection.isCalm === true"), live)
        with coturn(turnserver, port, tmp_path) as relay:
            live.start()
            live.wait_for_frames(20)
            assert number_in(live.grab()) is not None
            log = (tmp_path / "turn.log").read_text()
            assert "ALLOCATE processed, success" in log and "CHANNEL_BIND" in log
            assert "external-ip private part: 127.0.0.1" in log
            # The browser's and the app's credentials are good for an hour.
            ends = {int(end) for end in re.findall(r"user <(\d+):[0-9a-f]+>", log)}
            assert ends and all(0 < end - time.time() <= 3600 for end in ends)
            # A gap in the network does not end the camera.
            relay.send_signal(signal.SIGSTOP)
            until(lambda: state_of_peer(live) == "disconnected", live)
            relay.send_signal(signal.SIGCONT)
            until(lambda: state_of_peer(live) == "connected", live)
            live.wait_for_frames(1)
            # Now it is gone for good, and says no goodbye. The browser would give up by itself, but
            # only after three times as long as a visitor who sees that nothing moves.
            relay.kill()
            relay.wait()
            live.stop()
        with coturn(turnserver, port, tmp_path):
            # The same page, without a reload.
            live.start()
            live.expect_reading()
            live.stop()
        live.page.context.close()


def test_a_relay_that_does_not_answer_is_said(browser: Browser, app: RunningApp) -> None:
    live = visit(browser, app)
    live.button("Start").click()
    expect(live.page.get_by_text("ICE failed")).to_be_visible()
    expect(live.page.get_by_text("does not answer, or refuses")).to_be_visible()
    expect(fault(live.page)).to_be_hidden()
    live.page.get_by_text("Check camera and connection").click()
    live.page.get_by_role("button", name="Run the check").click()
    expect(live.page.locator(".fer-check li.bad")).to_contain_text("The TURN server")
    live.page.context.close()


def test_a_wrong_secret_is_said(
    browser: Browser, turnserver: str, app: RunningApp, port: int, tmp_path: Path
) -> None:
    with coturn(turnserver, port, tmp_path, "another secret"):
        live = visit(browser, app)
        live.page.get_by_text("Check camera and connection").click()
        live.page.get_by_role("button", name="Run the check").click()
        expect(live.page.locator(".fer-check li.bad")).to_contain_text("refuses the credentials")
        live.page.context.close()
