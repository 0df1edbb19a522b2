"""Text from outside, made safe for Streamlit's Markdown."""

import re


def plain(text: str) -> str:
    """Text that Streamlit shows as it is, whatever Markdown it may look like."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:])", r"\\\1", text)
