"""The metrics page: how good the networks are, measured honestly, and where they fail."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import begin_page
from ui.common.settings import sidebar
from ui.metrics.sections import choose_part

begin_page("Metrics")
st.title("How good it is, and where it fails")
part = choose_part()
part.draw(sidebar(used=part.settings))
