from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.classifier import MODELS_DIR
from fer_core.readings import READINGS
from train.data.archives import Skipped
from train.evaluation.corruptions import CORRUPTIONS, corrupt
from train.evaluation.curves import roc_curve
from train.evaluation.custom_dataset import Measurement
from train.evaluation.metrics import confusion_matrix
from train.evaluation.records import (
    Architecture,
    LayerRow,
    Predictions,
    Robustness,
    RobustnessRow,
    Verdicts,
)
from train.evaluation.storage import read_record
from ui.common.explorer_data import stored
from ui.common.jobs import Job, JobQueue, JobState
from ui.common.resources import get_classifier
from ui.common.why import looks_shown, overlay
from ui.metrics.charts import (
    BY_COLUMN,
    BY_ROW,
    COUNTS,
    confidence_histogram,
    confusion_chart,
    normalized,
)
from ui.metrics.classes import thinned
from ui.metrics.compare import confusion_difference, on_common
from ui.metrics.groups import compared, groups_chart, groups_csv, groups_of
from ui.metrics.network import boxes_of, graph_of
from ui.metrics.overview import figures_of
from ui.metrics.own_runs import figures_json, start_run, verdicts_csv
from ui.metrics.robustness import spoil
from ui.metrics.said import how_good, how_sure, said_of, what_it_confuses
from ui.metrics.sections import GROUPS
from ui.metrics.tradeoff import without
from ui.metrics.training import rate_at, read_logs


def verdicts(names: str, emotions: tuple[str, ...], labels: list[int], rows: list) -> Verdicts:
    return Verdicts(np.array(list(names)), emotions, np.array(labels), np.array(rows, np.float32))


SEVEN_EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SEVEN = verdicts("abcd", ("x", "y", "z"), [0, 1, 2, 0], [
    [0.8, 0.1, 0.1], [0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [0.3, 0.6, 0.1],
])  # fmt: skip
SIX = verdicts("dbe", ("x", "z"), [0, 1, 1], [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])


@pytest.mark.parametrize("name", ["fer7", "fer6"])
@pytest.mark.parametrize(
    ("split", "views"), [("PrivateTest", "one view"), ("test", "flip"), ("PublicTest", "crops")]
)
def test_figures_are_those_of_evaluate(name: str, split: str, views: str) -> None:
    part = read_record(MODELS_DIR / name, Predictions).split(split)
    found = figures_of(part.verdicts(views))
    wanted = json.loads((MODELS_DIR / name / "metrics.json").read_text())[split][views]
    for figure in ("pictures", "confusion", "labels"):
        assert found[figure] == wanted[figure]
    for figure in ("accuracy", "macro_f1", "balanced_accuracy", "top2_accuracy", "log_loss", "ece"):
        assert found[figure] == pytest.approx(wanted[figure], abs=1e-5)
    assert found["accuracy_interval"] == pytest.approx(wanted["accuracy_interval"])


def test_a_confusion_matrix_by_row_and_by_column() -> None:
    confusion = np.array([[3, 1], [0, 0]])
    assert normalized(confusion, COUNTS).tolist() == [[3, 1], [0, 0]]
    assert normalized(confusion, BY_ROW).tolist() == [[0.75, 0.25], [0, 0]]
    assert normalized(confusion, BY_COLUMN).tolist() == [[1, 1], [0, 0]]


def test_every_cell_of_the_chart_can_be_clicked() -> None:
    figure = confusion_chart(np.array([[3, 1], [2, 4]]), ("x", "y"), COUNTS, (1, 0))
    heat, points = figure.data
    assert list(zip(points.y, points.x, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert "2 pictures" in points.text[2] and heat.text[1][0] == "2"
    (frame,) = figure.layout.shapes
    assert frame.x0 < 0 < frame.x1 and frame.y0 < 1 < frame.y1


def test_a_thinned_curve_keeps_its_ends_and_its_area() -> None:
    rng = np.random.default_rng(0)
    curve = roc_curve(rng.random(5000), rng.random(5000) < 0.3)
    short = thinned(curve, 100)
    assert len(short.x) == 100 and short.area == curve.area
    assert (short.x[0], short.y[0], short.x[-1], short.y[-1]) == (0, 0, 1, 1)
    assert thinned(short, 100) is short


def test_the_pictures_that_two_models_both_know() -> None:
    first, second = on_common(SEVEN, SIX)
    # "b" has another label in the other one.
    assert first.names.tolist() == second.names.tolist() == ["d"]
    assert first.words.tolist() == second.words.tolist() == ["x"]


def test_the_difference_of_two_matrices() -> None:
    difference, columns = confusion_difference(*on_common(SEVEN, SIX))
    assert columns == ["x", "y", "z"]
    # The first takes "d" for y, the second for x.
    assert difference.tolist() == [[-1, 1, 0], [0, 0, 0]]


def test_told_that_an_emotion_does_not_occur() -> None:
    kept = SEVEN.where(SEVEN.labels != 1)
    told = without(kept, ["y"])
    assert told.emotions == ("x", "z") and told.labels.tolist() == [0, 1, 0]
    assert told.probabilities[2] == pytest.approx([0.75, 0.25])
    assert told.correct.all() and not kept.correct.all()


@pytest.mark.training
@pytest.mark.parametrize("progress", [0, 0.02, 0.05, 0.3, 0.7, 1])
def test_the_learning_rate_is_that_of_the_schedule(progress: float) -> None:
    steps, warmup = 1000, 50
    import keras

    schedule = keras.optimizers.schedules.CosineDecay(
        0.1 / 100, steps - warmup, warmup_target=0.1, warmup_steps=warmup
    )
    rate = rate_at(progress, {"peak_rate": 0.1, "warmup": 0.05})
    assert rate == pytest.approx(float(schedule(round(progress * steps))), abs=1e-7)


@pytest.mark.parametrize("content", [None, "", "epoch,loss\n", "epoch,loss\n0,nothing\n"])
def test_a_log_that_has_just_begun(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "config.json").write_text("{}")
    if content is not None:
        (tmp_path / "training.csv").write_text(content)
    assert read_logs(tmp_path) == []


def test_the_shipped_logs_are_read() -> None:
    logs = read_logs(MODELS_DIR / "fer7")
    assert [log.name for log in logs] == ["fer7, fer7-a", "fer7, fer7-b"]
    for log in logs:
        assert len(log.columns["val_accuracy"]) == len(log.epochs) > 1
        # A campaign looks at its networks a few times, the last time at the end.
        assert list(log.epochs) == sorted(log.epochs) and log.epochs[-1] == log.config["epochs"]


def test_small_layers_are_drawn_inside_the_one_before_them() -> None:
    layers = [
        LayerRow("in", "InputLayer", (), (48, 48, 1), 0, 0, ""),
        LayerRow("conv", "Conv2D", ("in",), (48, 48, 4), 36, 100, "3×3"),
        LayerRow("norm", "BatchNormalization", ("conv",), (48, 48, 4), 16, 0, ""),
        LayerRow("relu", "ReLU", ("norm",), (48, 48, 4), 0, 0, ""),
        LayerRow("side", "Conv2D", ("relu",), (48, 48, 4), 16, 50, "1×1"),
        LayerRow("sum", "Add", ("relu", "side"), (48, 48, 4), 0, 0, ""),
    ]
    boxes = boxes_of(layers)
    assert [[row.name for row in box.rows] for box in boxes] == [
        ["in"], ["conv", "norm", "relu"], ["side"], ["sum"],
    ]  # fmt: skip
    assert [box.inputs for box in boxes] == [[], [0], [1], [1, 2]]


@pytest.mark.parametrize("name", ["fer7", "fer6"])
def test_every_layer_of_a_network_is_in_its_drawing(name: str) -> None:
    architecture = stored(Architecture, name)
    graph = graph_of(architecture)
    assert sum(len(box.rows) for box in boxes_of(architecture.layers)) == len(architecture.layers)
    convolutions = sum(layer.kind == "Conv2D" for layer in architecture.layers)
    dense = sum(layer.kind == "Dense" for layer in architecture.layers)
    assert graph.count("Convolution") == convolutions and graph.count("Fully connected") == dense


def test_sliders_spoil_as_the_measured_robustness_does() -> None:
    face = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    nothing = {kind: way.none for kind, way in CORRUPTIONS.items()}
    assert np.array_equal(spoil(face, nothing), face)
    noisy = corrupt(face, "noise", 30, np.random.default_rng(5))
    assert np.array_equal(spoil(face, {**nothing, "noise": 30}, seed=5), noisy)


def test_a_veil_is_warm_cool_or_nothing() -> None:
    face = np.full((48, 48), 100, np.uint8)
    values = np.zeros((48, 48), np.float32)
    values[:, :12], values[:, -12:] = 1, -1
    drawn = cv2.imdecode(np.frombuffer(overlay(face, values, 240), np.uint8), cv2.IMREAD_COLOR)
    left, middle, right = (drawn[120, x].astype(int) for x in (5, 120, 235))
    assert left[2] > left[0] and right[0] > right[2]
    assert middle.tolist() == [100, 100, 100]


def test_the_veil_of_grad_cam_is_from_what_speaks_least_to_what_speaks_most() -> None:
    face = np.full((48, 48), 100, np.uint8)
    looks = np.full((48, 48), 0.6, np.float32)
    looks[:, :12], looks[:, -12:] = 1.0, 0.8
    drawn = cv2.imdecode(np.frombuffer(looks_shown(face, looks, 240), np.uint8), cv2.IMREAD_COLOR)
    left, middle, right = (drawn[120, x].astype(int) for x in (5, 120, 235))
    assert left[2] > right[2] > middle[2] == 100 and middle.tolist() == [100, 100, 100]
    for level in (0.0, 1.0):
        whole = looks_shown(face, np.full((48, 48), level, np.float32), 240)
        assert (cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR) == 100).all()


def measurement() -> Measurement:
    return Measurement(
        Verdicts(
            np.array(["happy/1.png", "=sad/2.png"]),
            SEVEN_EMOTIONS,
            np.array([3, 4]),
            np.eye(7, dtype=np.float32)[[3, 0]],
        ),
        np.zeros((2, 48, 48), np.uint8),
        (Skipped("sad/3.png", "The file is damaged."),),
    )


def test_downloads_of_own_pictures() -> None:
    run = start_run(JobQueue(), "me", ("own.zip", b"no archive"), get_classifier("fer7"), None)
    rows = [line.split(",") for line in verdicts_csv(measurement()).splitlines()]
    assert rows[1][:3] == ["happy/1.png", "happy", "happy"]
    # What a spreadsheet would take for a formula is text.
    assert rows[2][:3] == ["'=sad/2.png", "sad", "angry"]
    assert rows[3][0] == "sad/3.png" and rows[3][-1] == "The file is damaged."
    record = json.loads(figures_json(run, measurement()))
    assert record["accuracy"] == 0.5 and record["read_as"] == "face crops"
    assert np.array_equal(
        record["confusion"], confusion_matrix(np.array([3, 4]), np.array([3, 0]), 7)
    )


def test_groups_are_compared_drawn_and_taken_away() -> None:
    words = np.array(["<b>day</b>"] * 4 + ["=night"] * 3)
    labels = np.array([3, 3, 4, 4, 3, 4, 4])
    said = Verdicts(
        np.arange(7).astype(str), SEVEN_EMOTIONS, labels,
        np.eye(7, dtype=np.float32)[[3, 3, 4, 4, 0, 0, 0]],
    )  # fmt: skip
    whole = Measurement(said, np.zeros((7, 48, 48), np.uint8), ())
    found = groups_of(replace(whole, said={"light": words, "day": np.array(["monday"] * 7)}))
    assert list(found) == ["light"]
    sentence = compared("light", found["light"])
    assert "“<b>day</b>”, 100% (51% to 100%) of 4" in sentence
    assert "“=night”, 0% (0% to 56%) of 3: their intervals meet" in sentence
    day, night = groups_chart(found["light"]).data
    # Plotly reads names as HTML.
    assert day.name == "&lt;b&gt;day&lt;/b&gt;" and day.marker.symbol != night.marker.symbol
    assert list(day.x) == [1, 1, 1] and list(night.error_x.array) == pytest.approx(
        [0.56, 0.79, 0.66], abs=0.01
    )
    rows = [line.split(",") for line in groups_csv(found).splitlines()]
    assert rows[1][:5] == ["light", "<b>day</b>", "all", "4", "1.000000"]
    assert rows[4][:5] == ["light", "'=night", "all", "3", "0.000000"] and len(rows) == 7


def test_sentences_of_the_groups() -> None:
    good = how_good(0.72, 0.84, {"happy": 0.91, "fear": 0.48, "sad": 0.6})
    assert good.startswith("**It is right about seven times in ten** (72%)")
    assert "finds happy faces nine times in ten, but fear only every second time." in good
    mixed = what_it_confuses(("happy", "sad", "fear"), [[9, 1, 0], [0, 5, 0], [2, 4, 4]], "labels")
    assert (
        "take fear faces for sad**, by FER-2013's labels: so it does with 40 of a hundred" in mixed
    )
    assert "misses fear most (60 of a hundred) and sad least (0)" in mixed
    assert "no mistakes" in what_it_confuses(("happy", "sad"), [[9, 0], [0, 5]], "people")
    assert "may be taken at its word" in how_sure(0.04, None, "labels")
    assert "by 4 percentage points on" in how_sure(0.04, None, "labels")
    assert "a bar is off by about one percentage point or less on" in how_sure(
        0.005, None, "people"
    )
    row = RobustnessRow("none", 0, 0.71, 0.7, 0.7, 0, 0)
    worst = replace(row, kind="blur", strength=3, accuracy=0.28)
    sturdy = how_sure(0.2, Robustness("PublicTest", 10, 0, row, (worst, row)), "labels")
    assert "rough guide" in sturdy and "blur most of all: where seven of ten" in sturdy
    assert "clean faces are read as FER-2013 labels them, only three are" in sturdy


@pytest.mark.parametrize("model", ["fer7", "fer6", "nothing"])
def test_every_group_has_its_sentence(model: str) -> None:
    for group in GROUPS.values():
        for reading in READINGS:
            assert bool(said_of(group.said, model, reading)) is (model != "nothing")


@pytest.mark.parametrize(("threshold", "hatched"), [(0, 0), (0.45, 9), (1, 20)])
def test_what_is_uncertain_is_hatched(threshold: float, hatched: int) -> None:
    part = read_record(MODELS_DIR / "fer7", Predictions).split("PrivateTest").verdicts()
    bars = confidence_histogram(part, threshold).data
    plain = [bar for bar in bars if not bar.marker.pattern.shape]
    rest = [bar for bar in bars if bar.marker.pattern.shape]
    assert [len(bar.x) for bar in rest] == [hatched] * 2 * bool(hatched)
    assert sum(int(bar.y.sum()) for bar in bars) == len(part)
    confidence = part.probabilities.max(axis=1)
    assert sum(int(bar.y.sum()) for bar in plain) == (confidence >= threshold).sum() * (
        hatched < 20
    )


class Now(JobQueue):
    """Does the work at once, in the test's own thread."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []

    def submit(self, owner, work):
        job = Job(owner, work)
        self.jobs.append(job)
        job.state = job.run()
        return job


@pytest.mark.parametrize(
    ("cancelled", "state"), [(True, JobState.CANCELLED), (False, JobState.DONE)]
)
def test_a_cancelled_measurement_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, cancelled: bool, state: JobState
) -> None:
    queue = Now()

    def pretend(content, classifier, *, detector, on_progress):
        if cancelled:
            queue.cancel(queue.jobs[0])
        on_progress(1, 2)
        return measurement()

    monkeypatch.setattr("ui.metrics.own_runs.measure_custom_dataset", pretend)
    run = start_run(queue, "me", ("a.zip", b""), get_classifier("fer7"), None)
    assert run.job.state is state
    assert (run.job.result is None) is cancelled
    assert run.job.progress == (1, 2)
