"""Text from outside, made safe for Streamlit's Markdown."""

import re


def plain(text: str) -> str:
    """Text that Streamlit shows as it is, whatever Markdown it may look like."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:])", r"\\\1", text)


def sentence(text: str) -> str:
    """Text that begins with a capital letter, unless that is the name of something."""
    first = text.split(maxsplit=1)[0] if text.split() else ""
    return text[:1].upper() + text[1:] if first.isalpha() else text
