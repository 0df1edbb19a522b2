"""What the progress bars say."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress as Bars

from vidremove.cli.console import Reporter
from vidremove.cli.main import make_parser
from vidremove.config import list_settings
from vidremove.types import Progress


def shown(stage: str, done: int, total: int) -> str:
    """The bars as they stand after two steps, ten seconds apart."""
    reporter, now = Reporter(), [0.0]
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    columns = reporter._make_bars().columns
    reporter._bars = Bars(*columns, console=console, get_time=lambda: now[0])
    reporter.step(Progress(stage, done // 2, total))
    now[0] = 10.0
    reporter.step(Progress(stage, done, total))
    with console.capture() as text:
        console.print(reporter._bars.make_tasks_table(reporter._bars.tasks))
    return text.get()


def test_downloads_are_told_in_megabytes() -> None:
    text = shown("download", 50_000_000, 200_000_000)
    assert "50.0/200.0 MB" in text
    assert "2.5 MB/s" in text
    assert "frames" not in text


def test_passes_are_told_in_frames() -> None:
    text = shown("write", 50, 200)
    assert "Writing the masks" in text
    assert "50/200" in text
    assert "2.5 frames/s" in text


@pytest.mark.parametrize("verb", ["remove", "track", "preview"])
def test_help_lists_every_setting(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_parser().parse_args([verb, "--help"])
    text = capsys.readouterr().out
    for key, default, _ in list_settings():
        assert any(line.split()[:2] == [key, default] for line in text.splitlines())
