from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from train.errors import CheckpointError, ConfigError
from train.training.campaign_config import CampaignConfig
from train.training.campaign_data import CampaignData, read_campaign_data
from train.training.member_files import read_weights

torch = pytest.importorskip("torch", reason="PyTorch, an optional backend, is not installed")
from train.training import campaign as campaign_module  # noqa: E402
from train.training.campaign import run_campaign  # noqa: E402

# Networks so small are slower on several threads.
torch.set_num_threads(1)
NETWORK = {"kind": "residual", "stem_filters": 4, "stem_pool": 4, "stages": [{"filters": 4}]}
COMMON = {"network": NETWORK, "batch_size": 64, "precision": "float32", "taught_variations": 2}
MEMBERS: list[dict[str, Any]] = [
    {"name": "one", "seed": 1, "share": 0.5, "framed_share": 0.25},
    {"name": "two", "seed": 2, "share": 0.25, "mix": "mixup"},
    {"name": "student", "teachers": ["one", "two"], "share": 0.125},
    {"name": "six", "classes": "fer6", "start": "student", "teachers": ["one"], "share": 0.125},
]


def campaign(*members: dict[str, Any]) -> CampaignConfig:
    content = [{**COMMON, **member} for member in members or MEMBERS]
    return CampaignConfig.model_validate({"held_out": 0.2, "members": content})


@pytest.fixture(scope="module")
def data(packed_file: Path) -> CampaignData:
    return read_campaign_data(packed_file, 0.2, 0)


@pytest.fixture(scope="module")
def finished(data: CampaignData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished campaign; not to be changed."""
    folder = tmp_path_factory.mktemp("campaign") / "out"
    assert run_campaign(campaign(), data, folder, "cpu") == []
    return folder


def test_every_member_leaves_its_weights_and_its_record(finished: Path) -> None:
    names = [member["name"] for member in MEMBERS]
    expected = sorted(f"{name}.{suffix}" for name in names for suffix in ("json", "npz"))
    assert sorted(path.name for path in finished.iterdir()) == expected
    for name in names:
        record = json.loads((finished / f"{name}.json").read_text())
        assert record.keys() == {"config", "held_out", "split_seed", "log", "scores"}
        assert record["config"]["name"] == name
        assert record["held_out"] == 0.2
        assert record["scores"].keys() == {"held-out", "PublicTest"}
        assert record["log"][-1]["PublicTest_accuracy"] <= 1
        outputs = 6 if name == "six" else 7
        assert read_weights(finished / f"{name}.npz")["logits/1"].shape == (outputs,)


def test_a_member_that_is_there_is_not_trained_again(
    finished: Path, data: CampaignData, tmp_path: Path
) -> None:
    for name in ("one.npz", "two.npz"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    before = (tmp_path / "one.npz").stat().st_mtime_ns
    assert run_campaign(campaign(), data, tmp_path, "cpu") == []
    assert (tmp_path / "one.npz").stat().st_mtime_ns == before
    assert not (tmp_path / "one.json").exists()
    assert (tmp_path / "six.npz").exists()


def test_only_some_members(finished: Path, data: CampaignData, tmp_path: Path) -> None:
    assert run_campaign(campaign(), data, tmp_path, "cpu", only=["two"]) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["two.json", "two.npz"]
    again = read_weights(tmp_path / "two.npz")
    for name, weight in read_weights(finished / "two.npz").items():
        np.testing.assert_allclose(again[name], weight, atol=2e-3)


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (["three", "one"], r"no three; its networks are one, two, student, six"),
        (["student"], r"student needs one, two"),
        (["one", "student"], r"student needs two"),
    ],
)
def test_names_that_cannot_be_trained(
    data: CampaignData, tmp_path: Path, only: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run_campaign(campaign(), data, tmp_path / "out", "cpu", only=only)
    assert not (tmp_path / "out").exists()


def test_a_stored_member_of_another_architecture(
    finished: Path, data: CampaignData, tmp_path: Path
) -> None:
    (tmp_path / "one.npz").write_bytes((finished / "one.npz").read_bytes())
    wide = {**MEMBERS[0], "network": {**NETWORK, "stem_filters": 8}}
    with pytest.raises(CheckpointError, match=r"one\.npz is not the one of this campaign"):
        run_campaign(campaign(wide), data, tmp_path, "cpu")
    (tmp_path / "one.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(CheckpointError, match=r"one\.npz cannot be read"):
        run_campaign(campaign(), data, tmp_path, "cpu")


def test_an_architecture_that_cannot_be_trained_costs_no_time(
    data: CampaignData, tmp_path: Path
) -> None:
    plain = {"name": "plain", "network": {**NETWORK, "kind": "vgg"}}
    with pytest.raises(ConfigError, match="residual"):
        run_campaign(campaign(MEMBERS[0], plain), data, tmp_path / "out", "cpu")
    assert not (tmp_path / "out").exists()


def test_framed_faces_must_be_packed(data: CampaignData, tmp_path: Path) -> None:
    none = np.full_like(data.training.framings, np.nan)
    training = type(data.training)(data.training.faces, data.training.shares, none)
    bare = CampaignData(training, data.held_out, data.public_test)
    with pytest.raises(ConfigError, match="one shows framed faces: pack the data with --framed"):
        run_campaign(campaign(), bare, tmp_path, "cpu")
    assert run_campaign(campaign(), bare, tmp_path, "cpu", only=["two"]) == []


def test_a_card_that_is_not_there(data: CampaignData, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA graphics card")
    with pytest.raises(ConfigError, match="no CUDA graphics card"):
        run_campaign(campaign(), data, tmp_path, "cuda")


def test_the_time_is_shared_out(
    data: CampaignData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each member takes ten seconds more than it is given, by a clock of the test's own."""
    clock, given = [100.0], {}
    fit = campaign_module.fit_member

    def slow(config: Any, *arguments: Any, seconds: float) -> Any:
        given[config.name] = seconds
        clock[0] += seconds + 10
        return fit(config, *arguments)

    monkeypatch.setattr(campaign_module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(campaign_module, "fit_member", slow)
    left = run_campaign(campaign(), data, tmp_path, "cpu", seconds=80)
    assert given == {"one": 40, "two": 15, "student": pytest.approx(2.5)}
    assert left == ["six"]
    assert not (tmp_path / "six.npz").exists()
    # What is there already takes no share of the time.
    assert run_campaign(campaign(), data, tmp_path, "cpu", seconds=80) == []
    assert given["six"] == 80


def test_a_start_lends_the_weights_of_the_classes_that_both_have(
    finished: Path, data: CampaignData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = {}

    def unchanged(config: Any, network: Any, *_: Any, seconds: None) -> Any:
        begun[config.name] = network.keras_weights()
        return network.eval(), []

    monkeypatch.setattr(campaign_module, "fit_member", unchanged)
    for name in ("one.npz", "student.npz"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    run_campaign(campaign(), data, tmp_path, "cpu", only=["six"])
    source = read_weights(finished / "student.npz")
    # Without disgust, the second of the seven.
    kept = [0, 2, 3, 4, 5, 6]
    assert np.array_equal(begun["six"].pop("logits/0"), source["logits/0"][:, kept])
    assert np.array_equal(begun["six"].pop("logits/1"), source["logits/1"][kept])
    assert all(np.array_equal(weight, source[name]) for name, weight in begun["six"].items())


def test_students_of_the_same_teachers_share_their_answers(
    data: CampaignData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    asked = []
    ask = campaign_module.taught_pictures

    def counted(teachers: Any, pictures: Any, config: Any, columns: Any) -> Any:
        asked.append(config.name)
        return ask(teachers, pictures, config, columns)

    monkeypatch.setattr(campaign_module, "taught_pictures", counted)
    members = [
        MEMBERS[1],
        {"name": "a", "teachers": ["two"]},
        {"name": "b", "teachers": ["two"], "seed": 4, "mix": "cutmix"},
        {"name": "c", "teachers": ["two"], "augmentation": {"flip": True}},
        {"name": "d", "teachers": ["two"], "classes": "fer6", "augmentation": {"flip": True}},
    ]
    with caplog.at_level(logging.INFO):
        run_campaign(campaign(*members), data, tmp_path, "cpu")
    assert asked == ["a", "c", "d"]
    assert caplog.text.count("The teachers on PublicTest") == 2


def test_it_runs_where_only_pytorch_is_installed(packed_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "campaign.toml"
    file.write_text(
        """
        [[members]]
        name = "small"
        batch_size = 64
        framed_share = 0.25
        augmentation = { flip = true, blur_probability = 0.1, noise_probability = 0.1 }
        [members.network]
        kind = "residual"
        stem_filters = 4
        stem_pool = 4
        stages = [{ filters = 4 }]
        """
    )
    # None in place of a module makes importing it fail.
    code = (
        "import sys\n"
        "missing = 'keras', 'tensorflow', 'ai_edge_litert', 'tqdm', 'platformdirs', 'PIL', 'h5py'\n"
        "sys.modules.update(dict.fromkeys(missing))\n"
        "from train.cli.main import main\n"
        "import torch; torch.set_num_threads(1)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = ["campaign", "run", str(file), "--packed", str(packed_file), "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--out", str(tmp_path / "out"), "--seconds", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "small is done" in done.stderr
    assert (tmp_path / "out" / "small.npz").exists()
