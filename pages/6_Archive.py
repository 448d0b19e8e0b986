"""The archive page: what was read in many photos and videos, by time, folder and person."""

from __future__ import annotations

import streamlit as st

from fer_core.batch.schema import VIDEO
from ui.archive.door import open_archive
from ui.archive.faces import opened_face, show_face, show_faces
from ui.archive.failures import show_failures
from ui.archive.filters import choose, show_filters
from ui.archive.overview import count, show_folders, show_summary, show_time
from ui.archive.persons import show_persons
from ui.archive.take import take_away
from ui.common.layout import begin_page
from ui.common.settings import sidebar

begin_page("Archive")
st.title("Emotions in an archive")
sidebar(with_settings=False)
index = open_archive()
face = opened_face(index)
if face is not None:
    show_face(index, face)
    st.stop()
selection = choose(index)
count(index, selection)
show_summary(index, selection)
show_filters(index)
show_faces(index, selection)
show_time(index, selection)
show_folders(index, selection)
if selection.kind == VIDEO:
    show_persons(index, selection)
take_away(index, selection)
show_failures(index)
