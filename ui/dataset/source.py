"""Where the data set comes from, whether it is whole, and how its classes are balanced."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.labels import FER7
from train.data.fer2013 import EXPECTED_COUNTS, FaceSet, count_faults
from ui.common.charts import CHART_CONFIG
from ui.common.explorer_data import DATA_VARIABLE, data_place, dataset_fault, set_data_place
from ui.common.layout import plain
from ui.common.public import is_public, without_paths
from ui.dataset.rows import class_counts
from ui.dataset.state import Collection, set_votes_place, votes, votes_place
from ui.dataset.tiles import SPLIT_NAMES

_SPLIT_COLORS = {"Training": "#0072B2", "PublicTest": "#E69F00", "PrivateTest": "#A0A9B5"}
_HOW = f"""
FER-2013 is not part of this app: its pictures are not ours to give away. Two ways lead to it.

**By Kaggle's own client, in your name.** Make an API token in the settings of your Kaggle account
and save it as `~/.kaggle/kaggle.json`, or set `KAGGLE_USERNAME` and `KAGGLE_KEY`. Then run

```
python -m train download --out fer2013
```

It fetches [msambare/fer2013](https://www.kaggle.com/datasets/msambare/fer2013), counts the
pictures, and says where they are.

**By hand.** Download it from Kaggle and give its place above: the unpacked folder, the `.zip`, a
`.tar.xz` of it, or the competition's `fer2013.csv` (whose rows have other numbers, so that stored
predictions cannot be matched with them). For every visit: set the environment variable
`{DATA_VARIABLE}`.

**FER+'s votes** come from [microsoft/FERPlus](https://github.com/microsoft/FERPlus), joined to the
file names of the pictures: a table with the columns

```
image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF
```
"""


def show_source(found: Collection) -> None:
    """Draw where the data set is, its verified counts, and the balance of its classes."""
    _place()
    if found.dataset is not None:
        _verified(found.dataset)
    elif not dataset_fault():
        st.info(
            "The data set is not here. Sections that need no pictures work without it: the class "
            "balance, the browser, the audit and the map show names and figures, and the "
            "augmentation and the pipeline work on photos.",
            icon=":material/info:",
        )
    with st.expander("How to get FER-2013", expanded=found.dataset is None):
        st.markdown(_HOW)
    _balance(found)
    if found.faults:
        with st.expander(f"What is missing ({len(found.faults)})"):
            for fault in found.faults:
                st.markdown(f"- {without_paths(fault)}")


def _place() -> None:
    if is_public():
        st.caption("Where the data set is, only those decide who run this app.")
    else:
        _ask_for_place()
    if fault := dataset_fault():
        st.error(plain(fault), icon=":material/error:")
    read, fault = votes()
    if fault:
        st.error(plain(fault), icon=":material/error:")
    elif read is not None:
        st.success(
            f"FER+'s votes on {len(read.counts):,} pictures are here.",
            icon=":material/how_to_vote:",
        )


def _ask_for_place() -> None:
    with st.form("place", border=False):
        left, right = st.columns([5, 1], vertical_alignment="bottom")
        path = left.text_input(
            "FER-2013, on the machine that runs this app",
            str(data_place() or ""),
            placeholder="A folder, .zip, .tar.xz or fer2013.csv",
        )
        given = left.text_input(
            "FER+'s votes, if you have them", str(votes_place() or ""), placeholder="ferplus.csv"
        )
        if right.form_submit_button("Use", type="primary", width="stretch"):
            set_data_place(path)
            set_votes_place(given)
            st.rerun()


def _verified(dataset: FaceSet) -> None:
    faults = count_faults(dataset)
    if not faults:
        st.success(
            f"This is the whole FER-2013: {len(dataset):,} pictures, and every split and class "
            "has as many as were published.",
            icon=":material/verified:",
        )
        return
    st.warning(
        f"This is not the whole FER-2013: {len(dataset):,} pictures, and {len(faults)} counts "
        "differ.",
        icon=":material/warning:",
    )
    with st.expander("The counts that differ"):
        st.markdown("\n".join(f"- {plain(fault)}" for fault in faults))


def _balance(found: Collection) -> None:
    st.subheader("Class balance", anchor=False)
    rows, counts = found.rows, {split: np.array(n) for split, n in EXPECTED_COUNTS.items()}
    if len(rows):
        counts = {
            split: class_counts(rows.splits, rows.emotions, FER7.labels, split) for split in counts
        }
    shares = st.toggle(
        "As shares of each split", value=True, key="balance-shares", persist_state="session"
    )
    st.plotly_chart(balance_chart(counts, shares=shares), key="balance", config=CHART_CONFIG)
    training = counts["Training"]
    if training.all():
        most, least = int(training.argmax()), int(training.argmin())
        st.caption(
            f"Training has {training[most] / training[least]:.0f} times as many "
            f"{FER7.labels[most]} as {FER7.labels[least]} pictures."
        )
    st.dataframe(
        {
            "Emotion": [*(label.capitalize() for label in FER7.labels), "All"],
            **{SPLIT_NAMES[split]: [*n.tolist(), int(n.sum())] for split, n in counts.items()},
        },
        hide_index=True,
        width="content",
        column_config={
            SPLIT_NAMES[split]: st.column_config.NumberColumn(format="localized")
            for split in counts
        },
    )


def balance_chart(counts: dict[str, np.ndarray], *, shares: bool) -> go.Figure:
    """Draw the number of pictures of each emotion, split by split.

    Args:
        counts: int64 ``(7,)`` of each split.
        shares: Whether each split is taken for 100 %.
    """
    figure = go.Figure()
    for split, own in counts.items():
        values = own / max(1, own.sum()) if shares else own
        figure.add_bar(
            x=[label.capitalize() for label in FER7.labels],
            y=values,
            name=SPLIT_NAMES[split],
            marker_color=_SPLIT_COLORS[split],
            customdata=own,
            hovertemplate="%{x}: %{customdata:,} pictures<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        barmode="group",
        bargap=0.25,
        legend={"orientation": "h", "y": -0.15, "yanchor": "top"},
        xaxis={"fixedrange": True},
        yaxis={"fixedrange": True, "tickformat": ".0%" if shares else ",d"},
    )
    return figure
