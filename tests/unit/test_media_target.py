"""An interrupt while a result is given its name: the target is the old one, the new one, or not there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vidremove.media.target import StagedFile, StagedFolder


def interrupted(real: Callable[..., None], staged: Path, after: bool) -> Callable[..., None]:
    """The same call, with Ctrl-C before or after it when it is the staged result that is renamed."""

    def call(source: Path, target: Path) -> None:
        if Path(source) != staged or after:
            real(source, target)
        if Path(source) == staged:
            raise KeyboardInterrupt

    return call


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, after: bool) -> None:
    target = tmp_path / "out.mp4"
    if overwrite:
        target.write_bytes(b"old")
    staged = StagedFile(target, overwrite=overwrite)
    staged.path.write_bytes(b"new")
    monkeypatch.setattr("vidremove.media.target.os.replace", interrupted(os.replace, staged.path, after))
    with pytest.raises(KeyboardInterrupt):
        staged.commit()
    staged.discard()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == (
        {"out.mp4": b"new"} if after else {"out.mp4": b"old"} if overwrite else {}
    )


@pytest.mark.parametrize("after", [True, False])
def test_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "1.png").write_bytes(b"old")
    staged = StagedFolder(target, lambda path: path.suffix == ".png", overwrite=True)
    (staged.path / "1.png").write_bytes(b"new")
    monkeypatch.setattr("vidremove.media.target.os.rename", interrupted(os.rename, staged.path, after))
    with pytest.raises(KeyboardInterrupt):
        staged.commit()
    staged.discard()
    assert (target / "1.png").read_bytes() == (b"new" if after else b"old")
