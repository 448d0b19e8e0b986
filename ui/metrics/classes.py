"""Emotion by emotion: precision, recall and F1, ROC and precision-recall curves."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.labels import color_of
from train.evaluation.curves import Curve, precision_recall_curve, roc_curve
from train.evaluation.metrics import ClassScores, class_scores, confusion_matrix
from train.evaluation.records import Verdicts
from ui.common.charts import CHART_CONFIG
from ui.metrics.charts import GRAY, curves_chart
from ui.metrics.choice import Choice, verdicts_of

# A screen has no more points than this to tell apart.
_POINTS = 400


@st.fragment
def classes_section(choice: Choice) -> None:
    """Draw the scores and curves of every emotion."""
    verdicts = verdicts_of(choice)
    if verdicts is None:
        return
    st.header(f"Emotion by emotion: {choice.title}")
    class_browser(verdicts, "classes")
    st.markdown("**Curves: one emotion against all others**")
    st.caption(
        "Each point is a probability from which on a picture counts as the emotion. The area under "
        "a ROC curve is the chance that a picture of the emotion gets a higher probability than "
        "another one; of rare emotions, precision and recall tell more. Click a name to hide it."
    )
    shown = st.multiselect(
        "Emotions",
        verdicts.emotions,
        default=verdicts.emotions,
        format_func=str.capitalize,
        key=f"curves-{len(verdicts.emotions)}",
    )
    positions = [verdicts.emotions.index(label) for label in shown]
    left, right = st.columns(2, gap="large")
    for column, title, kind, roc in (
        (left, "ROC, with the area under it", roc_curve, True),
        (right, "Precision and recall, with the average precision", precision_recall_curve, False),
    ):
        curves = {
            verdicts.emotions[k]: thinned(kind(verdicts.probabilities[:, k], verdicts.labels == k))
            for k in positions
        }
        with column:
            st.markdown(title)
            areas = ", ".join(f"{label} {curve.area:.3f}" for label, curve in curves.items())
            st.plotly_chart(
                curves_chart(curves, roc=roc),
                key=f"curve-{roc}",
                config=CHART_CONFIG,
                alt=f"{title}: {areas or 'no emotion is chosen'}",
            )
    if shown:
        exact = np.array(
            [
                [
                    kind(verdicts.probabilities[:, k], verdicts.labels == k).area
                    for kind in (roc_curve, precision_recall_curve)
                ]
                for k in positions
            ]
        )
        roc_mean, precision_mean = np.nanmean(exact, axis=0)
        st.caption(
            f"Mean of these emotions: area under the ROC curve **{roc_mean:.3f}**, average "
            f"precision **{precision_mean:.3f}**."
        )


def thinned(curve: Curve, most: int = _POINTS) -> Curve:
    """Return a curve with as many points as can be seen; its area stays the exact one."""
    if len(curve.x) <= most:
        return curve
    rows = np.unique(np.linspace(0, len(curve.x) - 1, most).round().astype(np.int64))
    return Curve(curve.x[rows], curve.y[rows], curve.thresholds[rows], curve.area)


def class_browser(verdicts: Verdicts, key: str) -> None:
    """Draw precision, recall, F1 and support of every emotion, as a chart and as a table."""
    scores = class_scores(
        confusion_matrix(verdicts.labels, verdicts.predicted, len(verdicts.emotions))
    )
    chart, table = st.columns(2, gap="large")
    with chart:
        st.plotly_chart(
            _scores_chart(scores, verdicts.emotions),
            key=f"{key}-scores",
            config=CHART_CONFIG,
            alt=f"Precision, recall and F1 of each emotion; F1 is highest for "
            f"{verdicts.emotions[int(scores.f1.argmax())]}, {scores.f1.max():.3f}, and lowest for "
            f"{verdicts.emotions[int(scores.f1.argmin())]}, {scores.f1.min():.3f}",
        )
    columns = {
        "precision": 100 * scores.precision,
        "recall": 100 * scores.recall,
        "F1": scores.f1,
        "pictures": scores.support,
    }
    with table:
        st.dataframe(
            {"emotion": [label.capitalize() for label in verdicts.emotions], **columns},
            hide_index=True,
            column_config={
                name: st.column_config.NumberColumn(format=form)
                for name, form in (("precision", "%.1f %%"), ("recall", "%.1f %%"), ("F1", "%.3f"))
            },
        )
        st.caption(
            "Precision: of those called so, how many are. Recall: of those that are, how many are "
            "found. F1, the bar: the harmonic mean of both."
        )


def _scores_chart(scores: ClassScores, emotions: tuple[str, ...]) -> go.Figure:
    figure = go.Figure()
    names = [label.capitalize() for label in emotions]
    colors = [color_of(label) for label in emotions]
    for name, values, symbol in (
        ("Precision", scores.precision, "triangle-up"),
        ("Recall", scores.recall, "circle"),
    ):
        # The legend tells shapes apart; in the first emotion's colour it would seem to be of that.
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=name,
            marker={"symbol": symbol, "size": 11, "color": GRAY},
        )
        figure.add_scatter(
            x=values,
            y=names,
            mode="markers",
            showlegend=False,
            marker={"symbol": symbol, "size": 11, "color": colors},
            hovertemplate=f"%{{y}}: {name.lower()} %{{x:.1%}}<extra></extra>",
        )
    figure.add_bar(
        x=scores.f1,
        y=names,
        orientation="h",
        name="F1 (bar)",
        showlegend=False,
        marker={"color": colors, "opacity": 0.35},
        hovertemplate="%{y}: F1 %{x:.3f}<extra></extra>",
    )
    return figure.update_layout(
        height=40 * len(emotions) + 80,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"range": [0, 1], "tickformat": ".0%", "fixedrange": True},
        # The legend's points come first and have no name: by them, it would be an axis of numbers.
        yaxis={"type": "category", "autorange": "reversed", "fixedrange": True},
    )
