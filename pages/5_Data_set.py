"""The data set page: what FER-2013 is, its pictures, and what training makes of them."""

from __future__ import annotations

import streamlit as st

from ui.common.address import kept_choice
from ui.common.layout import begin_page
from ui.common.opened_picture import close_picture, opened
from ui.common.settings import CLASSES_KEY, DETECTOR_KEY, READING_KEY, sidebar
from ui.dataset.audit import show_audit
from ui.dataset.augment import show_augmentation
from ui.dataset.browser import browse
from ui.dataset.map import show_map
from ui.dataset.means import show_means
from ui.dataset.overview import show_overview
from ui.dataset.picture import show_picture
from ui.dataset.pipeline import show_pipeline
from ui.dataset.state import collection

# First what needs no pictures.
SECTIONS = {
    "Overview": ":material/bar_chart:",
    "Audit": ":material/fact_check:",
    "Map": ":material/scatter_plot:",
    "Browse": ":material/grid_view:",
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
section = kept_choice(
    st.segmented_control,
    "Section",
    list(SECTIONS),
    next(iter(SECTIONS)),
    key="dataset-section",
    name="section",
    page="Data_set",
    format_func=lambda name: f"{SECTIONS[name]} {name}",
    required=True,
    wrap=True,
    label_visibility="collapsed",
    on_change=close_picture,
)
found = collection()
shown = opened()
if found.dataset is None and section in ("Audit", "Map", "Browse"):
    st.caption("The pictures themselves appear once *Overview* knows where FER-2013 is.")
# Only what is looked at is drawn: the other sections would cost every click their time.
if shown is not None:
    show_picture(found, shown, settings.class_set)
elif section == "Overview":
    show_overview(found)
elif section == "Audit":
    show_audit(found, settings.class_set)
elif section == "Map":
    show_map(found, settings.class_set)
elif section == "Browse":
    browse(found, settings.class_set)
elif section == "Augmentation":
    show_augmentation(found, settings.detector)
elif section == "Mean faces":
    show_means(found)
else:
    show_pipeline(found, settings)
