"""What deploy/ promises, read from its files; tests/browser/test_replicas.py does the same live."""

from __future__ import annotations

import ipaddress
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.composed import COMPOSE, filled_in, turn_options
from tests.conftest import ROOT
from tests.packaging.test_requirements import requirements_of
from ui.archive.places import ARCHIVE_VARIABLE
from ui.common.allowance import PREFIX
from ui.common.monitor import ADDRESS_VARIABLE, PORT_VARIABLE

DEPLOY = ROOT / "deploy"
# In requirements.txt, before what the image lacks.
FOR_TRAINING = "# For training alone"
KUBERNETES = "1.34"
TURN = {"FER_HOST": "turn.example.org", "FER_TURN_SECRET": "secret", "FER_TURN_EXTERNAL_IP": ""}
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml*"))
APPS = [COMPOSE["services"][name] for name in ("app1", "app2")]
# What the code of the app asks the environment for.
KNOWN = {PORT_VARIABLE, ADDRESS_VARIABLE, "FER_ICE_TURN", "FER_ICE_TURN_SECRET", "FER_ICE_TTL_S"}
KNOWN |= {"FER_ICE_POLICY"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, in their order."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (name, " ".join(rest.split())) for name, rest in re.findall(r"^([A-Z]+) (.*)$", text, re.M)
    ]


def of(kind: str) -> list[str]:
    return [rest for name, rest in instructions() if name == kind]


def manifests() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text("utf-8"))]


def test_all_that_is_installed_is_pinned_by_checksums() -> None:
    text = (DEPLOY / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"http|index-url|find-links|file:|@ ", text)
    pinned: dict[str, list[Requirement]] = {}
    for entry in re.split(r"\n(?=\S)", text.strip()):
        line, *checksums = re.split(r"\s*\\\n\s+", entry)
        requirement = Requirement(line)
        assert str(requirement.specifier).startswith("=="), line
        assert checksums, line
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in checksums), line
        pinned.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    parts = re.split(rf"^{FOR_TRAINING}.*$", text, flags=re.MULTILINE)
    app, training = (requirements_of(part.splitlines()) for part in parts)
    for name, wanted in app.items():
        for found in pinned[name]:
            (version,) = (part.version for part in found.specifier)
            assert wanted.specifier.contains(version), f"make lock: {name}"
    assert {"keras", "tensorflow"} <= set(training) and not set(training) & set(pinned)
    assert FOR_TRAINING in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_image_is_pinned_checked_and_runs_as_nobody() -> None:
    assert of("ARG") == ["BASE"] and of("FROM") == [
        "${BASE} AS base",
        "base AS build",
        "base",
    ]
    runs = " ".join(of("RUN"))
    assert "--require-hashes" in runs and "-m fer_core download" in runs
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", of("USER")[-1])
    assert "/_stcore/health" in of("HEALTHCHECK")[0]
    (settings,) = of("ENV")
    assert "FER_PUBLIC=1" in settings and "FER_YUNET=/models/yunet.onnx" in settings
    # By a program and its arguments, so that it is told when to end.
    assert json.loads(of("ENTRYPOINT")[0])[:4] == ["python", "-m", "streamlit", "run"]


def test_the_image_has_what_the_app_needs_and_the_builder_gets_no_more() -> None:
    copied = {
        source
        for copy in of("COPY")
        if not copy.startswith("--from")
        for source in copy.split()[:-1]
    }
    needed = {".streamlit/config.toml", "app.py", "assets", "fer_core", "pages", "train", "ui"}
    assert copied == needed | {"deploy/requirements.lock", "packages.txt"}
    assert all((ROOT / source).exists() for source in copied)
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*" and {rule[1:] for rule in rules if rule[0] == "!"} == copied


def test_two_replicas_that_can_write_nothing_but_their_scratch() -> None:
    for app in APPS:
        assert app["user"] == of("USER")[-1]
        assert app["read_only"] is True and app["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in app["security_opt"]
        # Only the proxy can be reached.
        assert "ports" not in app and app["mem_limit"]
        # So neither counts the cores of the other.
        assert filled_in(app["cpus"], {"FER_CPUS": "1.5"}) == "1.5"
        assert re.fullmatch(r"\w+:/scratch", app["volumes"][0]) and len(app["volumes"]) == 1
    assert APPS[0]["volumes"] != APPS[1]["volumes"]
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
    proxied = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    assert "app1:8501 app2:8501" in proxied


def test_no_secret_and_no_image_has_a_default() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)", text))
    example = (DEPLOY / ".env.example").read_text(encoding="utf-8")
    given = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    assert used == given.keys()
    assert not re.search(r"\$\{\w+:?-", text)
    for name, value in given.items():
        # Each is asked for at least where it is used first, or may be empty.
        assert f"${{{name}:?" in text or (f"${{{name}:+" in text and not value), name
        if name.endswith("_SECRET"):
            assert not value
        if name.endswith("_IMAGE"):
            assert value.endswith("@sha256:")
    for one in manifests():
        if one["kind"] == "Secret":
            assert set(one["stringData"].values()) == {""} and "data" not in one
    # The folder as a whole can be applied, and takes no secret's place.
    applied = [path for path in MANIFESTS if path.suffix == ".yaml"]
    assert applied and not any("kind: Secret" in path.read_text("utf-8") for path in applied)


def test_the_relay_takes_credentials_of_limited_life_and_leads_to_no_private_network() -> None:
    lines = turn_options(TURN)
    assert {"use-auth-secret", "static-auth-secret=secret", "no-tcp-relay"} <= set(lines)
    denied = [line.partition("=")[2] for line in lines if line.startswith("denied-peer-ip=")]
    ranges = [tuple(map(ipaddress.ip_address, (one.split("-") * 2)[:2])) for one in denied]
    for network in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
    ):  # fmt: skip
        whole = ipaddress.ip_network(network)
        assert any(
            first.version == whole.version and first <= whole[0] and whole[-1] <= last
            for first, last in ranges
        ), network
    environment = APPS[0]["environment"]
    assert environment["FER_ICE_TURN_SECRET"].startswith("${FER_TURN_SECRET")
    assert int(environment["FER_ICE_TTL_S"]) <= 3600


def test_the_relay_tells_its_public_address_where_it_has_a_private_one() -> None:
    addresses = "203.0.113.7/10.0.0.4"
    behind_nat = turn_options(TURN | {"FER_TURN_EXTERNAL_IP": addresses})
    # An option without a value would be taken for an address.
    assert set(behind_nat) - set(turn_options(TURN)) == {f"external-ip={addresses}"}
    assert len(behind_nat) == len(turn_options(TURN)) + 1


def test_the_app_knows_what_it_is_told() -> None:
    (pod,) = (one["spec"]["template"]["spec"] for one in manifests() if one["kind"] == "Deployment")
    told = {setting["name"] for setting in pod["containers"][0]["env"]}
    told |= APPS[0]["environment"].keys()
    assert all(name in KNOWN or name.startswith(PREFIX) for name in told)


def with_archive(path: Path) -> list[Any]:
    """A file's documents with the lines for an archive, which are comments."""
    text = path.read_text(encoding="utf-8")
    line = rf"# (?=({ARCHIVE_VARIABLE}: |- /srv/|- {{name: ({ARCHIVE_VARIABLE}|archive),))"
    return list(yaml.safe_load_all(re.sub(line, "", text)))


def test_an_archive_can_be_shown_and_is_only_read() -> None:
    (compose,) = with_archive(DEPLOY / "compose.yaml")
    for name in ("app1", "app2"):
        app = compose["services"][name]
        _, volume = app["volumes"]
        _, folder, how = volume.split(":")
        assert app["environment"][ARCHIVE_VARIABLE].startswith(f"{folder}/") and how == "ro"
    deployment, _ = with_archive(DEPLOY / "kubernetes" / "deployment.yaml")
    kubernetes_validate.validate(deployment, KUBERNETES, strict=True)
    pod = deployment["spec"]["template"]["spec"]
    (app,) = pod["containers"]
    told = {setting["name"]: setting.get("value") for setting in app["env"]}
    mount, volume = app["volumeMounts"][-1], pod["volumes"][-1]
    assert told[ARCHIVE_VARIABLE].startswith(mount["mountPath"] + "/")
    assert mount["readOnly"] is volume["persistentVolumeClaim"]["readOnly"] is True
    assert mount["name"] == volume["name"]


def test_the_manifests_are_valid() -> None:
    kinds = []
    for one in manifests():
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
        kinds.append(one["kind"])
    assert set(kinds) == {
        "Deployment",
        "Ingress",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Secret",
        "Service",
    }
    broken = next(one for one in manifests() if one["kind"] == "Deployment")
    broken["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


def test_pods_run_as_the_image_does() -> None:
    (deployment,) = (one for one in manifests() if one["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (app,) = pod["containers"]
    user, group = map(int, of("USER")[-1].split(":"))
    context = pod["securityContext"]
    assert deployment["spec"]["replicas"] == 2 and context["runAsNonRoot"] is True
    assert (context["runAsUser"], context["fsGroup"]) == (user, group)
    assert app["securityContext"]["readOnlyRootFilesystem"] is True
    assert app["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {mount["mountPath"] for mount in app["volumeMounts"]} == {"/scratch", "/tmp"}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert app[probe]["httpGet"]["path"] == "/_stcore/health"
    (ingress,) = (one for one in manifests() if one["kind"] == "Ingress")
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/affinity"] == "cookie"


def test_the_proxy_keeps_visitors_where_they_are_and_hides_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("needs Caddy; on Debian: apt-get install caddy")
    monkeypatch.setenv("FER_HOST", "emotions.example.org")
    monkeypatch.setenv("FER_STICKY_SECRET", "a-secret-of-this-test")
    adapted = subprocess.run(
        [caddy, "adapt", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"],
        capture_output=True,
        check=True,
        timeout=30,
    )
    text = adapted.stdout.decode()
    (server,) = json.loads(text)["apps"]["http"]["servers"].values()
    handlers = {handler["handler"]: handler for handler in _handlers(server)}
    assert handlers["headers"] and handlers["static_response"]["status_code"] == 404
    proxy = handlers["reverse_proxy"]
    policy = proxy["load_balancing"]["selection_policy"]
    assert policy["policy"] == "cookie" and policy["secret"] == "a-secret-of-this-test"
    assert [upstream["dial"] for upstream in proxy["upstreams"]] == ["app1:8501", "app2:8501"]
    assert proxy["health_checks"]["active"]["uri"] == "/_stcore/health"


def _handlers(part: Any) -> list[dict[str, Any]]:
    """All handlers in a part of Caddy's configuration."""
    if isinstance(part, dict):
        own = [part] if "handler" in part else []
        return own + [one for value in part.values() for one in _handlers(value)]
    return [one for value in part for one in _handlers(value)] if isinstance(part, list) else []
