"""Phrases that name objects: several in one text are several objects."""

import re
from collections.abc import Iterable
from dataclasses import replace

from vidremove.types import Prompt


def split_phrases(text: str) -> list[str]:
    """Phrases of a text, parted by semicolons or line ends, without the spaces round them; each once."""
    parts = (" ".join(part.split()) for part in re.split(r"[;\n]", text))
    return list(dict.fromkeys(part for part in parts if part))


def one_prompt_a_phrase(prompts: Iterable[Prompt]) -> list[Prompt]:
    """The same prompts, those with several phrases as one a phrase; the object is then called by its phrase."""
    parted = []
    for prompt in prompts:
        phrases = split_phrases(prompt.text or "")
        if len(phrases) < 2:
            parted.append(prompt)
        else:
            parted += [replace(prompt, text=phrase, object=phrase) for phrase in phrases]
    return parted
