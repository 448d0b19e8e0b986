"""The data set page: get FER-2013, look into it, and see what training makes of it."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import begin_page
from ui.common.opened_picture import close_picture, opened
from ui.common.settings import CLASSES_KEY, DETECTOR_KEY, READING_KEY, sidebar
from ui.dataset.audit import show_audit
from ui.dataset.augment import show_augmentation
from ui.dataset.browser import browse
from ui.dataset.map import show_map
from ui.dataset.means import show_means
from ui.dataset.picture import show_picture
from ui.dataset.pipeline import show_pipeline
from ui.dataset.source import show_source
from ui.dataset.state import collection

SECTIONS = {
    "Get it": ":material/download:",
    "Browse": ":material/grid_view:",
    "Audit": ":material/fact_check:",
    "Map": ":material/scatter_plot:",
    "Augmentation": ":material/transform:",
    "Mean faces": ":material/face:",
    "Pipeline": ":material/account_tree:",
}

begin_page("Data set")
st.title("The data set, looked into")
st.caption(
    "FER-2013: 35,887 grey faces of 48×48 pixels, gathered by image search and labelled by people "
    "who often disagree (Goodfellow et al., 2013)."
)
settings = sidebar(used=(READING_KEY, CLASSES_KEY, DETECTOR_KEY))
section = st.segmented_control(
    "Section",
    list(SECTIONS),
    default="Get it",
    format_func=lambda name: f"{SECTIONS[name]} {name}",
    required=True,
    key="dataset-section",
    persist_state="session",
    wrap=True,
    label_visibility="collapsed",
    on_change=close_picture,
)
found = collection()
shown = opened()
if found.dataset is None and section in ("Browse", "Audit", "Map"):
    st.caption("The pictures themselves appear once it is said under *Get it* where FER-2013 is.")
# Only what is looked at is drawn: the other sections would cost every click their time.
if shown is not None:
    show_picture(found, shown, settings.class_set)
elif section == "Get it":
    show_source(found)
elif section == "Browse":
    browse(found, settings.class_set)
elif section == "Audit":
    show_audit(found, settings.class_set)
elif section == "Map":
    show_map(found, settings.class_set)
elif section == "Augmentation":
    show_augmentation(found, settings.detector)
elif section == "Mean faces":
    show_means(found)
else:
    show_pipeline(found, settings)
