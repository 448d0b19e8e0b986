from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.runtime.state.session_state import WStates
from streamlit.testing.v1 import AppTest

from fer_core.classifier import MODELS_DIR
from fer_core.tta import FLIP
from tests.cells import archive_of, cell_of, face, labelled_faces, write_pictures
from tests.ui.conftest import SAMPLE, address, until
from train.evaluation import explain, metrics
from train.evaluation.curves import accuracy_by_coverage
from train.evaluation.records import (
    MixtureRow,
    Predictions,
    Recall,
    Wild,
    WildFigures,
    WildReading,
)
from train.evaluation.storage import read_record, write_record
from train.evaluation.trials import BASELINE, Trial, save_trials
from ui.common import explorer_data
from ui.common.explorer_data import HEADLINE_SPLITS, metrics_of
from ui.common.settings import READING_KEY
from ui.common.why import looks_of
from ui.metrics import tried
from ui.metrics.choice import BY_LABELS
from ui.metrics.own_runs import OwnRun
from ui.metrics.sections import GROUP_KEY, GROUPS, PART_KEY, PARTS

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.fixture
def page(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The metrics page before its first run, on a machine without the data set."""
    monkeypatch.delenv("FER2013", raising=False)
    return app.switch_page("pages/4_Metrics.py")


@pytest.fixture
def pictures(page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """The metrics page before its first run, with the pictures of one cell."""
    monkeypatch.setenv("FER2013", str(write_pictures(tmp_path / "fer2013")))
    return page


def opened(app: AppTest, **said: str) -> AppTest:
    """Run the page for the first time, with what its address says."""
    for name, value in said.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def by_labels(app: AppTest) -> AppTest:
    """Have everything read as FER-2013 is labelled, as the sidebar of another page does."""
    app.session_state[f"{READING_KEY}-kept"] = "labels"
    return app


def turn(app: AppTest, part: str) -> AppTest:
    app.session_state[f"{PART_KEY}-kept"] = part
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def grids(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(grid.proto.json) for grid in app.main.get("bidi_component")]


def choose_cell(app: AppTest, true: str, predicted: str, key: str = "confusion") -> AppTest:
    app.selectbox(key=f"{key}-true").select(true)
    return app.selectbox(key=f"{key}-predicted").select(predicted).run()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("model", ["fer7", "fer6"])
def test_every_part_without_the_data_set(page: AppTest, part: str, model: str) -> None:
    opened(page, part=part, network=model)
    assert not page.error
    assert page.main.header
    texts_of_charts = [chart.proto.alt for chart in page.get("plotly_chart")]
    assert all(texts_of_charts) and len(set(texts_of_charts)) == len(texts_of_charts)


def test_a_group_begins_with_a_sentence_and_its_last_part(page: AppTest) -> None:
    page.run()
    for title, group in GROUPS.items():
        first, *_, last = group.parts
        page.segmented_control(key=GROUP_KEY).set_value(title).run()
        assert page.markdown[0].value.startswith("**"), title
        assert page.segmented_control(key=f"{PART_KEY}-{title}").value == first
        page.segmented_control(key=f"{PART_KEY}-{title}").set_value(last).run()
        assert not page.exception, title
    for title, group in GROUPS.items():
        *_, last = group.parts
        page.segmented_control(key=GROUP_KEY).set_value(title).run()
        assert page.segmented_control(key=f"{PART_KEY}-{title}").value == last
        assert address(page)["part"] == last and not page.exception


def test_the_address_brings_back_part_and_choices(page: AppTest) -> None:
    said = {"part": "emotions", "network": "fer6", "pictures": "PublicTest", "views": "one view"}
    opened(by_labels(page), **said)
    assert page.main.header[0].value.endswith(
        "6 emotions, one view on PublicTest, by FER-2013's labels"
    )
    assert said.items() <= address(page).items()


def test_network_and_sidebar_are_one_choice(page: AppTest) -> None:
    page.run().selectbox(key="metrics-model").set_value("fer6").run()
    photo = page.switch_page("pages/1_Photo.py").run()
    assert photo.radio(key="classes").value == "fer6"
    photo.radio(key="classes").set_value("fer7").run()
    page = photo.switch_page("pages/4_Metrics.py").run()
    assert page.selectbox(key="metrics-model").value == "fer7"
    page.selectbox(key="metrics-model").set_value("fer6").run()
    assert page.selectbox(key="metrics-model").value == "fer6"


def test_reading_and_sidebar_are_one_choice(page: AppTest) -> None:
    turn(page, "confusions")
    assert page.selectbox(key=READING_KEY).value == "people"
    assert "by what most people say" in page.markdown[0].value
    page.selectbox(key=READING_KEY).set_value("labels").run()
    assert "by FER-2013's labels" in page.markdown[0].value
    # What is served comes first.
    assert page.selectbox(key="metrics-views").value == "flip"
    photo = page.switch_page("pages/1_Photo.py").run()
    assert photo.radio(key="reading").value == "labels"
    photo.radio(key="reading").set_value("people").run()
    page = photo.switch_page("pages/4_Metrics.py").run()
    assert page.selectbox(key=READING_KEY).value == "people"
    assert "by what most people say" in page.markdown[0].value


def test_the_reading_is_in_the_address(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(page, part="confusions", reading="labels")
    assert "by FER-2013's labels" in page.markdown[0].value
    assert page.selectbox(key=READING_KEY).value == address(page)["reading"] == "labels"
    # Also where the next run cuts short what would keep it.
    monkeypatch.setattr(WStates, "call_callback", lambda *_: None)
    page.selectbox(key=READING_KEY).set_value("people").run()
    assert "by what most people say" in page.markdown[0].value
    assert page.selectbox(key=READING_KEY).value == "people" and not address(page)["reading"]


@pytest.mark.parametrize("model", ["fer7", "fer6"])
@pytest.mark.parametrize("reading", ["labels", "people"])
def test_the_sentence_and_the_cells_below_it_are_the_same(
    page: AppTest, model: str, reading: str
) -> None:
    page.session_state[f"{READING_KEY}-kept"] = reading
    opened(page, part="confusions", network=model, pictures=HEADLINE_SPLITS[model])
    worst = page.dataframe[0].value.iloc[0]
    assert f"take {worst['true']} faces for {worst['taken for']}" in page.markdown[0].value
    assert f"with {worst['of the true']:.0f} of a hundred" in page.markdown[0].value


def test_only_what_makes_a_difference_can_be_chosen(page: AppTest) -> None:
    page.run().selectbox(key="metrics-split").set_value("PublicTest")
    for part in ("photos", "crowd", "robustness", "why", "layers", "training"):
        keys = {choice.key for choice in turn(page, part).selectbox}
        assert not {"metrics-split", READING_KEY, "metrics-views"} & keys, part
        assert ("metrics-model" in keys) == (part != "training"), part
        assert (BY_LABELS in texts(page)) == (part in ("robustness", "why")), part
        if part == "robustness":
            assert texts(page).count("1,200 pictures of PublicTest, whatever is chosen") == 1
    assert turn(page, "figures").selectbox(key="metrics-split").value == "PublicTest"


def test_figures_are_the_stored_ones(page: AppTest) -> None:
    stored = json.loads((MODELS_DIR / "fer7" / "metrics.json").read_text())
    by_labels(page).run()
    for split, views in itertools.product(
        ("PublicTest", "PrivateTest", "test"), ("one view", "flip")
    ):
        page.selectbox(key="metrics-split").set_value(split)
        page.selectbox(key="metrics-views").set_value(views).run()
        figures = stored[split][views]
        shown = {metric.label: metric.value for metric in page.metric}
        assert shown["Accuracy"] == f"{figures['accuracy']:.1%}"
        assert shown["Calibration error"] == f"{figures['ece']:.3f}"
        assert shown["Without duplicates"] == f"{figures['accuracy_without_leaked']:.1%}"
        assert figures["protocol"] in texts(page)


@pytest.mark.parametrize("model", ["fer7", "fer6"])
def test_the_peoples_figures_are_the_stored_ones(page: AppTest, model: str) -> None:
    opened(page, network=model, pictures="PublicTest")
    stored = json.loads((MODELS_DIR / model / "metrics.json").read_text())["PublicTest"]["people"]
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Crowd's decision"] == f"{stored['figures']['people']['share']:.1%}"
    assert shown["8 answers"] == f"{stored['figures']['votes']['share']:.1%}"
    assert stored["protocol"] in texts(page)
    # The figure that others publish is not lost.
    labels = metrics_of(model)["PublicTest"]["flip"]
    assert f"accuracy is **{labels['accuracy']:.1%}**" in texts(page)


def test_the_people_are_read_with_the_mirror_image_alone(page: AppTest) -> None:
    by_labels(page).run().selectbox(key=READING_KEY).set_value("people").run()
    assert not page.exception
    keys = {choice.key for choice in page.selectbox}
    assert READING_KEY in keys and "metrics-views" not in keys
    assert "what FER+'s crowd decided" in texts(page)
    # A single picture is looked at with its label.
    turn(page, "why")
    assert READING_KEY not in {choice.key for choice in page.selectbox}


def test_a_cell_of_the_people_is_what_the_crowd_decided(page: AppTest) -> None:
    opened(page, part="confusions", pictures="PublicTest")
    choose_cell(page, "sad", "neutral")
    said = read_record(MODELS_DIR / "fer7", Predictions).split("PublicTest").people_verdicts()
    cell = said.where((said.words == "sad") & (said.said == "neutral"))
    assert sorted(page.dataframe[-1].value["picture"]) == sorted(cell.names.tolist())


def test_shares_are_drawn_as_said_and_counted(page: AppTest) -> None:
    opened(page, part="confidence", pictures="PublicTest")
    metrics_file = json.loads((MODELS_DIR / "fer7" / "metrics.json").read_text())
    shares = metrics_file["PublicTest"]["people"]["figures"]["people_shares"]
    assert f"calibration error of {shares['error']:.3f}" in texts(page)
    # In place of the reliability, which a majority's size does not have.
    assert "Reliability" not in texts(page)
    chart = json.loads(page.get("plotly_chart")[1].proto.spec)["data"][0]
    assert chart["y"] == pytest.approx([row["actual"] for row in shares["bins"]])


def test_the_people_are_compared_with_the_people(page: AppTest) -> None:
    opened(page, part="compare")
    assert not page.error
    assert page.main.header[0].value == (
        "7 emotions on PrivateTest, by what people say, against another"
    )
    assert page.selectbox(key="compare-fer7-people-flip").options == ["6 emotions"]


def test_ordinary_photos(page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS_DIR, models, ignore=shutil.ignore_patterns("*.keras", "*.tflite"))
    monkeypatch.setattr(explorer_data, "MODELS_DIR", models)
    (models / "fer7" / "wild.json").unlink(missing_ok=True)
    assert "python -m train wild fer7" in texts(turn(page, "photos"))
    figures = WildFigures(0.81, (0.7, 0.9), 0.6, {"happy": Recall(9, 2 / 3, (0.3, 0.9))})
    readings = (WildReading("people", figures, {"F": figures}),)
    row = MixtureRow(0.5, 0.7, 0.6, None, 0.8)
    write_record(models / "fer7", Wild("yunet", 12, 11, readings, (row,)))
    page.run()
    assert [metric.value for metric in page.metric] == ["81.0%", "60.0%"]
    recalls, mixtures = (table.value for table in page.dataframe)
    assert recalls["happy"].tolist() == ["67% of 9"] * 2
    assert recalls["photos of"].tolist() == ["Everybody", "Women"]
    assert mixtures["the crowd's, PublicTest"].tolist() == [80]


def test_peers_have_their_protocols_and_our_own_stand_beside_them(page: AppTest) -> None:
    table = next(element.value for element in page.run().markdown if "| Who |" in element.value)
    assert "trained on PrivateTest too" in table and "ImageNet" in table
    assert table.count("This app") == 2


def test_a_cell_without_the_data_set_is_a_table(page: AppTest) -> None:
    choose_cell(turn(by_labels(page), "confusions"), "sad", "neutral")
    assert "FER2013" in page.info[0].value
    assert not grids(page)
    cell = cell_of()
    table = page.dataframe[-1].value
    assert table["picture"].tolist() == cell.names.tolist()
    assert table["neutral"].is_monotonic_decreasing
    assert np.allclose(table[list(LABELS)].to_numpy(), cell.probabilities, atol=1e-6)


def test_a_cell_with_the_data_set_shows_its_pictures(pictures: AppTest) -> None:
    choose_cell(turn(by_labels(pictures), "confusions"), "sad", "neutral")
    (grid,) = grids(pictures)
    cell = cell_of()
    tiles = grid["groups"][0]["tiles"]
    assert f"**{len(cell)}** of *sad* taken for *neutral*" in texts(pictures)
    assert len(tiles) == min(60, len(cell)) and grid["atlas"]
    assert tiles[0]["lines"][0] == f"neutral {cell.probabilities[0].max():.0%}"
    assert str(cell.names[0]) in tiles[0]["title"]
    pages = next(n for n in pictures.number_input if n.label.startswith("Page"))
    pages.set_value(2).run()
    assert str(cell.names[60]) in grids(pictures)[0]["groups"][0]["tiles"][0]["title"]


def test_pictures_that_are_not_in_the_data_set_are_counted(pictures: AppTest) -> None:
    choose_cell(turn(by_labels(pictures), "confusions"), "disgust", "angry")
    count = len(cell_of(true="disgust", predicted="angry"))
    assert f"{count} of these pictures are not in the data set" in texts(pictures)


def test_rows_of_a_csv_are_not_taken_for_other_pictures(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "fer2013.csv"
    file.write_text("emotion,pixels,Usage\n4," + " ".join(["9"] * 2304) + ",PrivateTest\n")
    monkeypatch.setenv("FER2013", str(file))
    choose_cell(turn(by_labels(page), "confusions"), "sad", "neutral")
    assert "other numbers" in page.info[0].value and not grids(page)


def test_a_model_without_the_chosen_emotion(page: AppTest) -> None:
    choose_cell(turn(by_labels(page), "confusions"), "disgust", "angry")
    page.selectbox(key="metrics-model").set_value("fer6").run()
    assert not page.exception
    assert page.selectbox(key="confusion-true").value is None


def test_the_threshold_says_what_it_leaves(page: AppTest) -> None:
    # The sidebar's own, of which there is no second one.
    (slider,) = turn(by_labels(page), "confidence").slider
    slider.set_value(70).run()
    part = read_record(MODELS_DIR / "fer7", Predictions).split("PrivateTest").verdicts(FLIP)
    left = accuracy_by_coverage(part.probabilities, part.labels, np.array([0.7]))
    assert f"**{left.coverage[0]:.1%}** of the pictures" in texts(page)
    assert f"**{left.accuracy[0]:.1%}** of these" in texts(page)
    page.slider(key="threshold").set_value(100).run()
    assert "No picture" in texts(page)


def test_two_models_on_the_same_pictures(page: AppTest) -> None:
    turn(by_labels(page), "compare")
    seven, six = (
        read_record(MODELS_DIR / name, Predictions).split("PrivateTest").verdicts(FLIP)
        for name in ("fer7", "fer6")
    )
    common = seven.where(seven.words != "disgust")
    assert common.ids.tolist() == six.ids.tolist()
    result = metrics.mcnemar(common.correct, six.correct)
    shown = texts(page)
    assert f"p = {result.p_value:.3f}" in shown
    assert f"| 7 emotions alone | {result.only_first:,} |" in shown
    assert "What leaving disgust out gains and costs" in [s.value for s in page.main.header]
    assert f"**{result.only_first:,}** pictures" in shown


def test_the_sliders_move_the_probabilities(page: AppTest) -> None:
    turn(page, "robustness")
    assert any("0% of the probability moved" in m.value for m in page.markdown)
    page.slider(key="spoil-noise").set_value(60).run()
    assert not any(" 0% of the probability moved" in m.value for m in page.markdown)
    next(b for b in page.button if b.label == "As it was").click().run()
    assert page.slider(key="spoil-noise").value == 0
    assert any(" 0% of the probability moved" in m.value for m in page.markdown)


def test_a_face_is_explained_in_two_ways(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    turn(page, "why")
    assert not page.exception and len(page.get("image")) == 3
    monkeypatch.setattr(explain, "LABELS_LAYER", "other")
    looks_of.clear()
    page.run()
    assert len(page.get("image")) == 2 and "cannot follow the last layers" in page.error[0].value


def test_a_photo_of_ones_own_is_explained(page: AppTest) -> None:
    turn(page, "why").segmented_control(key="why-source").set_value("Your photo").run()
    page.file_uploader[0].set_value(("me.jpg", SAMPLE.read_bytes(), "image/jpeg")).run()
    assert not page.exception and "Largest fall" in texts(page)
    page.file_uploader[0].set_value(("no.jpg", b"no picture", "image/jpeg")).run()
    assert len(page.error) == 1 and "not a picture" in page.error[0].value


def test_what_is_not_stored_is_one_sentence(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS_DIR, models, ignore=shutil.ignore_patterns("*.keras", "*.tflite"))
    monkeypatch.setattr(explorer_data, "MODELS_DIR", models)
    (models / "fer7" / "predictions.parquet").unlink()
    (models / "fer7" / "robustness.json").unlink()
    (models / "fer7" / "crowd.json").unlink()
    (models / "fer7" / "architecture.json").write_text("{")
    for section, sentence in (
        ("confusions", "has no predictions.parquet yet"),
        ("robustness", "has no robustness.json yet"),
        ("crowd", "FER+'s votes were not given"),
        ("layers", "not valid JSON"),
    ):
        assert sentence in texts(turn(page, section))


def measure(page: AppTest, content: bytes) -> AppTest:
    """Upload an archive of face crops, and wait for what comes out."""
    turn(page, "own")
    page.file_uploader[0].set_value(("own.zip", content, "application/zip")).run()
    page.radio(key="own-how").set_value("Face crops: read them as they are").run()
    next(b for b in page.button if b.label.startswith("Measure the network")).click().run()
    run: OwnRun = page.session_state["metrics-own-run"]
    until(lambda: run.job.over)
    return page.run()


def test_own_pictures_are_measured(page: AppTest) -> None:
    files = {f"{label}/{n} ä.png": face(n) for label in ("happy", "sad") for n in range(9)}
    page = measure(page, archive_of({**files, "=1+1/sad/broken.png": b"no picture"}))
    assert not page.exception and not page.error
    assert "1 file was left out" in page.expander[0].label
    # Tables can be downloaded, and names are no formulas in them.
    assert page.dataframe[0].value["file"].tolist() == ["'=1+1/sad/broken.png"]
    assert "18 pictures" in next(m.help for m in page.metric if m.label == "Accuracy")
    assert "no picture of angry" in page.warning[0].value
    run: OwnRun = page.session_state["metrics-own-run"]
    measurement = run.job.result
    best = LABELS[int(measurement.verdicts.predicted[0])]
    choose_cell(page, "happy", best, f"own-confusion-{run.key}")
    (grid,) = grids(page)
    assert grid["atlas"] and "happy/0 ä.png" in str(grid["groups"])
    assert len(page.get("download_button")) == 2
    next(b for b in page.button if b.label == "Forget these pictures").click().run()
    assert "metrics-own-run" not in page.session_state
    assert not page.metric and page.file_uploader[0].value is None


def test_own_pictures_are_compared_by_any_column(page: AppTest) -> None:
    page = measure(page, archive_of(labelled_faces()))
    assert not page.exception and not page.error
    key = f"own-groups-{page.session_state['metrics-own-run'].key}"
    assert page.selectbox(key=f"{key}-column").options == ["Light", "Age"]
    assert page.dataframe[-1].value["light"].tolist() == ["'=night", "day"]
    assert all(" of 6" in cell for cell in page.dataframe[-1].value["all"])
    page.selectbox(key=f"{key}-column").set_value("age").run()
    assert page.dataframe[-1].value["age"].tolist() == [
        "20 to 22", "23 to 25", "26 to 28", "29 to 31",
    ]  # fmt: skip
    assert "By age, it is right most often for" in texts(page).replace("\\", "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no archive", "is no whole"),
        (archive_of({"../happy/a.png": face(1)}), "leaves its folder"),
        (archive_of({"happy/a.zip": b"PK"}), "another archive"),
        (archive_of({"joy/a.png": face(1)}), "no labelled picture"),
    ],
)
def test_an_archive_that_is_refused(page: AppTest, content: bytes, sentence: str) -> None:
    page = measure(page, content)
    assert not page.exception and sentence in page.error[0].value
    assert not page.metric
    # It is not said of the next archive.
    page.file_uploader[0].set_value(("other.zip", content, "application/zip")).run()
    assert not page.exception and not page.error
    assert "metrics-own-run" not in page.session_state


def test_what_was_tried_is_drawn_and_in_a_table(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trials = [
        Trial(change, seed, "PublicTest", 100, accuracy, 1.0, 2_500_000, adds, 800, 9.5)
        for change, seed, accuracy, adds in (
            (BASELINE, 0, 0.60, 8_000_000),
            (BASELINE, 1, 0.62, 8_000_000),
            ("wider", 0, 0.65, 30_000_000),
            ("without a part", 0, 0.59, 8_000_000),
        )
    ]
    save_trials(trials, "some", tmp_path)
    monkeypatch.setattr(tried, "TRIALS_DIR", tmp_path)
    turn(page, "training")
    assert "Plan “some”" in texts(page)
    assert "| wider | 65.00 % | +5.00 |" in texts(page)
    gains, chart = (json.loads(one.proto.spec) for one in page.get("plotly_chart")[:2])
    assert gains["data"][0]["y"] == ["without a part", "wider"]
    assert gains["data"][0]["x"] == pytest.approx([-1, 5])
    short, shipped = chart["data"]
    assert short["text"] == [BASELINE, "wider", "without a part"]
    assert short["x"] == [8, 30, 8] and short["y"] == pytest.approx([0.61, 0.65, 0.59])
    assert short["error_y"]["array"] == pytest.approx([0.0141, 0, 0], abs=1e-4)
    assert shipped["text"] == ["7 emotions", "6 emotions"]
    assert shipped["y"][0] == metrics_of("fer7")["PublicTest"]["one view"]["accuracy"]


def test_damaged_trials_are_one_sentence(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "some.json").write_text("[{")
    monkeypatch.setattr(tried, "TRIALS_DIR", tmp_path)
    turn(page, "training")
    assert "some.json cannot be read" in texts(page)
    assert page.get("plotly_chart")
