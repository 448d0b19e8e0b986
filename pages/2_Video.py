"""The video page: a video in, every person's expressions over time out."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import begin_page, plain
from ui.common.settings import sidebar
from ui.video.intake import ask_for_run, choose_video, show_upload
from ui.video.progress import follow_analysis
from ui.video.results import show_results
from ui.video.shelf import PRIVACY_NOTE, current_video

begin_page("Video")
st.title("Emotions in videos")
st.caption(PRIVACY_NOTE)
settings = sidebar()
video = current_video()
if video is None:
    choose_video(settings)
    st.stop()
run = video.run
if run is not None and not run.job.over:
    follow_analysis(run)
    show_upload(video)
elif run is not None and run.job.result is not None:
    show_results(video, run, settings)
    with st.expander("Analyse it again, with other choices"):
        ask_for_run(video, settings)
else:
    if run is not None and run.job.error:
        st.error(plain(f"{video.name}: {run.job.error}"), icon=":material/error:")
    show_upload(video)
    ask_for_run(video, settings)
