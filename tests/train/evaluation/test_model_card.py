from __future__ import annotations

import json
from pathlib import Path

import pytest

from fer_core.tta import FLIP, ONE_VIEW
from train.cli.main import main
from train.data.fer2013 import FaceSet
from train.data.ferplus import read_votes
from train.errors import CardError
from train.evaluation.evaluate import (
    Evaluation,
    PeopleEvaluation,
    evaluate,
    evaluate_all,
    evaluate_people,
    save_evaluation,
)
from train.evaluation.model_card import tables, update_document
from train.evaluation.records import MixtureRow, Recall, Wild, WildFigures, WildReading
from train.evaluation.storage import write_record
from train.training.calibrate import set_mixture

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
    assert {line.count("|") for line in lines} == {12}
    config = json.loads((models_dir / "fer7" / "config.json").read_text())
    for text in (f"{measured.accuracy:.2%}", f"{config['parameters']:,}", "| 56 |", "95 %"):
        assert text in "\n".join(lines)
    assert "2 (mirrored)" in lines[5]


def test_a_row_an_emotion(models_dir: Path, measured: Evaluation) -> None:
    lines = tables(models_dir)["classes"].splitlines()
    assert [line.split(" | ")[1].lower() for line in lines[2:]] == list(measured.labels)
    assert {line.count("|") for line in lines} == {7}


def test_the_headline_is_each_model_as_it_is_served(models_dir: Path, tiny_set: FaceSet) -> None:
    for views in (ONE_VIEW, FLIP):
        for split in ("PublicTest", "PrivateTest"):
            save_evaluation(evaluate("fer7", tiny_set, split, models_dir, views), models_dir)
    served = evaluate("fer7", tiny_set, "PrivateTest", models_dir, FLIP)
    recall = Recall(10, 0.7, (0.4, 0.9))
    figures = WildFigures(0.81, (0.7, 0.9), 0.6, {"happy": recall})
    record = Wild("yunet", 12, 11, (WildReading("people", figures, {"M": figures}),), ())
    write_record(models_dir / "fer7", record)
    made = tables(models_dir)
    wild, labels = made["headline"].splitlines()[2:]
    assert wild.endswith("| 81.00% (70.00%–90.00%) |")
    assert "7 emotions, on the 56 pictures of PrivateTest" in labels
    assert f"| {served.accuracy:.2%} (" in labels
    everybody, men = made["wild"].splitlines()[2:]
    assert everybody.startswith(
        "| fer7 | people | everybody | 81.0% (70.0%–90.0%) | 60.0% |  | 70%"
    )
    assert men.startswith("| fer7 | people | men | ")


def test_no_headline_of_another_split(models_dir: Path, tiny_set: FaceSet) -> None:
    save_evaluation(evaluate("fer7", tiny_set, "PublicTest", models_dir, FLIP), models_dir)
    assert len(tables(models_dir)["headline"].splitlines()) == 2


def test_rows_of_both_readings_and_of_each_network(
    ensembles_dir: Path, tiny_set: FaceSet, tiny_votes: Path
) -> None:
    results = evaluate_all("fer7", tiny_set, ensembles_dir, votes=read_votes(tiny_votes))
    for result in results:
        save_evaluation(result, ensembles_dir)
    made = tables(ensembles_dir)
    header, _, *rows = made["metrics"].splitlines()
    assert {row.count("|") for row in (header, *rows)} == {12}
    assert [row.split(" | ")[3] for row in rows[:5]] == ["one alone", "two alone", "2", "2", "2"]
    parts = [int(row.split(" | ")[5].replace(",", "")) for row in rows[:3]]
    assert parts[0] + parts[1] == parts[2]
    people = [one.figures for one in results if isinstance(one, PeopleEvaluation)]
    header, _, *rows = made["people"].splitlines()
    assert {row.count("|") for row in (header, *rows)} == {header.count("|")} and len(rows) == 3
    for row, figures in zip(rows, people, strict=True):
        assert f"| {figures.votes.share:.2%} (" in row and f"| {figures.people.share:.2%} (" in row
    assert len(made["shares"].splitlines()) - 2 == len(people[1].people_shares.bins)
    covered = made["coverage"].splitlines()[2:]
    shown = [row for row in people[0].coverage if 0.25 <= row.threshold <= 0.9]
    assert len(covered) == sum(row.agreement is not None for row in shown) > 0
    assert f"| {shown[0].coverage:.1%} | {shown[0].agreement:.1%} |" in covered[0]


def test_peoples_figures_of_another_mixture_are_refused(
    ensembles_dir: Path, tiny_set: FaceSet, tiny_votes: Path
) -> None:
    votes = read_votes(tiny_votes)
    result = evaluate_people("fer7", tiny_set, "PublicTest", ensembles_dir, votes)
    save_evaluation(result, ensembles_dir)
    assert len(tables(ensembles_dir)["people"].splitlines()) == 3
    set_mixture("fer7", 0.3, ensembles_dir)
    with pytest.raises(CardError, match="evaluate --save again"):
        tables(ensembles_dir)


def test_weights_are_a_table(models_dir: Path, tiny_set: FaceSet) -> None:
    save_evaluation(evaluate("fer7", tiny_set, "PublicTest", models_dir), models_dir)
    rows = (MixtureRow(0, 0.5, 0.4, 0.3, None), MixtureRow(0.85, 0.8, 0.7, 0.9, 0.88))
    write_record(models_dir / "fer7", Wild("yunet", 12, 11, (), rows))
    assert tables(models_dir)["mixture"].splitlines()[2:] == [
        "| fer7 | 0 | 50.0% | 40.0% | 30.0% |  |",
        "| fer7 | 0.85 | 80.0% | 70.0% | 90.0% | 88.0% |",
    ]


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


@pytest.mark.parametrize(
    "change", [{"temperature": {"labels": 2.0, "people": 1.0}}, {"sha256": {"model.tflite": "0"}}]
)
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
