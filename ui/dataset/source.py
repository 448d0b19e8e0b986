"""Where the data set comes from, and whether it is whole."""

from __future__ import annotations

import streamlit as st

from train.data.fer2013 import FaceSet, count_faults
from ui.common.explorer_data import (
    DATA_VARIABLE,
    data_place,
    dataset,
    dataset_fault,
    set_data_place,
)
from ui.common.layout import plain
from ui.common.public import is_public, without_paths
from ui.dataset.state import Collection, set_votes_place, votes, votes_place

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
    """Ask for the data set's place, and say whether it is whole and how to get it."""
    st.header("The pictures themselves", anchor=False)
    _place()
    if found.dataset is not None:
        _verified(found.dataset)
    elif not dataset_fault():
        st.info(
            "The pictures are not here, and the sections above work without them: audit, map and "
            "browser show names and figures, augmentation and pipeline work on photos. With the "
            "pictures, you see each of them.",
            icon=":material/info:",
        )
    with st.expander("How to get FER-2013", expanded=found.dataset is None):
        st.markdown(_HOW)
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
            # Read here, so that what tells of its progress stands below the button.
            dataset()
            votes()
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
