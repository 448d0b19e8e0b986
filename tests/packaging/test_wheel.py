"""The library as others install it: the wheel's content, and its use in an empty environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from email.parser import BytesParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.__main__ import main
from fer_core._version import __version__
from fer_core.labels import CLASS_SETS
from tests.conftest import ROOT
from tests.fer_core.video.clips import make_clip

pytestmark = pytest.mark.wheel

SAMPLE = ROOT / "assets" / "samples" / "grace-hopper.jpg"
SERVED_FILES = ("config.json", "labels.json", "model.tflite")
# What only the training and the pages need; and what only videos need.
ABSENT = {"tensorflow", "keras", "torch", "streamlit", "plotly", "pydantic"}
OF_VIDEOS = {"av", "pandas", "pyarrow", "supervision", "trackers"}
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


def build_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel with the installed backend, for which no package index is needed."""
    build = ("wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
    subprocess.run([*PIP, *build, str(source)], check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return wheel


def content_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_carries_the_library_and_what_serving_reads(wheel: Path) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "fer_core").rglob("*.py")}
    # What builds the network in Keras, for the training.
    modules -= {"fer_core/network.py", "fer_core/network_config.py"}
    models = {f"fer_core/models/{name}/{file}" for name in CLASS_SETS for file in SERVED_FILES}
    info = f"facial_emotions-{__version__}.dist-info"
    metadata = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert content_of(wheel) == (
        modules | models | {"fer_core/py.typed"} | {f"{info}/{name}" for name in metadata}
    )


def test_the_served_files_are_those_of_the_checkout(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in CLASS_SETS:
            for file in SERVED_FILES:
                packed = archive.read(f"fer_core/models/{name}/{file}")
                assert packed == (ROOT / "assets" / "models" / name / file).read_bytes()


def test_the_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        content = archive.read(name)
    assert content.endswith((ROOT / "README.md").read_bytes())
    metadata = BytesParser().parsebytes(content, headersonly=True)
    assert metadata["Name"] == "facial-emotions"
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("Provides-Extra") == ["scale", "video"]


def test_the_source_archive_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist"]
    subprocess.run(
        [*command, "--directory", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (archive,) = tmp_path.glob("*.tar.gz")
    again = build_wheel(archive, tmp_path / "wheel")
    assert content_of(again) == content_of(wheel)


class Environment:
    """A virtual environment with nothing in it, not even pip."""

    def __init__(self, folder: Path) -> None:
        """Create the environment; what is run in it is run from an empty folder."""
        self.work = folder / "work"
        self.work.mkdir()
        self._bin = folder / "venv" / "bin"
        command = [sys.executable, "-m", "venv", "--without-pip", str(self._bin.parent)]
        subprocess.run(command, check=True, timeout=120)

    def require_index(self) -> None:
        """Skip the test where pip cannot reach a package index."""
        # The smallest dependency stands for all. A copy on the disk would be found without an
        # index, but not without this warning.
        probe = ("download", "--no-deps", "--no-cache-dir", "--retries", "1", "--dest")
        done = self._pip(*probe, str(self.work.parent / "probe"), "platformdirs")
        if done.returncode or "connection broken" in done.stderr:
            pytest.skip("needs a package index, and pip reaches none")

    def install(self, requirement: str) -> None:
        """Install a requirement, and what it needs."""
        # Nobody waits for byte code here that the first import writes anyway.
        options = ("install", "--no-compile", "--only-binary", ":all:")
        done = self._pip(*options, requirement)
        assert done.returncode == 0, done.stderr

    def add(self, requirement: str) -> None:
        """Install a requirement beside what is there, by uv in a fraction of pip's time."""
        command = (sys.executable, "-m", "uv", "--quiet", "pip", "install", "--python")
        done = subprocess.run(
            [*command, str(self._bin / "python"), "--only-binary", ":all:", requirement],
            check=False,
            capture_output=True,
            timeout=500,
        )
        if done.returncode:  # as where only pip was told of an index
            self.install(requirement)

    def _pip(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*PIP, "--python", str(self._bin / "python"), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=500)

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs, on the detector that needs no download."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [self._bin / program, *arguments],
            check=False,
            cwd=self.work,
            env=kept | {"FER_YUNET": str(self.work / "absent.onnx")},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def output_of(self, program: str, *arguments: str | Path) -> str:
        """Return what a program writes that must succeed."""
        done = self.run(program, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def distributions(self) -> set[str]:
        """Return the names of all that is installed."""
        script = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
        return {name.lower() for name in self.output_of("python", "-c", script).split()}


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel without extras. Its tests come before those of ``with_video``, which adds to it."""
    environment = Environment(tmp_path_factory.mktemp("installed"))
    environment.require_index()
    environment.install(str(wheel))
    return environment


@pytest.fixture(scope="module")
def with_video(core: Environment, wheel: Path) -> Environment:
    core.add(f"facial-emotions[video] @ {wheel.as_uri()}")
    return core


@pytest.fixture
def read_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., str]:
    """What the checkout says of the sample in JSON, on the detector that needs no download."""
    monkeypatch.setenv("FER_YUNET", str(tmp_path / "absent.onnx"))

    def read(*options: str) -> str:
        assert main(["analyze", str(SAMPLE), "--json", *options]) == 0
        return capsys.readouterr().out

    return read


def assert_same_reading(one: str, other: str) -> None:
    """Compare a face's records; another release of OpenCV may find the face a little aside."""
    (face,), (wanted,) = json.loads(one)["faces"], json.loads(other)["faces"]
    assert face["verdict"] == wanted["verdict"]
    assert face["box"] == pytest.approx(wanted["box"], abs=8)
    assert face["probabilities"] == pytest.approx(wanted["probabilities"], abs=0.1)


def test_only_what_photos_need_is_installed(core: Environment) -> None:
    installed = core.distributions()
    assert {"facial-emotions", "numpy", "opencv-python"} <= installed
    assert not installed & (ABSENT | OF_VIDEOS)


@pytest.mark.parametrize(
    "program", [("facial-emotions",), ("python", "-m", "fer_core")], ids=["script", "module"]
)
@pytest.mark.parametrize(
    "options", [(), ("--reading", "labels", "--classes", "6")], ids=["default", "labels of six"]
)
def test_a_photo_on_the_command_line(
    core: Environment,
    program: Sequence[str],
    options: Sequence[str],
    read_here: Callable[..., str],
) -> None:
    said = core.output_of(*program, "analyze", SAMPLE, "--json", *options)
    assert_same_reading(said, read_here(*options))


def test_the_usage_is_what_was_typed(core: Environment) -> None:
    assert core.output_of("facial-emotions", "--help").startswith("usage: facial-emotions ")
    usage = core.output_of("python", "-m", "fer_core", "--help")
    assert usage.startswith("usage: python -m fer_core ")


def test_a_photo_in_python(core: Environment, read_here: Callable[..., str]) -> None:
    script = """
import json, sys
import fer_core as fer

for model in fer.list_models():
    (face,) = fer.analyze(sys.argv[1], model=model).faces
    said = {"verdict": face.verdict(), "box": face.box.xyxy}
    said["probabilities"] = dict(face.probabilities)
    print(json.dumps({"model": model, "faces": [said]}))
"""
    read = core.output_of("python", "-c", script, SAMPLE).splitlines()
    assert [json.loads(one)["model"] for one in read] == sorted(CLASS_SETS)
    for one, classes in zip(read, ("6", "7"), strict=True):
        assert_same_reading(one, read_here("--classes", classes))


def test_a_video_without_the_extra(core: Environment) -> None:
    done = core.run("facial-emotions", "video", "clip.mp4", "--out", "out")
    assert done.returncode == 2
    assert done.stderr.endswith(": install facial-emotions[video].\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_video_with_the_extra(with_video: Environment, tmp_path: Path) -> None:
    installed = with_video.distributions()
    assert installed >= OF_VIDEOS
    assert not installed & ABSENT
    portrait = cv2.imread(str(SAMPLE))[:512, :512]
    pictures: list[np.ndarray] = [np.roll(portrait, step, axis=1) for step in range(10)]
    clip = make_clip(tmp_path / "clip.mp4", range(10), pictures=pictures, size_wh=(512, 512))
    said = with_video.output_of("facial-emotions", "video", clip, "--out", tmp_path, "--fps", "10")
    assert "4 frames analysed, 1 person." in said
    summary = json.loads((tmp_path / "clip.mp4.json").read_bytes())
    (person,) = summary["persons"]
    assert person["frames"] == 4
    for suffix in (".annotated.mp4", ".csv", ".parquet", ".vtt"):
        assert (tmp_path / f"clip.mp4{suffix}").stat().st_size > 0
