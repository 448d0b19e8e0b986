"""The command line as a whole: how it is called, how it ends, and the detector's download."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fer_core
from fer_core import __main__ as cli
from tests.conftest import ROOT
from tests.fer_core.conftest import SAMPLES


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("/usr/bin/facial-emotions", "facial-emotions"),
        ("C:/facial-emotions.exe", "facial-emotions"),
        ("/checkout/fer_core/__main__.py", "python -m fer_core"),
    ],
)
def test_help_calls_the_program_as_it_was_called(
    called: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    with pytest.raises(SystemExit):
        run("analyze", "--help")
    assert capsys.readouterr().out.startswith(f"usage: {expected} analyze ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--version")
    assert capsys.readouterr().out == f"facial-emotions {fer_core.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["analyze"],
        ["analyze", "a.jpg", "--classes", "8"],
        ["analyze", "a.jpg", "--detector", "mtcnn"],
        ["analyze", "a.jpg", "--threshold", "1.5"],
        ["analyze", "a.jpg", "--threshold", "nan"],
        ["guess"],
    ],
)
def test_wrong_use(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names of any bytes")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_are_no_text(tmp_path: Path, encoding: str) -> None:
    for name in (b"\xff\xfe.jpg", "名前.jpg".encode(), b"bad\xff.png"):
        shutil.copy(SAMPLES / "eileen-collins.jpg", os.fsencode(tmp_path) + b"/" + name)
    (tmp_path / os.fsdecode(b"bad\xff.png")).write_bytes(b"x")
    table = tmp_path / "faces.csv"
    done = subprocess.run(
        [sys.executable, "-m", "fer_core", "analyze", str(tmp_path), "--json", "--csv", str(table)],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    found = {record["path"]: record for record in map(json.loads, done.stdout.splitlines())}
    names = {os.fsencode(Path(path).name): "error" in found[path] for path in found}
    assert names == {b"\xff\xfe.jpg": False, "名前.jpg".encode(): False, b"bad\xff.png": True}
    assert b"\xff\xfe.jpg,1," in table.read_bytes()


def test_download_without_a_network(
    closed_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(cli, "YUNET_URL", f"http://127.0.0.1:{closed_port}/yunet.onnx")
    assert run("download") == 2
    streams = capsys.readouterr()
    assert (streams.out, streams.err.count("\n")) == ("", 1)
    assert "could not be fetched" in streams.err


def test_download_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "absent.onnx").write_bytes(b"")
    monkeypatch.setenv("FER_YUNET", str(tmp_path / "absent.onnx"))
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    monkeypatch.setattr(cli, "YUNET_SHA256", nothing)
    assert run("download") == 0
    assert "YuNet is already at" in capsys.readouterr().out


def test_module_can_be_run() -> None:
    command = [sys.executable, "-m", "fer_core", "analyze", str(SAMPLES), "--json"]
    done = subprocess.run(
        [*command, "--detector", "haar"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [len(json.loads(line)["faces"]) for line in done.stdout.splitlines()] == [1, 1]


def test_download_leaves_a_file_that_the_user_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(b"another YuNet")
    monkeypatch.setenv("FER_YUNET", str(file))
    assert cli.main(["download"]) == 0
    assert file.read_bytes() == b"another YuNet"


def test_a_reader_that_is_gone_ends_it_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        sample = SAMPLES / "grace-hopper.jpg"
        assert run("analyze", sample, sample, "--detector", "none") == 141
    assert capsys.readouterr().err == ""


def test_signals_that_are_ignored_stay_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(_: object) -> int:
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        return 0

    monkeypatch.setattr(cli, "_download", look)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run("download") == 0
    finally:
        signal.signal(signal.SIGHUP, before)
