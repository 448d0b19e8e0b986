"""The photo page: photos in, every face boxed, aligned and read."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import begin_page
from ui.common.settings import sidebar
from ui.photo.intake import analyze_current, analyze_rest, choose_photos
from ui.photo.sheet import choose_view, show_all, show_table
from ui.photo.shelf import ALL, PRIVACY_NOTE, TWO, keep_shelf
from ui.photo.view import compare_photos, show_photo

begin_page("Photo")
st.title("Emotions in photos")
settings = sidebar(for_photos=True)
choose_photos()
progress = st.container()
analyze_current(settings)
view = choose_view()
if view == ALL:
    show_all(settings)
elif view == TWO:
    compare_photos(settings)
else:
    show_photo(settings)
show_table(settings)
st.caption(PRIVACY_NOTE)
keep_shelf()
analyze_rest(settings, progress)
