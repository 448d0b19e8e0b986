"""The metrics page: how good the networks are, measured honestly, and where they fail."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import begin_page
from ui.common.settings import DETECTOR_KEY, THRESHOLD_KEY, sidebar
from ui.metrics.choice import choose
from ui.metrics.sections import choose_section

begin_page("Metrics")
st.title("How good it is, and where it fails")
settings = sidebar(used=(THRESHOLD_KEY, DETECTOR_KEY))
section = choose_section()
section.draw(choose(section.choices), settings)
