"""The data set page: what FER-2013 is, its pictures, and what training makes of them."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import begin_page
from ui.common.opened_picture import opened
from ui.common.settings import CLASSES_KEY, sidebar
from ui.dataset.picture import show_picture
from ui.dataset.sections import choose_section, section_in_view
from ui.dataset.state import collection

begin_page("Data set")
st.title("The data set, looked into")
st.caption(
    "FER-2013: 35,887 grey faces of 48×48 pixels, gathered by image search and labelled by people "
    "who often disagree (Goodfellow et al., 2013)."
)
section, shown = section_in_view(), opened()
settings = sidebar(used=section.settings if shown is None else (CLASSES_KEY,))
choose_section()
found = collection()
if found.dataset is None and section.of_pictures:
    st.caption("The pictures themselves appear once *Overview* knows where FER-2013 is.")
# Only what is looked at is drawn: the other sections would cost every click their time.
if shown is None:
    section.draw(found, settings)
else:
    show_picture(found, shown, settings.class_set)
