"""The network layer by layer: a table with shapes and costs, and a drawing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from fer_core.errors import FerError
from train.evaluation.records import Architecture, LayerRow
from ui.common.explorer_data import model_title, stored
from ui.common.public import without_paths

_TITLES = {
    "InputLayer": "Face",
    "Conv2D": "Convolution",
    "BatchNormalization": "batch normalisation",
    "ReLU": "ReLU",
    "MaxPooling2D": "Max pooling",
    "GlobalAveragePooling2D": "Mean of each channel",
    "Add": "Sum",
    "Dense": "Fully connected",
    "Dropout": "dropout",
    "SpatialDropout2D": "channel dropout",
    "Flatten": "Flatten",
}
# What is drawn inside the box of the layer before it.
_FOLDED = ("BatchNormalization", "ReLU", "Dropout", "SpatialDropout2D")
# Dark text on light boxes, so that the drawing is readable on both backgrounds.
_FILLS = {
    "Conv2D": "#BFDDF2",
    "Dense": "#BFDDF2",
    "MaxPooling2D": "#F7D9B5",
    "GlobalAveragePooling2D": "#F7D9B5",
    "Add": "#CDE6D9",
}
_PLAIN_FILL = "#E4E7EB"
_HEIGHT = 700


def network_section(model: str) -> None:
    """Draw a model's layers as a table and as a graph."""
    st.header(f"The network: {model_title(model)}")
    try:
        architecture = stored(Architecture, model)
    except FerError as error:
        st.info(without_paths(str(error)), icon=":material/info:")
        return
    st.markdown(
        f"**{architecture.parameters:,}** parameters and **{architecture.multiply_adds / 1e6:.0f} "
        f"million** multiply-adds for one face, in {len(architecture.layers)} layers. Batch "
        "normalisation is folded into its convolution when the network is served."
    )
    table, drawing = st.columns([3, 2], gap="large")
    with table:
        _table(architecture)
    with drawing, st.container(height=_HEIGHT):
        st.graphviz_chart(
            graph_of(architecture), width="stretch", alt=f"The layers of {model} as a graph."
        )


@dataclass(slots=True)
class Box:
    """A layer of a drawing, with those that are drawn inside it.

    Attributes:
        rows: The layer and what follows it.
        inputs: Numbers of the boxes that it reads.
    """

    rows: list[LayerRow]
    inputs: list[int]


def boxes_of(layers: Sequence[LayerRow]) -> list[Box]:
    """Put batch normalisation, activation and dropout into the box of the layer before them."""
    readers = Counter(name for layer in layers for name in layer.inputs)
    boxes: list[Box] = []
    box_of: dict[str, int] = {}
    for layer in layers:
        before = layer.inputs[0] if len(layer.inputs) == 1 else ""
        # A value that two layers read must keep a box of its own to draw both lines from.
        if layer.kind in _FOLDED and readers[before] == 1:
            box_of[layer.name] = box_of[before]
            boxes[box_of[before]].rows.append(layer)
        else:
            box_of[layer.name] = len(boxes)
            boxes.append(Box([layer], [box_of[name] for name in layer.inputs]))
    return boxes


def graph_of(architecture: Architecture) -> str:
    """Return a network as a graph in Graphviz' language."""
    most = max((layer.multiply_adds for layer in architecture.layers), default=0)
    lines = [
        "digraph {",
        'bgcolor="transparent"',
        "nodesep=0.25 ranksep=0.22",
        'node [shape=box style="filled,rounded" color="#8A949E" fontname="sans-serif" '
        'fontsize=11 fontcolor="#1B2430" margin="0.12,0.06"]',
        'edge [color="#8A949E" arrowsize=0.6 penwidth=1.2]',
    ]
    for number, box in enumerate(boxes_of(architecture.layers)):
        first, last = box.rows[0], box.rows[-1]
        title = f"{_TITLES.get(first.kind, first.kind)} {first.settings}".strip()
        inside = ", ".join(_TITLES.get(row.kind, row.kind) for row in box.rows[1:])
        cost = sum(row.multiply_adds for row in box.rows)
        texts = [title, inside, _shape(last), f"{cost / 1e6:.3g} M multiply-adds" if cost else ""]
        label = "\\n".join(text for text in texts if text)
        fill = _FILLS.get(first.kind, _PLAIN_FILL)
        width = 1 + 2 * (cost / most if most else 0)
        lines.append(f'n{number} [label="{label}" fillcolor="{fill}" penwidth={width:.1f}]')
        lines += [f"n{source} -> n{number}" for source in box.inputs]
    return "\n".join([*lines, "}"])


def _shape(layer: LayerRow) -> str:
    return " × ".join(map(str, layer.output_shape))


def _table(architecture: Architecture) -> None:
    layers = architecture.layers
    st.dataframe(
        {
            "layer": [layer.name for layer in layers],
            "kind": [f"{layer.kind} {layer.settings}".strip() for layer in layers],
            "output": [_shape(layer) for layer in layers],
            "parameters": [layer.parameters for layer in layers],
            "multiply-adds": [layer.multiply_adds for layer in layers],
            "reads": [", ".join(layer.inputs) for layer in layers],
        },
        hide_index=True,
        height=_HEIGHT,
        column_config={
            name: st.column_config.NumberColumn(format="localized")
            for name in ("parameters", "multiply-adds")
        },
    )
