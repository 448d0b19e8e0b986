"""What the probabilities are worth: reliability, and accuracy against coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from fer_core.errors import FerError
from fer_core.readings import PEOPLE
from train.evaluation.curves import accuracy_by_coverage, reliability
from train.evaluation.metrics import expected_calibration_error
from train.evaluation.records import Verdicts
from ui.common.charts import CHART_CONFIG
from ui.common.explorer_data import metrics_of
from ui.metrics.charts import (
    confidence_histogram,
    coverage_chart,
    reliability_chart,
    shares_chart,
)
from ui.metrics.choice import Choice, verdicts_of


@st.fragment
def confidence_section(choice: Choice, threshold: float) -> None:
    """Draw how reliable a model's confidence is.

    Args:
        choice: What to look at.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
    """
    verdicts = verdicts_of(choice)
    if verdicts is not None:
        st.header(f"What its confidence is worth: {choice.title}")
        confidence_browser(verdicts, threshold, "confidence", _shares_of(choice))


def _shares_of(choice: Choice) -> Mapping[str, Any] | None:
    """Return how far the bars are what people say; None where they are not to be."""
    if choice.reading != PEOPLE:
        return None
    try:
        shares: Mapping[str, Any] = metrics_of(choice.model)[choice.split][PEOPLE]["figures"][
            "people_shares"
        ]
    except (FerError, KeyError):
        return None
    return shares


def confidence_browser(
    verdicts: Verdicts, threshold: float, key: str, shares: Mapping[str, Any] | None = None
) -> None:
    """Draw accuracy against coverage, reliability, and the histogram, with the threshold.

    Args:
        verdicts: What a model says of N pictures, N at least 1.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        key: Unique on the page.
        shares: Of bars that are shares of people, the "people_shares" of ``metrics.json``: a
            majority is right far more often than it is large, so that these are compared instead.
    """
    coverage = accuracy_by_coverage(verdicts.probabilities, verdicts.labels)
    at = int(np.searchsorted(coverage.thresholds, threshold - 1e-9))
    share, accuracy = coverage.coverage[at], coverage.accuracy[at]
    if np.isnan(accuracy):
        st.markdown("**No picture** reaches this confidence: every verdict is “uncertain”.")
    else:
        left = 1 - share
        st.markdown(
            f"**{share:.1%}** of the pictures get a verdict, and **{accuracy:.1%}** of these are "
            f"right; the other {left:.1%} are “uncertain”, being below the {threshold:.0%} that "
            "the sidebar sets."
        )
    # The charts' alternative texts are the same for all thresholds: another would draw them anew.
    half = int(np.abs(coverage.coverage - 0.5).argmin())
    left_column, right_column = st.columns(2, gap="large")
    with left_column:
        st.markdown("**Accuracy against coverage**")
        st.plotly_chart(
            coverage_chart(coverage, threshold),
            key=f"{key}-coverage",
            config=CHART_CONFIG,
            alt=f"Accuracy of the pictures that get a verdict: {coverage.accuracy[0]:.0%} of all, "
            f"{coverage.accuracy[half]:.0%} of the surest {coverage.coverage[half]:.0%}",
        )
    with right_column:
        if shares is None:
            _reliability(verdicts, key)
        else:
            _shares(shares, key)
    st.markdown("**How confident it is**")
    st.plotly_chart(
        confidence_histogram(verdicts, threshold),
        key=f"{key}-histogram",
        config=CHART_CONFIG,
        alt=f"Pictures by confidence, {int(verdicts.correct.sum()):,} right and "
        f"{int((~verdicts.correct).sum()):,} wrong",
    )


def _reliability(verdicts: Verdicts, key: str) -> None:
    error = expected_calibration_error(verdicts.probabilities, verdicts.labels)
    st.markdown("**Reliability**")
    st.plotly_chart(
        reliability_chart(reliability(verdicts.probabilities, verdicts.labels)),
        key=f"{key}-reliability",
        config=CHART_CONFIG,
        alt=f"Accuracy by confidence; the gaps between them make an error of {error:.3f}",
    )
    st.caption(
        "Where a bar ends below the line, the network is surer than it should be. The gaps, "
        f"weighed by their pictures, make the calibration error of {error:.3f}."
    )


def _shares(figures: Mapping[str, Any], key: str) -> None:
    """Draw whether the bars are what people say, every bar and not the highest alone."""
    pairs = [f"{row['forecast']:.0%} said, {row['actual']:.0%} counted" for row in figures["bins"]]
    st.markdown("**Shares of people: said and counted**")
    st.plotly_chart(
        shares_chart(figures["bins"]),
        key=f"{key}-shares",
        config=CHART_CONFIG,
        alt=f"Shares of the votes: {'; '.join(pairs)}",
    )
    st.caption(
        "A bar says of how many people it would be the answer; the votes say of how many it was. "
        f"The gaps, weighed by the {sum(row['bars'] for row in figures['bins']):,} bars, make a "
        f"calibration error of {figures['error']:.3f}."
    )
