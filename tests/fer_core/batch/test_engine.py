"""Joining and starting Ray: what goes wrong is a sentence. Whole runs are in ``test_run.py``."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fer_core.batch import engine
from fer_core.errors import ClusterError


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """In place of Ray: what it was asked for, and what it raises for each address."""
    asked: list[Any] = [{}]

    def init(address: str, **options: Any) -> None:
        asked.append((address, options))
        if asked[0].get(address):
            raise asked[0][address]
        signal.signal(signal.SIGTERM, lambda *_: None)

    module = SimpleNamespace(
        is_initialized=lambda: False,
        init=init,
        shutdown=lambda: asked.append("shutdown"),
        cluster_resources=lambda: {"CPU": 3.0},
    )
    services = SimpleNamespace(find_bootstrap_address=lambda _: "latest:1")
    monkeypatch.setitem(engine.sys.modules, "ray", module)
    monkeypatch.setitem(engine.sys.modules, "ray._private.services", services)
    monkeypatch.setitem(engine.sys.modules, "ray._private.worker", SimpleNamespace())
    monkeypatch.setattr(engine, "_answers", lambda address: address in asked[0])
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return asked


def test_a_local_one_is_started_where_none_runs_and_leaves_nothing(ray: list[Any]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with engine.cluster("auto", 2) as cores:
        address, options = ray[-1]
        assert cores == 3 and address == "local"
        assert options["num_cpus"] == 2 and options["include_dashboard"] is False
        assert Path(options["_temp_dir"]).is_dir()
        assert signal.getsignal(signal.SIGTERM) == before
        assert engine.os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert ray[-1] == "shutdown" and not Path(options["_temp_dir"]).exists()


def test_a_local_one_has_the_cores_of_its_container(
    ray: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "core_limit", lambda: 5)
    with engine.cluster("local"):
        assert ray[-1][1]["num_cpus"] == 5


def test_a_running_one_is_joined(ray: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ray[0] |= dict.fromkeys(("10.0.0.1:6379", "latest:1", "named:1"))
    for asked, joined in (("10.0.0.1:6379", "10.0.0.1:6379"), ("auto", "latest:1")):
        with engine.cluster(asked):
            address, options = ray[-1]
            assert address == joined and "num_cpus" not in options
    monkeypatch.setenv("RAY_ADDRESS", "named:1")
    with engine.cluster("auto"):
        assert ray[-1][0] == "named:1"


def test_nobody_waits_for_a_cluster_that_does_not_answer(closed_port: int) -> None:
    address = f"127.0.0.1:{closed_port}"
    with (
        pytest.raises(ClusterError, match=f"no Ray cluster at {address}: nobody answers there"),
        engine.cluster(address),
    ):
        pass
    assert not engine._answers("no address")


@pytest.mark.parametrize(
    ("address", "error", "said"),
    [
        ("a:1", ConnectionError("Nobody  there.\nPages."), "no Ray cluster at a:1: Nobody there."),
        ("a:2", RuntimeError("Another release. Or"), "no Ray cluster at a:2: Another release."),
        ("local", Exception("The node timed out."), "Ray cannot be started: The node timed out."),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    ray: list[Any], address: str, error: Exception, said: str
) -> None:
    ray[0][address] = error
    with pytest.raises(ClusterError) as raised, engine.cluster(address):
        pass
    assert str(raised.value).endswith(said)
    assert ray[-1] == "shutdown"
