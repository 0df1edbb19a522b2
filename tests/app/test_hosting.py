from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from app.hosting import Hosting
from app.opening import open_kept, open_path
from benchmarks.scenes import write_clip
from vidremove.errors import InputError
from vidremove.types import MediaInfo


@pytest.fixture
def root(tmp_path: Path, clip: Path) -> Path:
    """A folder that is served, with a clip, and ways out of it."""
    folder = tmp_path / "served"
    (folder / "inner").mkdir(parents=True)
    (folder / "clip.mp4").write_bytes(clip.read_bytes())
    (folder / "inner" / "up.mp4").symlink_to(folder / "clip.mp4")
    (tmp_path / "secret.mp4").write_bytes(clip.read_bytes())
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "out").symlink_to(tmp_path, target_is_directory=True)
    (folder / "loop").symlink_to(folder / "loop")
    return folder


@pytest.mark.parametrize("path", ["clip.mp4", "inner/../clip.mp4", "inner/up.mp4", "{root}/clip.mp4"])
def test_others_open_what_is_in_the_root(root: Path, path: str) -> None:
    medium = open_path(path.format(root=root), Hosting(root=root, shared=True))
    assert medium.source.path == root / "clip.mp4"
    medium.close()


@pytest.mark.parametrize(
    "path",
    [
        "../secret.mp4",
        "link.mp4",
        "out/secret.mp4",
        "loop",
        "no.mp4",
        "/etc/passwd",
        "~/x.mp4",
        "a\0b",
        "{root}/../secret.mp4",
    ],
)
def test_nothing_else_is_opened_nor_told_of(root: Path, path: str) -> None:
    with pytest.raises(InputError) as caught:
        open_path(path.format(root=root), Hosting(root=root, shared=True))
    assert "no such file or folder among those that are served" in str(caught.value) or "\0" in path
    assert "secret" not in str(caught.value).replace(path.format(root=root), "")


def test_a_folder_of_frames_may_not_hold_links_out_of_bounds(root: Path, tmp_path: Path) -> None:
    frames = root / "frames"
    frames.mkdir()
    (tmp_path / "secret.png").write_bytes(b"")
    (frames / "1.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(InputError, match="served here"):
        open_path("frames", Hosting(root=root, shared=True))


def test_without_a_root_others_only_upload(clip: Path) -> None:
    hosting = Hosting(shared=True)
    assert not hosting.by_path
    with pytest.raises(InputError, match="upload"):
        open_path(str(clip), hosting)


def test_what_the_launcher_opens_may_lie_anywhere_and_uploads_in_the_project(clip: Path, tmp_path: Path) -> None:
    given = Hosting(source=str(clip), shared=True)
    assert open_path(str(clip), given).info.frames == 12
    upload = tmp_path / "source.mp4"
    upload.write_bytes(clip.read_bytes())
    assert open_kept(upload, "x.mp4", "x.mp4", tmp_path, Hosting(shared=True)).name == "x.mp4"
    with pytest.raises(InputError):
        open_kept(clip, "x.mp4", "x.mp4", tmp_path, Hosting(shared=True))
    with pytest.raises(InputError, match=r"^x\.mp4: there is no such file"):
        open_kept(clip, "x.mp4", "x.mp4", tmp_path, Hosting(root=tmp_path, shared=True))


def test_large_media_are_refused_in_a_sentence(tmp_path: Path, clip: Path) -> None:
    hosting = Hosting(shared=True, most_pixels=10_000_000, most_frames=100)
    info = MediaInfo(clip, "video", (1080, 1920), 100, Fraction(1, 25), Fraction(25))
    hosting.check(info, "a.mp4")
    with pytest.raises(InputError, match=r"a\.mp4: is 8000 × 2000; more than 10 megapixels"):
        hosting.check(replace(info, size=(2000, 8000)), "a.mp4")
    with pytest.raises(InputError, match="has 101 frames; more than 100"):
        hosting.check(replace(info, frames=101), "a.mp4")
    write_clip(tmp_path, 12, 120, 160)
    with pytest.raises(InputError, match="has 12 frames"):
        open_path("clip.mp4", Hosting(root=tmp_path, shared=True, most_frames=5))


def test_it_is_told_through_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SOURCE", "ROOT", "SHARED", "UPLOAD_MB"):
        monkeypatch.delenv(f"VIDREMOVE_APP_{name}", raising=False)
    assert Hosting.told() == Hosting()
    monkeypatch.setenv("VIDREMOVE_APP_SHARED", "1")
    monkeypatch.setenv("VIDREMOVE_APP_ROOT", str(tmp_path))
    monkeypatch.setenv("VIDREMOVE_APP_UPLOAD_MB", "12")
    told = Hosting.told()
    assert (told.root, told.shared, told.upload_mb) == (tmp_path, True, 12)
    assert told.most_pixels
    assert told.most_frames
