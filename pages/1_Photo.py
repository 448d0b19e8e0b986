"""The photo page: photos in, every face boxed, aligned and read."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import PRIVACY_NOTE, begin_page
from ui.common.settings import sidebar
from ui.photo.intake import analyze_current, analyze_rest, choose_photos, gallery
from ui.photo.view import show_photo, show_table

begin_page("Photo")
st.title("Emotions in photos")
st.caption(PRIVACY_NOTE)
settings = sidebar(for_photos=True)
choose_photos()
progress = st.container()
analyze_current(settings)
gallery(settings)
show_photo(settings)
show_table(settings)
analyze_rest(settings, progress)
