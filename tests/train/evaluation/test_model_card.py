from __future__ import annotations

import json
from pathlib import Path

import pytest

from fer_core.tta import FLIP, ONE_VIEW
from train.cli.main import main
from train.data.fer2013 import FaceSet
from train.errors import CardError
from train.evaluation.evaluate import Evaluation, evaluate, save_evaluation
from train.evaluation.model_card import tables, update_document

DOCUMENT = "# Title\n\n<!-- metrics -->\nold\n<!-- /metrics -->\n\nEnd\n"


@pytest.fixture
def measured(models_dir: Path, tiny_set: FaceSet) -> Evaluation:
    for split, views in (
        ("test", FLIP),
        ("test", ONE_VIEW),
        ("PrivateTest", ONE_VIEW),
        ("PublicTest", ONE_VIEW),
    ):
        result = evaluate("fer7", tiny_set, split, models_dir, views)
        save_evaluation(result, models_dir)
    return result


def test_a_row_a_measurement(models_dir: Path, measured: Evaluation) -> None:
    lines = tables(models_dir)["metrics"].splitlines()
    assert [line.split(" | ")[1] for line in lines[2:]] == [
        "PublicTest",
        "PrivateTest",
        "Public + PrivateTest",
        "Public + PrivateTest",
    ]
    assert {line.count("|") for line in lines} == {11}
    config = json.loads((models_dir / "fer7" / "config.json").read_text())
    for text in (f"{measured.accuracy:.2%}", f"{config['parameters']:,}", "| 56 |", "95 %"):
        assert text in "\n".join(lines)
    assert "2 (mirrored)" in lines[5]


def test_a_row_an_emotion(models_dir: Path, measured: Evaluation) -> None:
    lines = tables(models_dir)["classes"].splitlines()
    assert [line.split(" | ")[1].lower() for line in lines[2:]] == list(measured.labels)
    assert {line.count("|") for line in lines} == {7}


def test_the_headline_is_the_default_model_on_the_untouched_split(
    models_dir: Path, tiny_set: FaceSet, measured: Evaluation
) -> None:
    plain = evaluate("fer7", tiny_set, "PrivateTest", models_dir, ONE_VIEW)
    mirrored = evaluate("fer7", tiny_set, "PrivateTest", models_dir, FLIP)
    save_evaluation(mirrored, models_dir)
    _, _, *rows = tables(models_dir)["headline"].splitlines()
    assert [row.split(" | ")[0] for row in rows] == [
        "| Accuracy, one view of each face",
        "| Accuracy, two views of each face",
        "| Calibration error (ECE), one view of each face",
    ]
    for row, value in zip(
        rows, (f"{plain.accuracy:.2%}", f"{mirrored.accuracy:.2%}", f"{plain.ece:.3f}"), strict=True
    ):
        assert row.split(" | ")[1].startswith(value)


def test_no_headline_of_another_split(models_dir: Path, tiny_set: FaceSet) -> None:
    save_evaluation(evaluate("fer7", tiny_set, "PublicTest", models_dir, ONE_VIEW), models_dir)
    assert len(tables(models_dir)["headline"].splitlines()) == 2


def test_several_tables_in_one_document(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(DOCUMENT + "<!-- classes -->\n<!-- /classes -->\n")
    assert (
        update_document(path, {"metrics": "| m |", "classes": "| c |", "other": "| o |"}) is False
    )
    assert path.read_text() == DOCUMENT.replace("old", "| m |") + (
        "<!-- classes -->\n| c |\n<!-- /classes -->\n"
    )


def test_the_table_goes_between_the_markers(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(DOCUMENT)
    assert update_document(path, {"metrics": "| new |"}, check=True) is False
    assert path.read_text() == DOCUMENT
    assert update_document(path, {"metrics": "| new |"}) is False
    assert path.read_text() == DOCUMENT.replace("old", "| new |")
    assert update_document(path, {"metrics": "| new |"}) is True
    assert update_document(path, {"metrics": "| new |"}, check=True) is True


@pytest.mark.parametrize(
    "text",
    [
        "no markers",
        "<!-- metrics -->",
        "<!-- /metrics --><!-- metrics -->",
        DOCUMENT + DOCUMENT,
        None,
    ],
)
def test_a_document_without_a_place(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "README.md"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CardError, match=r"README\.md"):
        update_document(path, {"metrics": "table"})


@pytest.mark.parametrize("change", [{"temperature": 2.0}, {"sha256": {"model.tflite": "0"}}])
def test_figures_of_another_model_are_refused(
    models_dir: Path, measured: Evaluation, change: dict[str, object]
) -> None:
    file = models_dir / "fer7" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(CardError, match="evaluate --save again"):
        tables(models_dir)


@pytest.mark.parametrize("content", ["{", "[]", '{"PublicTest": {"one view": {}}}'])
def test_damaged_figures(models_dir: Path, content: str) -> None:
    (models_dir / "fer7" / "metrics.json").write_text(content)
    with pytest.raises(CardError, match="cannot be read"):
        tables(models_dir)


def test_nothing_measured(models_dir: Path) -> None:
    with pytest.raises(CardError, match="run evaluate"):
        tables(models_dir)


def test_the_documents_of_the_repository_are_current() -> None:
    assert main(["card", "--check"]) == 0
