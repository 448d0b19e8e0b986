"""The headline figures of a model, how they were measured, and what others reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import streamlit as st

from fer_core.errors import FerError
from fer_core.readings import PEOPLE
from fer_core.tta import FLIP
from train.data.fer2013 import PRIVATE_TEST, TEST
from train.evaluation import metrics
from train.evaluation.records import Verdicts
from ui.common.explorer_data import HEADLINE_SPLITS, metrics_of, model_names, model_title
from ui.common.public import without_paths
from ui.metrics.choice import TEST_SPLIT_NAMES, VIEW_NAMES, Choice

_GITHUB = "https://github.com/"
_PEER_COLUMNS = ("Who", "Accuracy", "How it was measured")
# What others publish, with the protocol that their code follows.
_PEERS = (
    (
        "People",
        "https://arxiv.org/abs/1307.0414",
        "65 ± 5 %",
        "The data set's authors asked people (Goodfellow et al., 2013).",
    ),
    (
        "fer and face_classification",
        f"{_GITHUB}JustinShenk/fer",
        "65.9 %",
        "PrivateTest, one view, measured again on these files with the published weights of their "
        "mini-Xception (58 thousand parameters). PublicTest 65.23 %; 65.97 % on the 7,067 pictures "
        "of six classes, macro-F1 0.630.",
    ),
    (
        "WuJie1010, VGG19",
        f"{_GITHUB}WuJie1010/Facial-Expression-Recognition.Pytorch",
        "73.1 %",
        "PrivateTest, ten crops averaged. The best of 250 epochs, chosen on PrivateTest itself: "
        "the figure is too kind.",
    ),
    (
        "usef-kh/fer, VGG",
        f"{_GITHUB}usef-kh/fer",
        "73.1 %",
        "PublicTest, ten crops averaged. 73.28 % is what it is known for, but that network was "
        "trained on PrivateTest too; 73.06 % without.",
    ),
    (
        "LetheSec, ResNet18",
        f"{_GITHUB}LetheSec/Fer2013-Facial-Emotion-Recognition-Pytorch",
        "73.7 %",
        "PrivateTest, ten crops averaged; 300 epochs with mixup and label smoothing.",
    ),
    (
        "Residual Masking Network",
        f"{_GITHUB}phamquiluan/ResidualMaskingNetwork",
        "74.1 %",
        "PrivateTest. Begins with weights from ImageNet, 143 million parameters, pictures of "
        "224 × 224; 76.82 % with seven models together.",
    ),
)


def overview_section(choice: Choice) -> None:
    """Draw the stored figures of a choice, the protocol in words, and the peers."""
    way = PEOPLE if choice.reading == PEOPLE else choice.views
    try:
        figures = metrics_of(choice.model)[choice.split][way]
    except FerError as error:
        st.error(without_paths(str(error)), icon=":material/error:")
        return
    except KeyError:
        st.info(
            f"This was not measured yet; `python -m train evaluate {choice.model} --save` does it.",
            icon=":material/info:",
        )
        return
    st.header(choice.title)
    if choice.reading == PEOPLE:
        people_tiles(figures["figures"])
        st.markdown(benchmark_said(metrics_of(choice.model)[choice.split]))
    else:
        figure_tiles(figures)
    st.markdown(f"**How it was measured.** {figures['protocol']}")
    _all_measured()
    _peers()


def benchmark_said(measured: Mapping[str, Any]) -> str:
    """Return what the same pictures come to by FER-2013's labels, as Markdown; "" if unknown.

    Args:
        measured: What ``metrics.json`` has of a split.
    """
    figures = measured.get(FLIP)
    if figures is None:
        return ""
    low, high = figures["accuracy_interval"]
    return (
        f"**By FER-2013's labels**, the benchmark that others publish, accuracy is "
        f"**{figures['accuracy']:.1%}** ({low:.1%} to {high:.1%}) of {figures['pictures']:,} "
        f"pictures, and macro-F1 {figures['macro_f1']:.3f}; *Held against* shows the rest."
    )


def figures_of(verdicts: Verdicts) -> dict[str, Any]:
    """Measure a model's verdicts as ``evaluate`` does, without what needs the Training split.

    Args:
        verdicts: N of them, N at least 1.
    """
    confusion = metrics.confusion_matrix(
        verdicts.labels, verdicts.predicted, len(verdicts.emotions)
    )
    scores = metrics.class_scores(confusion)
    probabilities, labels = verdicts.probabilities, verdicts.labels
    return {
        "pictures": len(verdicts),
        "accuracy": float(verdicts.correct.mean()),
        "accuracy_interval": metrics.bootstrap_interval(verdicts.correct),
        "macro_f1": scores.macro_f1,
        "balanced_accuracy": scores.balanced_accuracy,
        "top2_accuracy": metrics.top_accuracy(probabilities, labels, 2),
        "log_loss": metrics.log_loss(probabilities, labels),
        "ece": metrics.expected_calibration_error(probabilities, labels),
        "labels": list(verdicts.emotions),
        "per_class": {
            label: {
                "precision": float(scores.precision[k]),
                "recall": float(scores.recall[k]),
                "f1": float(scores.f1[k]),
                "support": int(scores.support[k]),
            }
            for k, label in enumerate(verdicts.emotions)
        },
        "confusion": confusion.tolist(),
    }


def figure_tiles(figures: Mapping[str, Any]) -> None:
    """Draw a tile a figure.

    Args:
        figures: As ``figures_of`` returns them, or a record of ``metrics.json``.
    """
    low, high = figures["accuracy_interval"]
    tiles = [
        (
            "Accuracy",
            f"{figures['accuracy']:.1%}",
            f"{low:.1%} to {high:.1%}",
            f"Share of the {figures['pictures']:,} pictures classified rightly, with its 95 % "
            "bootstrap interval.",
        ),
        (
            "Macro-F1",
            f"{figures['macro_f1']:.3f}",
            "",
            "Mean over the emotions of the harmonic mean of precision and recall; rare emotions "
            "count as much as frequent ones.",
        ),
        (
            "Balanced accuracy",
            f"{figures['balanced_accuracy']:.1%}",
            "",
            "Mean over the emotions of the share that is found.",
        ),
        (
            "Top 2",
            f"{figures['top2_accuracy']:.1%}",
            "",
            "Share of pictures whose emotion is among the two most probable.",
        ),
        (
            "Log loss",
            f"{figures['log_loss']:.3f}",
            f"chance {np.log(len(figures['labels'])):.2f}",
            "Mean negative logarithm of the probability of the right emotion, in nats; "
            "confident mistakes cost most.",
        ),
        (
            "Calibration error",
            f"{figures['ece']:.3f}",
            "",
            "How far confidence and accuracy lie apart, on average (expected calibration error).",
        ),
    ]
    if "accuracy_without_leaked" in figures:
        tiles.append(
            (
                "Without duplicates",
                f"{figures['accuracy_without_leaked']:.1%}",
                f"{figures['leaked']} left out",
                "Accuracy without the test pictures that are pixel-identical to one of Training: "
                "the network has seen those.",
            )
        )
    if figures.get("accuracy_without_near_leaked") is not None:
        tiles.append(
            (
                "Without near ones",
                f"{figures['accuracy_without_near_leaked']:.1%}",
                f"{figures['near_leaked']} left out",
                "Accuracy without those that nearly are, either, such as another crop or another "
                "brightness of the same picture.",
            )
        )
    _draw(tiles)


def people_tiles(figures: Mapping[str, Any]) -> None:
    """Draw what was measured of the people's reading.

    Args:
        figures: The "figures" of a record of the people's reading in ``metrics.json``.
    """
    tiles = []
    for title, row, meaning in (
        (
            "Crowd's decision",
            figures["people"],
            "Share of the pictures whose most named emotion, as the app shows it, is the one that "
            "FER+'s crowd decided on, with its 95 % bootstrap interval.",
        ),
        (
            f"{len(figures['votes']['answers'])} answers",
            figures["votes"],
            "The same for all the crowd's answers, contempt included: the protocol of Barsoum et "
            "al. (2016), whose best network reached 85.0 % on PrivateTest.",
        ),
    ):
        low, high = row["interval"]
        tiles.append((title, f"{row['share']:.1%}", f"{low:.1%} to {high:.1%}", meaning))
    people = figures["people"]
    tiles += [
        (
            "Without duplicates",
            f"{people['without_leaked']:.1%}",
            "",
            "Without the test pictures that are pixel-identical to one of Training.",
        ),
        (
            "Macro-F1",
            f"{people['macro_f1']:.3f}",
            "",
            "Mean over the emotions of the harmonic mean of precision and recall.",
        ),
        (
            "Error of the shares",
            f"{figures['people_shares']['error']:.3f}",
            "",
            "How far the shares that the app says lie from those of the votes, on average over "
            "all bars.",
        ),
        (
            "Pictures",
            f"{people['pictures']:,}",
            f"{figures['undecided']:,} undecided",
            "Those on which the crowd decided for one of the emotions.",
        ),
    ]
    _draw(tiles)


def _draw(tiles: Iterable[tuple[str, str, str, str]]) -> None:
    with st.container(horizontal=True):
        for title, value, below, meaning in tiles:
            st.metric(
                title,
                value,
                below or None,
                delta_color="off",
                delta_arrow="off",
                help=meaning,
                border=True,
                width=170,
                height="stretch",
            )


def _all_measured() -> None:
    """Draw every measured split and number of views of every model as one table."""
    rows = []
    for model in model_names():
        try:
            measured = metrics_of(model)
        except FerError:
            continue
        rows += [
            {
                "Model": model_title(model),
                "Test pictures": TEST_SPLIT_NAMES[split],
                "Views": VIEW_NAMES[views],
                "Pictures": figures["pictures"],
                "Accuracy": 100 * figures["accuracy"],
                "from": 100 * figures["accuracy_interval"][0],
                "to": 100 * figures["accuracy_interval"][1],
                "Without duplicates": 100 * figures["accuracy_without_leaked"],
                "Macro-F1": figures["macro_f1"],
                "Log loss": figures["log_loss"],
                "Calibration error": figures["ece"],
            }
            for split in TEST_SPLIT_NAMES
            for views in VIEW_NAMES
            if (figures := measured.get(split, {}).get(views))
        ]
    percent = st.column_config.NumberColumn(format="%.1f %%")
    with st.expander("All models, splits and views, by FER-2013's labels"):
        st.dataframe(
            rows,
            hide_index=True,
            column_config={
                **dict.fromkeys(("Accuracy", "from", "to", "Without duplicates"), percent),
                **dict.fromkeys(
                    ("Macro-F1", "Log loss", "Calibration error"),
                    st.column_config.NumberColumn(format="%.3f"),
                ),
            },
        )


def _peers() -> None:
    st.header("What others reach, and how they measured")
    st.markdown(
        "Published figures on FER-2013 hardly compare: some choose their network on the very "
        "pictures that they report, some average ten crops, some begin with weights from millions "
        "of other pictures. This app's networks were trained from scratch, and nothing of them was "
        "chosen or fitted on the pictures in their rows here."
    )
    lines = [f"| {' | '.join(_PEER_COLUMNS)} |", "|---|---|---|", *_own_rows()]
    lines += [
        f"| [{who}]({where}) | **{accuracy}** | {how} |" for who, where, accuracy, how in _PEERS
    ]
    with st.container(key="metrics-peers"):
        st.markdown("\n".join(lines))


def _own_rows() -> list[str]:
    """Return a row of the peers' table for each of the app's own networks."""
    rows = []
    for model in model_names():
        split = HEADLINE_SPLITS.get(model, PRIVATE_TEST)
        try:
            figures = metrics_of(model)[split][FLIP]
        except (FerError, KeyError):
            continue
        low, high = figures["accuracy_interval"]
        where = "PublicTest and PrivateTest" if split == TEST else split
        rows.append(
            f"| This app, {model_title(model)} | **{figures['accuracy']:.1%}** | {where}, "
            f"{figures['pictures']:,} pictures and their mirror images, 95 % interval "
            f"{low:.1%} to {high:.1%}; "
            f"{figures['accuracy_without_leaked']:.1%} without the {figures['leaked']} pictures "
            "that Training has too. |"
        )
    return rows
