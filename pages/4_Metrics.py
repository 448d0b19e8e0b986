"""The metrics page: how good the networks are, measured honestly, and where they fail."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import begin_page
from ui.common.settings import sidebar
from ui.metrics.choice import model_in_view
from ui.metrics.sections import choose_part, part_in_view

begin_page("Metrics")
st.title("How good it is, and where it fails")
part, model = part_in_view(), model_in_view()
settings = sidebar(used=part.settings)
choose_part(model, settings.reading)
part.draw(settings)
