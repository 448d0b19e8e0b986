from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.detection import HaarDetector
from fer_core.pipeline import analyze_image
from fer_core.preprocessing import resize_face
from train.cli.main import main
from train.data.framing import read_framings

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "assets" / "samples" / "grace-hopper.jpg"
CONFIG = """
classes = "fer7"
validation = "PublicTest"
epochs = 2
batch_size = 48
[network]
kind = "vgg"
stages = [{ filters = 4, pool = 4 }]
"""


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(CONFIG)
    return path


def test_help_is_quick_and_needs_no_heavy_import() -> None:
    code = (
        "import sys, train.cli.main as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit as e: assert e.code == 0\n"
        "assert not {'keras', 'tensorflow', 'cv2', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in (
        b"fit", b"frame", b"export", b"calibrate", b"evaluate", b"parity", b"card", b"explore",
        b"audit", b"download", b"campaign", b"mixture", b"wild",
    ):  # fmt: skip
        assert command in done.stdout


@pytest.mark.training
def test_from_pictures_to_a_card(
    config_file: Path, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run, models = str(tiny_folder), str(tmp_path / "run"), str(tmp_path / "models")
    fit = ["fit", str(config_file), "--data", data, "--run", run]
    assert main([*fit, "--stop-after-epoch", "1"]) == 0
    assert main(fit) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*fit, "--resume"]) == 0
    assert main(["export", run, "--models-dir", models]) == 0
    assert main(["calibrate", "fer7", "--data", data, "--models-dir", models]) == 0
    assert "Temperature" in capsys.readouterr().out

    evaluate = ["evaluate", "fer7", "--data", data, "--split", "PublicTest", "--models-dir", models]
    assert main([*evaluate, "--save", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["pictures"] == 56
    assert set(result) >= {"accuracy", "accuracy_interval", "macro_f1", "ece", "confusion"}
    assert main(evaluate) == 0
    assert "macro-F1" in capsys.readouterr().out

    whole = ["evaluate", "fer7", "--data", data, "--models-dir", models]
    assert main([*whole, "--save"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9
    assert main([*whole, "--json"]) == 0
    everything = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert result in everything

    document = tmp_path / "README.md"
    document.write_text("<!-- metrics -->\n<!-- /metrics -->\n")
    card = ["card", str(document), "--models-dir", models]
    assert main([*card, "--check"]) == 1
    assert main(card) == 0
    assert main([*card, "--check"]) == 0
    assert f"{result['accuracy']:.2%}" in document.read_text()

    parity = ["parity", "--data", data, "--models-dir", models, "--detector", "haar"]
    assert main([*parity, "--limit", "12", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["pictures"] == 12
    # Measured again, the row is replaced.
    assert main([*parity, "--limit", "9", "--save"]) == 0
    assert main([*parity, "--limit", "12", "--save"]) == 0
    document.write_text("<!-- parity -->\n<!-- /parity -->\n")
    assert main(card) == 0
    assert document.read_text().count("Haar cascades") == 1


def test_exploring_a_model(
    models_dir: Path,
    tiny_folder: Path,
    tiny_votes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    shared = ["--data", str(tiny_folder), "--models-dir", str(models_dir)]
    votes = ["--votes", str(tiny_votes)]
    audit = ["audit", *shared, *votes, "--audit-dir", str(tmp_path / "audit")]
    with caplog.at_level("WARNING"):
        assert main([*audit, "--json"]) == 0
    assert "no predictions.parquet yet" in caplog.text
    without = json.loads(capsys.readouterr().out)
    assert not (tmp_path / "audit").exists()

    parts = ["predictions", "crowd", "architecture"]
    assert main(["explore", "fer7", *shared, *votes, "--only", *parts]) == 0
    assert capsys.readouterr().out.count(" bytes)") == 3

    table = tmp_path / "audit.csv"
    assert main([*audit, "--json", "--save", "--csv", str(table)]) == 0
    with_model = json.loads(capsys.readouterr().out)
    assert with_model["pictures"] == 280
    assert with_model["contradicted_labels"] > without["contradicted_labels"] > 0
    assert with_model["likely_wrong_labels"] <= with_model["contradicted_labels"]
    assert (tmp_path / "audit" / "audit.parquet").is_file()
    assert len(table.read_text(encoding="utf-8").splitlines()) > with_model["contradicted_labels"]
    assert main(audit) == 0
    assert "by the model" in capsys.readouterr().out


def test_the_peoples_reading_from_its_mixture_to_a_card(
    ensembles_dir: Path,
    tiny_folder: Path,
    tiny_votes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = ["--models-dir", str(ensembles_dir)]
    shared = ["--data", str(tiny_folder), *models]
    votes = ["--votes", str(tiny_votes)]
    assert main(["mixture", "fer7", "0.5", *models]) == 0
    config = json.loads((ensembles_dir / "fer7" / "config.json").read_text())
    assert config["mixture"] == 0.5
    people = ["evaluate", "fer7", *shared, "--split", "PublicTest", "--reading", "people"]
    assert main(people) == 2
    assert "name --votes" in capsys.readouterr().err
    assert main([*people, *votes, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["mixture"] == 0.5 and result["figures"]["people"]["pictures"] == 56
    assert main([*people, *votes]) == 0
    assert f"agreement {result['figures']['people']['share']:.2%}" in capsys.readouterr().out

    photos = tmp_path / "photos"
    (photos / "pictures").mkdir(parents=True)
    (photos / "pictures" / "a.jpg").write_bytes(SAMPLE.read_bytes())
    (photos / "labels.csv").write_text("picture,emotion,sex\na.jpg,happy,F\n")
    wild = ["wild", "fer7", "--pictures", str(photos), "--detector", "haar", *models]
    assert main([*wild, "--save"]) == 0
    assert "1 faces found by haar in 1 photos" in capsys.readouterr().out
    assert main([*wild, "--json", *votes, "--data", str(tiny_folder)]) == 0
    mixtures = json.loads(capsys.readouterr().out)["mixtures"]
    assert next(row for row in mixtures if row["weight"] == 0.5)["agreement"] == pytest.approx(
        result["figures"]["people"]["share"]
    )
    assert main(["evaluate", "fer7", *shared, *votes, "--save"]) == 0
    document = tmp_path / "README.md"
    document.write_text("<!-- people -->\n<!-- /people -->\n<!-- wild -->\n<!-- /wild -->\n")
    assert main(["card", str(document), *models]) == 0
    assert document.read_text().count("| fer7 | PublicTest |") == 1
    assert "| fer7 | people | women |" in document.read_text()


def test_check_data_lists_what_is_missing(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-data", str(tiny_folder)]) == 1
    output = capsys.readouterr().out
    assert "Training/angry: 24 pictures instead of 3995." in output


def test_commands_warn_about_missing_pictures(
    models_dir: Path, tiny_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arguments = ["--data", str(tiny_folder), "--models-dir", str(models_dir)]
    with caplog.at_level("WARNING"):
        main(["evaluate", "fer7", "--split", "test", *arguments])
    assert "not the whole FER-2013" in caplog.text


def test_augmentations(config_file: Path, tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert (
        main(["augmentations", str(config_file), "--data", str(tiny_folder), "--out", str(out)])
        == 0
    )
    assert out.read_bytes().startswith(b"\x89PNG")


def test_faces_are_framed_as_the_app_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = analyze_image(cv2.imread(str(SAMPLE)), detector=HaarDetector())
    face = resize_face(max(found.faces, key=lambda face: face.box.width).aligned_gray)
    data, out = tmp_path / "fer2013", tmp_path / "runs" / "haar.npz"
    for name, picture in (("Training_1", face), ("Training_2", np.full((48, 48), 90, np.uint8))):
        path = data / "train" / "happy" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture)
    arguments = ["--data", str(data), "--detector", "haar", "--out", str(out)]
    assert main(["frame", *arguments]) == 0
    assert "Faces found in 1 of 2 pictures" in capsys.readouterr().out
    framed = read_framings([out]).crops_gray["Training_1/happy"]
    assert np.corrcoef(framed[0].ravel(), face.ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "missing.toml", "--data", "missing"],
        ["check-data", "missing"],
        pytest.param(["export", "missing"], marks=pytest.mark.training),
        ["evaluate", "fer7", "--data", "missing", "--split", "test"],
        ["calibrate", "fer7", "--data", "missing"],
        ["card", "missing.md"],
        ["explore", "fer7", "--data", "missing"],
        ["mixture", "fer7", "1.5"],
        ["wild", "fer7", "--pictures", "missing"],
        ["wild", "fer7", "--pictures", "missing", "--data", "missing"],
        ["audit", "--data", "missing"],
    ],
)
def test_errors_are_one_line(
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] not in ("fit", "check-data"):
        arguments = [*arguments, "--models-dir", str(tmp_path)]
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "Traceback" not in message


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fit"],
        ["fit", "a.toml", "--data", "x", "--stop-after-epoch", "0"],
        ["export", "run", "--name", "../outside"],
        ["evaluate", "fer7", "--data", "x", "--split", "Training"],
        ["explore", "fer7", "--data", "x", "--only", "everything"],
        ["explore", "fer7", "--data", "x", "--pictures", "0"],
        ["audit"],
    ],
)
def test_bad_use(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


@pytest.mark.training
@pytest.mark.usefixtures("quick_run")
def test_an_interruption_says_how_to_go_on(
    request: pytest.FixtureRequest,
    config_file: Path,
    tiny_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from train.training.callbacks import Progress

    # A shell's background job inherits that the signal is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    real = Progress.on_epoch_begin

    def interrupting(self: object, epoch: int, logs: object = None) -> None:
        real(self, epoch, logs)
        if epoch == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "on_epoch_begin", interrupting)
    run = tmp_path / "run"
    arguments = ["fit", str(config_file), "--data", str(tiny_folder), "--run", str(run)]
    caplog.set_level("INFO")
    assert main(arguments) == 130
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.endswith(f"--run {run} --resume")
    monkeypatch.undo()
    assert main([*arguments, "--resume"]) == 0
    assert "Resuming after epoch 1 of 2." in caplog.text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["explore", "fer7", "--threads", "many"], "many is not a whole number of at least 1"),
        (["explore", "fer7", "--pictures", "0"], "0 is not a whole number of at least 1"),
        (["campaign", "run", "a.toml", "--seconds", "soon"], "soon is no time of more than 0"),
    ],
)
def test_numbers_are_refused_in_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert sentence in capsys.readouterr().err
