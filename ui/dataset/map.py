"""The map of the pictures, as the network sees them: near ones look alike to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer_core.errors import ModelError
from fer_core.labels import color_of
from train.evaluation.records import Features, Predictions
from ui.common.explorer_data import model_title, stored
from ui.common.pager import pager
from ui.common.public import without_paths
from ui.dataset.browser import choose_model
from ui.dataset.state import Collection
from ui.dataset.tiles import AS_STORED, Shown, said_of, show_tiles

_PER_PAGE = 60
_SELECTED_KEY = "map-selected"
_HEIGHT = 620
_TESTS, _ALL = "test", "all"
_PARTS = {_TESTS: "Both tests", "Training": "Training", _ALL: "All"}
_LABEL, _PREDICTED, _RESULT = "label", "predicted", "result"
_COLORINGS = {_LABEL: "Label", _PREDICTED: "What the network says", _RESULT: "Right or wrong"}
_RESULT_COLORS = {"right": "#7D8FA3", "wrong": "#D55E00"}
_MAP_CONFIG = {
    "displaylogo": False,
    "scrollZoom": True,
    "displayModeBar": True,
    "modeBarButtonsToRemove": ["toImage", "autoScale2d"],
}


def show_map(found: Collection, chosen_model: str) -> None:
    """Draw the map, and the pictures around which a lasso was drawn."""
    model = choose_model(found, chosen_model, key="map-model")
    if model is None:
        st.info("There are no stored predictions to draw a map from.", icon=":material/info:")
        return
    try:
        features = stored(Features, model)
    except ModelError as error:
        st.info(without_paths(str(error)), icon=":material/info:")
        return
    left, right = st.columns(2)
    with left:
        part = _choice("Pictures", _PARTS, "map-part")
    with right:
        coloring = _choice("Coloured by", _COLORINGS, "map-coloring")
    said = found.predictions[model]
    positions = in_part(said, part)
    learned = " The network has learned Training by heart." if part != _TESTS else ""
    st.caption(
        "Draw a line around points to see their pictures. t-SNE of the features before the last "
        f"layer: what lies close together looks alike to the network for {model_title(model)}; "
        f"distances between far groups mean nothing.{learned} {AS_STORED}"
    )
    key = f"map-{model}-{part}-{coloring}"
    st.plotly_chart(
        feature_map(said, features, positions, coloring),
        key=key,
        on_select=partial(_remember, key),
        selection_mode=("lasso", "box", "points"),
        config=_MAP_CONFIG,
        alt=f"Map of {len(positions):,} pictures as points, near each other where the network "
        f"sees them alike, coloured by: {_COLORINGS[coloring].lower()}",
    )
    chart, selected = st.session_state.get(_SELECTED_KEY, ("", []))
    if chart == key:
        _show_selected(found, said, model, selected)


def _remember(key: str) -> None:
    """Keep what is selected: a chart forgets it while a picture's own page is shown."""
    points = st.session_state[key].selection.points
    st.session_state[_SELECTED_KEY] = key, selected_positions(points)


def _choice(label: str, titles: Mapping[str, str], key: str) -> str:
    chosen: str = st.segmented_control(
        label,
        list(titles),
        default=next(iter(titles)),
        format_func=titles.__getitem__,
        required=True,
        key=key,
        persist_state="session",
        wrap=True,
    )
    return chosen


def in_part(said: Predictions, part: str) -> NDArray[np.int64]:
    """Return the positions of the pictures of a part: "test", "all", or a split's name."""
    training = said.splits == "Training"
    return np.flatnonzero({_TESTS: ~training, _ALL: np.ones_like(training)}.get(part, training))


def feature_map(
    said: Predictions, features: Features, positions: NDArray[np.int64], coloring: str
) -> go.Figure:
    """Draw one point per picture, on the graphics card; its ``customdata`` is its position.

    Args:
        said: What the model says of the pictures.
        features: Where its network puts them.
        positions: int64 ``(M,)``, those to draw.
        coloring: "label", "predicted" or "result".
    """
    verdicts = said.verdicts()
    values = {
        _LABEL: verdicts.words,
        _PREDICTED: verdicts.said,
        _RESULT: np.where(verdicts.correct, "right", "wrong"),
    }[coloring][positions]
    names = tuple(_RESULT_COLORS) if coloring == _RESULT else said.class_set.labels
    figure = go.Figure()
    for name in names:
        own = positions[values == name]
        figure.add_scattergl(
            x=features.map_xy[own, 0],
            y=features.map_xy[own, 1],
            customdata=own,
            name=f"{name.capitalize()} ({len(own):,})",
            mode="markers",
            marker={
                "color": _RESULT_COLORS.get(name) or color_of(name),
                "size": 5 if len(positions) < 10_000 else 3,
                "opacity": 0.75,
            },
            # Selected points keep their look; the others step back.
            unselected={"marker": {"opacity": 0.12}},
            hovertemplate=f"{name}<extra></extra>",
        )
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False, "title": None}
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="lasso",
        xaxis=axis,
        yaxis={**axis, "scaleanchor": "x"},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "itemsizing": "constant"},
    )
    return figure


def selected_positions(points: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the positions of the points that a lasso, a box or a click selects."""
    positions = []
    for point in points:
        data = point["customdata"]
        # Plotly wraps single values in lists, and the browser lists in objects.
        while isinstance(data, (list, tuple, Mapping)):
            data = next(iter(data.values())) if isinstance(data, Mapping) else data[0]
        positions.append(int(data))
    return sorted(set(positions))


def _show_selected(found: Collection, said: Predictions, model: str, positions: list[int]) -> None:
    if not positions:
        return
    st.markdown(f"**{len(positions):,}** pictures selected")
    start, end = pager(len(positions), _PER_PAGE, key="map-page")
    shows = [
        Shown(picture, (said_of(found, picture, model),))
        for picture in said.ids[positions[start:end]].tolist()
    ]
    show_tiles(found, [("", shows)], key="map-pictures")
