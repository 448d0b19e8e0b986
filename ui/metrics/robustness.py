"""How much a spoilt picture costs: measured curves, and sliders on one face."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from fer_core.detection import FaceDetector
from fer_core.errors import FerError
from fer_core.labels import color_of
from fer_core.preprocessing import resize_face
from fer_core.readings import LABELS
from train.evaluation.corruptions import CORRUPTIONS, corrupt
from train.evaluation.records import Robustness
from ui.common.charts import CHART_CONFIG
from ui.common.explorer_data import model_names, model_title, stored
from ui.common.images import enlarged
from ui.common.layout import plain
from ui.common.public import without_paths
from ui.common.resources import get_classifier
from ui.common.square import square_image
from ui.metrics.charts import GRAY, LINE_COLORS
from ui.metrics.choice import BY_LABELS, Choice, choose_model
from ui.metrics.faces import choose_face

MEASURES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "mean_confidence": "Mean confidence",
    "mean_change": "Mean change of the probabilities",
    "changed": "Share of verdicts that change",
}
_COLUMNS = 3
_SEED = 0
_ENLARGED_SIDE = 192


def robustness_section(detector: FaceDetector) -> None:
    """Draw accuracy on spoilt pictures, and sliders that spoil a chosen face."""
    st.header("Spoilt pictures")
    _measured()
    st.header("Try it on a face")
    st.caption(BY_LABELS)
    _live(choose_model(), detector)


@st.fragment
def _measured() -> None:
    """Draw the stored curves of all models."""
    curves: dict[str, Robustness] = {}
    faults = []
    for model in model_names():
        try:
            curves[model] = stored(Robustness, model)
        except FerError as error:
            faults.append(str(error))
    if not curves:
        st.info(without_paths(" ".join(faults)), icon=":material/info:")
        return
    measure = st.selectbox(
        "Measure",
        list(MEASURES),
        format_func=MEASURES.__getitem__,
        key="robustness-measure",
        width=320,
    )
    st.caption(
        f"{measured_on(curves)} Each picture is read as FER-2013 is labelled, without its mirror "
        "image, and held against its label. The dotted lines are the same pictures unspoilt."
    )
    st.plotly_chart(
        robustness_chart(curves, measure),
        key="robustness",
        config=CHART_CONFIG,
        alt=_curves_in_words(curves, measure),
    )
    for fault in faults:
        st.caption(without_paths(fault))


def measured_on(curves: Mapping[str, Robustness]) -> str:
    """Return on which pictures the curves were measured, as sentences."""
    models: dict[tuple[int, str], list[str]] = {}
    for model, found in curves.items():
        models.setdefault((found.pictures, found.split), []).append(model_title(model))
    return " ".join(
        f"The curves of {' and '.join(names)} are those of {pictures:,} pictures of {split}, "
        "whatever is chosen elsewhere on this page."
        for (pictures, split), names in models.items()
    )


def robustness_chart(curves: Mapping[str, Robustness], measure: str) -> go.Figure:
    """Draw one small chart per kind of corruption, with one line per model.

    Args:
        curves: What was measured, by the model's name.
        measure: One of ``MEASURES``.
    """
    kinds = [
        kind for kind in CORRUPTIONS if any(_points(c, kind, measure) for c in curves.values())
    ]
    rows = -(-len(kinds) // _COLUMNS)
    figure = make_subplots(
        rows,
        _COLUMNS,
        shared_yaxes="all",
        subplot_titles=[
            f"{CORRUPTIONS[kind].title}<br><sup>{CORRUPTIONS[kind].unit}</sup>" for kind in kinds
        ],
        vertical_spacing=0.34 / rows,
        horizontal_spacing=0.04,
    )
    unspoilt: list[dict[str, Any]] = []
    for number, kind in enumerate(kinds):
        row, column = divmod(number, _COLUMNS)
        axis = str(number + 1) if number else ""
        for index, (model, found) in enumerate(curves.items()):
            color = LINE_COLORS[index % len(LINE_COLORS)]
            points = sorted(
                [*_points(found, kind, measure), (CORRUPTIONS[kind].none, _of(found, measure))]
            )
            figure.add_scatter(
                x=[strength for strength, _ in points],
                y=[value for _, value in points],
                mode="lines+markers",
                name=model_title(model),
                legendgroup=model,
                showlegend=number == 0,
                line={"color": color, "width": 2},
                hovertemplate=f"{model_title(model)}: %{{y:.1%}} at %{{x}}<extra></extra>",
                row=row + 1,
                col=column + 1,
            )
            unspoilt.append(
                {
                    "type": "line",
                    "xref": f"x{axis} domain",
                    "x0": 0,
                    "x1": 1,
                    "yref": f"y{axis}",
                    "y0": _of(found, measure),
                    "y1": _of(found, measure),
                    "line": {"color": color, "dash": "dot", "width": 1},
                }
            )
    figure.update_annotations(font_size=12)
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True, tickformat=".0%", rangemode="tozero")
    return figure.update_layout(
        # All at once: `add_hline` looks through the whole figure for each.
        shapes=unspoilt,
        height=230 * rows + 60,
        margin={"l": 8, "r": 8, "t": 56, "b": 8},
        legend={"orientation": "h", "y": -0.06, "yanchor": "top"},
    )


def _curves_in_words(curves: Mapping[str, Robustness], measure: str) -> str:
    worst = []
    for model, found in curves.items():
        row = min(found.rows, key=lambda row: row.accuracy, default=None)
        if row is not None:
            way = CORRUPTIONS[row.kind].title.lower()
            worst.append(
                f"{model_title(model)} {_of(found, measure):.0%} unspoilt and "
                f"{getattr(row, measure):.0%} with the worst {way}"
            )
    return f"{MEASURES[measure]} by how much pictures are spoilt: {'; '.join(worst)}"


def _of(found: Robustness, measure: str) -> float:
    return float(getattr(found.clean, measure))


def _points(found: Robustness, kind: str, measure: str) -> list[tuple[float, float]]:
    return [(row.strength, getattr(row, measure)) for row in found.rows if row.kind == kind]


def spoil(
    face_gray: NDArray[np.uint8], strengths: Mapping[str, float], seed: int = _SEED
) -> NDArray[np.uint8]:
    """Spoil a face in several ways, one after the other, in the order of ``CORRUPTIONS``.

    Args:
        face_gray: uint8 ``(H, W)``.
        strengths: By kind; those that change nothing may be among them.
        seed: Of the noise and the place of the occlusion.
    """
    for kind, way in CORRUPTIONS.items():
        strength = strengths.get(kind, way.none)
        if strength != way.none:
            face_gray = corrupt(face_gray, kind, strength, np.random.default_rng(seed))
    return face_gray


@st.fragment
def _live(choice: Choice, detector: FaceDetector) -> None:
    """Draw the sliders, the spoilt face, and what the network makes of it."""
    chosen = choose_face(choice, detector, "spoil")
    if chosen is None:
        return
    face = resize_face(chosen.face_gray)
    # The result stands above its sliders, so that it is seen on a telephone too.
    result = st.container()
    strengths = {}
    kinds = iter(CORRUPTIONS)
    while row := list(itertools.islice(kinds, _COLUMNS)):
        for column, kind in zip(st.columns(_COLUMNS, gap="medium"), row, strict=False):
            with column:
                strengths[kind] = _slider(kind)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("As it was", icon=":material/restart_alt:", on_click=_reset)
        seed = st.number_input("Random seed", 0, 999, key="spoil-seed", width=160)
    spoilt = spoil(face, strengths, int(seed))
    classifier = get_classifier(choice.model, LABELS)
    before, after = classifier.predict(np.stack([face, spoilt]))
    pictures, bars = result.columns(2, gap="large")
    with pictures:
        with st.container(horizontal=True, gap="xsmall"):
            for shown, caption, key, alt in (
                (face, "As it is", "spoil-face", "The face"),
                (spoilt, "Spoilt", "spoil-spoilt", "The same face, spoilt"),
            ):
                large = enlarged(shown, _ENLARGED_SIDE)
                square_image(large, caption, key=key, width=150, alt=alt)
        words = [classifier.labels[int(row.argmax())] for row in (before, after)]
        change = float(np.abs(after - before).sum() / 2)
        label = f", labelled {chosen.label}" if chosen.label else ""
        st.markdown(
            f"**{plain(chosen.name)}**{label}: **{words[0]}** {before.max():.0%} → **{words[1]}** "
            f"{after.max():.0%}; {change:.0%} of the probability moved."
        )
    bars.plotly_chart(
        moved_bars(classifier.labels, before, after),
        key="spoil-bars",
        config=CHART_CONFIG,
        # The sentence beside it has the figures: with another text here, it would be drawn anew.
        alt="Probabilities of the face as it is spoilt, with marks where they were before",
    )


def moved_bars(
    labels: tuple[str, ...], before: NDArray[np.float32], after: NDArray[np.float32]
) -> go.Figure:
    """Draw probabilities ``(K,)`` as bars, with a mark where each was before."""
    names = [label.capitalize() for label in labels]
    figure = go.Figure(
        go.Bar(
            x=after,
            y=names,
            orientation="h",
            marker_color=[color_of(label) for label in labels],
            text=[f"{value:.0%}" for value in after],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            name="spoilt",
        )
    )
    figure.add_scatter(
        x=before,
        y=names,
        mode="markers",
        marker={
            "symbol": "line-ns",
            "size": 20,
            "line": {"width": 3, "color": GRAY},
        },
        hovertemplate="%{y} as it is: %{x:.1%}<extra></extra>",
        name="as it is",
    )
    return figure.update_layout(
        height=34 * len(labels) + 40,
        margin={"l": 0, "r": 34, "t": 4, "b": 24},
        xaxis={"range": [0, 1.02], "tickformat": ".0%", "dtick": 0.25, "fixedrange": True},
        yaxis={"autorange": "reversed", "fixedrange": True, "ticksuffix": "  "},
        showlegend=False,
    )


def _slider(kind: str) -> float:
    way = CORRUPTIONS[kind]
    whole = all(float(v).is_integer() for v in (way.low, way.high, way.step, way.none))
    number = int if whole else float
    title = f"{way.title}, {way.unit}" if way.unit else way.title
    return float(
        st.slider(
            title,
            number(way.low),
            number(way.high),
            number(way.none),
            number(way.step),
            key=f"spoil-{kind}",
        )
    )


def _reset() -> None:
    for kind in CORRUPTIONS:
        st.session_state.pop(f"spoil-{kind}", None)
