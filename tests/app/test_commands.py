import shlex

import pytest

from app.commands import remove_command
from app.removing import config_of
from app.session import Settings
from vidremove.cli import verbs
from vidremove.cli.main import make_parser
from vidremove.prompts import gather_prompts
from vidremove.types import Prompt

PROMPTS = [
    Prompt(0, "object 1", clicks=((310.25, 205.0), (12.0, 7.5)), not_clicks=((1.0, 2.0),)),
    Prompt(42, "object 1", box=(40.0, 30.5, 200.0, 310.0)),
    Prompt(3, "--odd 'name' @7", text='the dog @ 5 o\'clock; $(rm) "x"'),
]


def said(prompt: Prompt) -> tuple[object, ...]:
    return prompt.frame, prompt.object, prompt.clicks, prompt.not_clicks, prompt.box, prompt.text


@pytest.mark.parametrize("settings", [Settings(), Settings("fast", "telea", 0), Settings("quality", "patch", 9)])
def test_the_command_says_what_the_page_does(settings: Settings) -> None:
    line = remove_command("my clip.mp4", "clean.mp4", PROMPTS, settings)
    words = shlex.split(line)
    assert words[:4] == ["vidremove", "remove", "my clip.mp4", "clean.mp4"]
    args = make_parser().parse_args(words[1:])
    prompts, masks = gather_prompts(args.prompts)
    assert [said(prompt) for prompt in prompts] == [said(prompt) for prompt in PROMPTS]
    assert not masks
    assert verbs._config(args) == config_of(settings)
