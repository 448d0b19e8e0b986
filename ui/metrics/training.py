"""How the networks were trained: the logs of several runs, laid over each other."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from fer_core.classifier import CONFIG_FILE, MODELS_DIR
from train.evaluation.trials import TRIALS_DIR
from ui.common.charts import CHART_CONFIG
from ui.common.layout import plain
from ui.metrics.charts import LINE_COLORS
from ui.metrics.tried import tried_section

RUNS_DIR = MODELS_DIR.parent.parent / "runs"
_LOG_FILE = "training.csv"
_POINTS_AN_EPOCH = 4


@dataclass(frozen=True, slots=True)
class RunLog:
    """What a run of training wrote down.

    Attributes:
        name: Name of the run's or the model's folder.
        epochs: Epochs done, counted from 1.
        columns: Values of each epoch by the log's names, such as "val_accuracy".
        config: The training configuration; empty where there is none.
    """

    name: str
    epochs: tuple[int, ...]
    columns: dict[str, tuple[float, ...]]
    config: dict[str, Any]


def training_section() -> None:
    """Draw loss, accuracy and learning rate of the chosen runs."""
    tried_section()
    st.header("How the networks were trained")
    logs = {log.name: log for log in _all_logs()}
    if not logs:
        st.info(
            "There is no training log here; `python -m train fit` writes one.",
            icon=":material/info:",
        )
        return
    shown = st.multiselect("Runs", list(logs), default=list(logs)[:4], key="training-runs")
    chosen = [logs[name] for name in shown]
    if not chosen:
        return
    st.caption(
        "Solid: the pictures of the validation, seen with the averaged weights. Dotted: the "
        "training pictures, varied at random, with the weights of the moment; label smoothing "
        "and the crowd's votes, where they are learned from, keep the loss up."
    )
    for column, name, title in zip(
        st.columns(2, gap="large"), ("accuracy", "loss"), ("Accuracy", "Loss"), strict=True
    ):
        with column:
            st.markdown(f"**{title}**")
            st.plotly_chart(
                _log_chart(chosen, name),
                key=f"training-{name}",
                config=CHART_CONFIG,
                alt=_log_in_words(chosen, name, title),
            )
    st.markdown("**Learning rate**")
    st.plotly_chart(
        _rate_chart(chosen),
        key="training-rate",
        config=CHART_CONFIG,
        alt=f"Learning rate by epoch of {'; '.join(log.name for log in chosen)}",
    )
    for log in chosen:
        with st.expander(f"Configuration of {plain(log.name)}"):
            st.json(log.config)


def read_logs(folder: Path) -> list[RunLog]:
    """Read the log in a folder of a run, or those of a model's members; [] without any to use."""
    try:
        with (folder / _LOG_FILE).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        members = {member["name"]: member["training"] for member in config.get("members", [])}
        if not members:
            return [_log_of(folder.name, rows, config)]
        logs = []
        for name, training in members.items():
            own = [row for row in rows if row["member"] == name]
            title = folder.name if len(members) == 1 else f"{folder.name}, {name}"
            logs.append(_log_of(title, own, training))
        return logs
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        # A run that has just begun has no whole row yet.
        return []


def _log_of(name: str, rows: list[dict[str, Any]], config: dict[str, Any]) -> RunLog:
    columns = {
        column: tuple(float(row[column]) for row in rows)
        for column in rows[0]
        # What another member wrote down and this one did not is empty.
        if column not in (None, "epoch", "member") and rows[0][column] != ""
    }
    return RunLog(name, tuple(int(row["epoch"]) + 1 for row in rows), columns, config)


def rate_at(progress: float, optimizer: dict[str, float]) -> float:
    """Return the learning rate of the schedule that ``train.training.fit`` follows.

    Args:
        progress: Share of all steps done, 0 to 1.
        optimizer: A configuration's ``peak_rate`` and ``warmup``.
    """
    peak, warmup = optimizer["peak_rate"], optimizer["warmup"]
    if progress < warmup:
        return peak / 100 + (peak - peak / 100) * progress / warmup
    return peak * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def _all_logs() -> list[RunLog]:
    folders = sorted(path.parent for path in MODELS_DIR.glob(f"*/{_LOG_FILE}"))
    for earlier in (TRIALS_DIR, RUNS_DIR):
        folders += sorted(path.parent for path in earlier.glob(f"*/{_LOG_FILE}"))
    return [log for folder in folders for log in read_logs(folder)]


def _log_chart(logs: list[RunLog], name: str) -> go.Figure:
    figure = go.Figure()
    for index, log in enumerate(logs):
        color = LINE_COLORS[index % len(LINE_COLORS)]
        for column, dash, what in (
            (f"val_{name}", "solid", "validation"),
            (name, "dot", "training"),
        ):
            if column in log.columns:
                figure.add_scatter(
                    x=log.epochs,
                    y=log.columns[column],
                    name=f"{log.name}, {what}",
                    mode="lines",
                    line={"color": color, "dash": dash, "width": 2},
                    hovertemplate=f"{log.name}, {what}: %{{y:.4g}}<extra></extra>",
                )
    figure.update_layout(_layout("" if name == "loss" else ".0%"))
    return figure


def _log_in_words(logs: list[RunLog], name: str, title: str) -> str:
    last = [
        f"{log.name} {log.columns[f'val_{name}'][-1]:.3f}"
        for log in logs
        if log.columns.get(f"val_{name}")
    ]
    return f"{title} by epoch; of the validation, in the end: {'; '.join(last) or 'not known'}"


def _rate_chart(logs: list[RunLog]) -> go.Figure:
    figure = go.Figure()
    for index, log in enumerate(logs):
        optimizer, epochs = log.config.get("optimizer"), log.config.get("epochs")
        if not optimizer or not epochs:
            continue
        steps = epochs * _POINTS_AN_EPOCH
        figure.add_scatter(
            x=[epochs * step / steps for step in range(steps + 1)],
            y=[rate_at(step / steps, optimizer) for step in range(steps + 1)],
            name=log.name,
            mode="lines",
            line={"color": LINE_COLORS[index % len(LINE_COLORS)], "width": 2},
            hovertemplate=f"{log.name}: %{{y:.3g}}<extra></extra>",
        )
    figure.update_layout(_layout(""), showlegend=True, height=260)
    return figure


def _layout(tick_format: str) -> dict[str, Any]:
    return {
        "height": 380,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        "xaxis": {"title": "Epoch", "fixedrange": True},
        "yaxis": {"tickformat": tick_format, "fixedrange": True},
    }
