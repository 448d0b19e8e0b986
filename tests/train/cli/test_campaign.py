from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import fer_core.detection
from fer_core.types import DetectedFace, FaceBox
from train.cli.main import main
from train.training.campaign_data import read_campaign_data

CAMPAIGN = """
[[members]]
name = "small"
batch_size = 64
[members.network]
kind = "residual"
stem_filters = 4
stem_pool = 4
stages = [{ filters = 4 }]
"""


class MiddleDetector:
    """Finds one face in the middle of every picture."""

    name = "middle"

    def detect(self, image_bgr: np.ndarray, sizes: object = ()) -> list[DetectedFace]:
        height, width = image_bgr.shape[:2]
        return [DetectedFace(FaceBox(width / 4, height / 4, width * 0.75, height * 0.75), 0.9)]


@pytest.fixture
def campaign_file(tmp_path: Path) -> Path:
    path = tmp_path / "campaign.toml"
    path.write_text(CAMPAIGN)
    return path


def test_packing(
    tiny_folder: Path,
    tiny_votes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def load(name: str) -> MiddleDetector:
        asked.append(name)
        return MiddleDetector()

    monkeypatch.setattr(fer_core.detection, "load_detector", load)
    pack = ["campaign", "pack", "--data", str(tiny_folder), "--votes", str(tiny_votes)]
    plain, framed = tmp_path / "plain.npz", tmp_path / "framed.npz"
    assert main([*pack, "--out", str(plain)]) == 0
    assert "224 pictures" in capsys.readouterr().out
    assert asked == []
    assert main([*pack, "--framed", "--out", str(framed)]) == 0
    assert asked == ["yunet"]
    assert not read_campaign_data(plain, 0.1, 0).training.has_framings
    assert np.isfinite(read_campaign_data(framed, 0.1, 0).training.framings).all()


def test_running(
    campaign_file: Path, packed_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="PyTorch, an optional backend, is not installed")
    out = tmp_path / "out"
    run = ["campaign", "run", str(campaign_file), "--packed", str(packed_file), "--out", str(out)]
    assert main([*run, "--device", "cpu", "--only", "large"]) == 2
    assert "no large" in capsys.readouterr().err
    assert main([*run, "--device", "cpu"]) == 0
    assert str(out) in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["small.json", "small.npz"]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_no_time(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["campaign", "run", "c.toml", "--packed", "p", "--out", "o", "--seconds", seconds])
    assert stopped.value.code == 2
    assert "--seconds" in capsys.readouterr().err


def test_without_pytorch_a_sentence_says_so(
    campaign_file: Path,
    packed_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "train.training.campaign", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    run = ["campaign", "run", str(campaign_file), "--packed", str(packed_file)]
    assert main([*run, "--out", str(tmp_path / "out")]) == 2
    assert "needs PyTorch, which is not installed" in capsys.readouterr().err


def test_a_missing_file_is_named(
    campaign_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="PyTorch, an optional backend, is not installed")
    run = ["campaign", "run", str(campaign_file), "--packed", str(tmp_path / "no.npz")]
    assert main([*run, "--out", str(tmp_path / "out")]) == 2
    assert "no.npz cannot be read" in capsys.readouterr().err
    run = ["campaign", "run", str(tmp_path / "no.toml"), "--packed", "p", "--out", "o"]
    assert main(run) == 2
    assert "no.toml cannot be read" in capsys.readouterr().err
