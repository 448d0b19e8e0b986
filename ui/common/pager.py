"""What turns the pages of a long list."""

from __future__ import annotations

import streamlit as st


def pager(total: int, per_page: int, *, key: str) -> tuple[int, int]:
    """Draw what turns the pages of a long list, and return where the page starts and ends.

    Args:
        total: Length of the list.
        per_page: Entries a page.
        key: Of the page's number in the session; a shorter list turns back to its last page.
    """
    pages = max(1, -(-total // per_page))
    page = min(max(1, int(st.session_state.get(key, 1))), pages)
    if pages > 1:
        st.session_state[key] = page
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(
                f"Page, of {pages:,}", 1, pages, key=key, persist_state="session", width=150
            )
            for label, icon, target in (
                ("Previous page", ":material/chevron_left:", page - 1),
                ("Next page", ":material/chevron_right:", page + 1),
            ):
                st.button(
                    label,
                    key=f"{key}-{label}",
                    icon=icon,
                    disabled=not 1 <= target <= pages,
                    on_click=_turn,
                    args=(key, target),
                )
    return (page - 1) * per_page, min(page * per_page, total)


def _turn(key: str, page: int) -> None:
    st.session_state[key] = page
