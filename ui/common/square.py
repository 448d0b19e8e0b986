"""Square pictures that have their room before they are there, so that they move nothing."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray


def square_image(
    image: bytes | NDArray[np.uint8],
    caption: str,
    *,
    key: str,
    width: int | Literal["stretch"],
    alt: str,
    **more: Any,
) -> None:
    """Draw a square picture as ``st.image`` does, with its room kept while it is on its way.

    Args:
        image: The picture.
        caption: Markdown below it.
        key: Unique on the page.
        width: In pixels, no more than a telephone has; or "stretch", up to what look.css says.
        alt: What it shows, for those who cannot see it.
        **more: More for ``st.image``.
    """
    # The room is that of its class in look.css.
    with st.container(key=f"square-{key}", width=width):
        st.image(image, caption, width=width, alt=alt, **more)
