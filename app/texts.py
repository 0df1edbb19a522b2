"""Text from outside, made safe for Streamlit's Markdown."""

import re


def plain(text: str) -> str:
    """Text that Streamlit shows as it is, whatever Markdown it may look like."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:])", r"\\\1", text)


def sentence(text: str) -> str:
    """Text that begins with a capital letter, unless that is the name of something."""
    first = text.split(maxsplit=1)[0] if text.split() else ""
    return text[:1].upper() + text[1:] if first.isalpha() else text


def shorten(text: str, longest: int) -> str:
    """Text of at most `longest` characters: what is too long loses its middle, so that a suffix stays."""
    if len(text) <= longest:
        return text
    tail = longest // 3
    return f"{text[: longest - tail - 1].rstrip()}…{text[-tail:].lstrip()}"


def unquote(text: str) -> str:
    """A path as it was meant: without the blanks and quotes round it."""
    return text.strip().strip("'\"")
