"""Bad input and places that cannot be written: one sentence each, nothing lost, nothing left behind."""

import os
import resource
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.media_clips import add_sound, make_clip
from vidremove.config import OutputConfig
from vidremove.errors import InputError, OutputError
from vidremove.media import MaskSink, Source, open_sink, open_source

CONFIG = OutputConfig()


def picture(path: Path, size: tuple[int, int] = (64, 48), level: int = 90) -> Path:
    Image.new("RGB", size, (level, 120, 30)).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in (1, 2, 10):
        picture(frames / f"shot_{number}.png", level=number)
    return frames


def refused(path: Path, *words: str) -> str:
    with pytest.raises(InputError) as caught:
        open_source(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    for word in words:
        assert word in message
    return message


def test_no_such_file(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.mp4", "no such")


def test_directory_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("none")
    refused(tmp_path / "empty", "no pictures", ".png")


@pytest.mark.parametrize("content", [b"", b"hello, this is text\n" * 50, bytes(5000)])
def test_not_a_video(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fake.mp4").write_bytes(content)
    refused(tmp_path / "fake.mp4", "is not a video")


def test_text_named_png(tmp_path: Path) -> None:
    (tmp_path / "fake.png").write_text("hello")
    refused(tmp_path / "fake.png", "is not a picture")


def test_sound_alone(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        add_sound(out, out.add_stream("aac", rate=48000), 1.0)
    refused(tmp_path / "a.mp4", "no video stream", "audio")


def test_zero_frames(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        add_sound(out, out.add_stream("aac", rate=48000), 0.5)
    refused(tmp_path / "a.mkv", "no frames")


def test_mp4_without_its_index(tmp_path: Path) -> None:
    data = make_clip(tmp_path / "a.mp4", pts=range(60)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    refused(tmp_path / "cut.mp4", "damaged")


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_cut_clip_is_processed_and_said(tmp_path: Path, suffix: str) -> None:
    options = {"container_options": {"movflags": "faststart"}} if suffix == "mp4" else {}
    data = make_clip(tmp_path / f"a.{suffix}", pts=range(200), **options).read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(data[: len(data) // 2])
    with open_source(tmp_path / f"cut.{suffix}") as source:
        (note,) = (note for note in source.info.notes if "cut short" in note)
        assert "8.000" in note
        assert f"the result ends there, after {source.info.frames} frames" in note
        assert "again" in note
        assert 20 < source.info.frames < 180
        assert [f.index for f in source.frames()] == list(range(source.info.frames))
        assert [f.index for f in source.reversed()] == list(range(source.info.frames))[::-1]


def test_damaged_frames_have_a_stand_in_and_are_said(tmp_path: Path) -> None:
    data = bytearray(make_clip(tmp_path / "a.mp4", pts=range(200)).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    (tmp_path / "hole.mp4").write_bytes(data)
    with open_source(tmp_path / "hole.mp4") as source:
        assert [f.index for f in source.frames()] == list(range(200))
        assert any("cannot be decoded" in note for note in source.notes)


def test_whole_clips_have_no_notes(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.mov"):
        with open_source(make_clip(tmp_path / name, audio="aac", pts=range(40))) as source:
            assert source.notes == []


def test_a_gap_in_time_is_said(tmp_path: Path) -> None:
    pts = [*range(0, 1000, 40), *range(4000, 5000, 40)]
    with open_source(make_clip(tmp_path / "a.mkv", pts=pts, time_base=Fraction(1, 1000))) as source:
        assert any("0.960 s and 4.000 s" in note for note in source.notes)


def test_sizes_that_change_within_a_clip(tmp_path: Path) -> None:
    parts = [make_clip(tmp_path / f"{n}.h264", size=size, pts=range(5)) for n, size in enumerate([(48, 64), (64, 96)])]
    (tmp_path / "both.h264").write_bytes(b"".join(part.read_bytes() for part in parts))
    with open_source(tmp_path / "both.h264") as source, pytest.raises(InputError, match="frame 5 is 96x64"):
        list(source.frames())


def test_mixed_sizes_name_frame_and_size(folder: Path) -> None:
    picture(folder / "shot_2.png", size=(60, 48))
    with pytest.raises(InputError, match=r"shot_2\.png: is 60x48, shot_1\.png is 64x48"):
        open_source(folder)


def test_damaged_picture_is_named(folder: Path) -> None:
    file = folder / "shot_10.png"
    file.write_bytes(file.read_bytes()[:-30])
    with open_source(folder) as source, pytest.raises(InputError, match=r"shot_10\.png"):
        list(source.frames())


def test_no_such_frame(folder: Path, tmp_path: Path) -> None:
    for path in (folder, make_clip(tmp_path / "a.mp4")):
        with open_source(path) as source:
            for index in (-1, source.info.frames):
                with pytest.raises(InputError, match=f"no frame {index}"):
                    source.at(index)
            with pytest.raises(InputError, match="before the start"):
                source.index_at(-0.5)


def test_huge_declared_video_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec="ffv1")
    monkeypatch.setattr("vidremove.media.index.LARGEST_PIXELS", 48 * 64 - 1)
    refused(clip, "64x48", "refused")


@pytest.mark.parametrize("name", ["list.ffconcat", "list.mp4", "list.m3u8", "list.mpd"])
@pytest.mark.parametrize("absolute", [False, True])
def test_a_playlist_leads_nowhere(tmp_path: Path, name: str, absolute: bool) -> None:
    make_clip(tmp_path / "a.mp4")
    make_clip(tmp_path / "a.ts", format="mpegts")
    folder = f"{tmp_path}/" if absolute else ""
    content = {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.48,\n{folder}a.ts\n#EXT-X-ENDLIST\n",
        "list.mpd": f'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        ' profiles="urn:mpeg:dash:profile:isoff-main:2011" mediaPresentationDuration="PT0.48S"><Period><AdaptationSet>'
        f'<Representation id="0" mimeType="video/mp4" bandwidth="9"><BaseURL>{folder}a.mp4</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
    }.get(name, f"ffconcat version 1.0\nfile '{folder}a.mp4'\n")
    (tmp_path / name).write_text(content)
    refused(tmp_path / name)


def test_a_playlist_is_said_to_be_one(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4")
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile a.mp4\n")
    refused(tmp_path / "list.mp4", "play list", "name the clip itself")


def test_symlink_loop_and_overlong_name(tmp_path: Path) -> None:
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    refused(tmp_path / "loop.mp4")
    with pytest.raises(InputError):
        open_source(tmp_path / ("x" * 400 + ".mp4"))


# --- targets -----------------------------------------------------------------------------------------------------


def unwritable(target: Path, source: Source, *words: str, overwrite: bool = False) -> None:
    before = {p: p.lstat().st_mtime_ns for p in target.parent.rglob("*")} if target.parent.exists() else {}
    with pytest.raises(OutputError) as caught:
        open_sink(target, source, CONFIG, overwrite=overwrite)
    for word in words:
        assert word in str(caught.value)
    after = {p: p.lstat().st_mtime_ns for p in target.parent.rglob("*")} if target.parent.exists() else {}
    assert before == after


def test_target_exists(tmp_path: Path, folder: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_bytes(b"precious")
    with open_source(clip) as source:
        unwritable(tmp_path / "b.mp4", source, "exists", "--overwrite")
        unwritable(folder, source, "exists", "--overwrite")


def test_target_is_or_holds_or_lies_in_the_source(tmp_path: Path, folder: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    (tmp_path / "link.mp4").symlink_to(clip)
    with open_source(clip) as source:
        unwritable(clip, source, "source itself", overwrite=True)
        unwritable(tmp_path / "link.mp4", source, "source itself", overwrite=True)
        unwritable(tmp_path, source, "holds the source", overwrite=True)
    with open_source(folder) as source:
        unwritable(folder, source, overwrite=True)
        unwritable(folder / "out", source, "inside")
        unwritable(folder / "out.mp4", source, "inside")


def test_target_folder_missing_or_of_unknown_kind(tmp_path: Path, folder: Path) -> None:
    with open_source(make_clip(tmp_path / "a.mp4")) as source:
        unwritable(tmp_path / "no" / "b.mp4", source, "does not exist")
        unwritable(tmp_path / "b.xyz", source, ".xyz", ".mkv")
        unwritable(tmp_path / "b.png", source, "12 frames")
    with open_source(folder / "shot_1.png") as source:
        unwritable(tmp_path / "b.mp4", source, "one picture")
        unwritable(tmp_path / "out", source, "one picture")


def test_folder_with_other_files_is_never_replaced(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.doc").write_text("years of work")
    with open_source(folder) as source:
        unwritable(tmp_path / "home", source, "thesis.doc", overwrite=True)


def test_no_permission(tmp_path: Path, folder: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    if os.access(closed, os.W_OK):
        pytest.skip("root may write everywhere")
    with open_source(folder) as source:
        unwritable(closed / "out", source, "permission")


def test_lossless_that_cannot_be_says_so(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec="ffv1", pix_fmt="yuv420p16le")
    with open_source(clip) as source, pytest.raises(OutputError, match=r"\.mkv"):
        open_sink(tmp_path / "b.mp4", source, OutputConfig(lossless=True))


@pytest.mark.parametrize("codec", ["mpeg4", "av1", "vp8", "prores", "mjpeg"])
def test_lossless_with_a_codec_that_always_loses_is_refused(tmp_path: Path, codec: str) -> None:
    clip = make_clip(tmp_path / "a.mkv")
    with open_source(clip) as source, pytest.raises(OutputError, match=f"{codec} cannot be written without loss"):
        open_sink(tmp_path / "b.mkv", source, OutputConfig(codec=codec, lossless=True))


@pytest.mark.parametrize("named", ["out.mp4", "out"])
def test_a_place_that_cannot_even_be_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    def closed(self: Path, **_: Any) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    with open_source(folder) as source:
        monkeypatch.setattr(Path, "is_dir", closed)
        with pytest.raises(OutputError, match="Permission denied"):
            open_sink(folder.parent / named, source, CONFIG)


def test_a_name_that_is_too_long(folder: Path) -> None:
    with open_source(folder) as source, pytest.raises(OutputError, match="File name too long"):
        open_sink(folder.parent / ("x" * 300), source, CONFIG)


def test_text_is_no_clip(tmp_path: Path) -> None:
    for name in ("notes.txt", "notes.mp4", "notes.ans"):
        (tmp_path / name).write_text("a line of text, like many others\n" * 200)
        refused(tmp_path / name, name)


def test_masks_do_not_go_into_a_clip(folder: Path) -> None:
    with open_source(folder) as source, pytest.raises(OutputError, match="Name a folder"):
        MaskSink(folder.parent / "masks.mp4", source)


def test_a_rate_that_no_file_can_say_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="larger numbers"):
        open_source(folder, rate=Fraction(23976023976, 10**9 + 7))


def _write_one_frame_and_fail(path: Path, target: Path, fault: BaseException) -> None:
    with open_source(path) as source, open_sink(target, source, CONFIG, overwrite=True) as sink:
        sink.write(next(source.frames()))
        raise fault


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "out", "b.png"])
@pytest.mark.parametrize("fault", [RuntimeError("boom"), KeyboardInterrupt()])
def test_an_exception_leaves_everything_as_it_was(
    tmp_path: Path, folder: Path, name: str, fault: BaseException
) -> None:
    path = folder / "shot_1.png" if name == "b.png" else make_clip(tmp_path / "a.mp4")
    target = tmp_path / name
    if name == "out":
        target.mkdir()
        picture(target / "old.png")
    else:
        target.write_bytes(b"precious")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(type(fault)):
        _write_one_frame_and_fail(path, target, fault)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("name", ["b.mp4", "out"])
def test_overwrite_replaces_at_the_end(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    if name == "out":
        target.mkdir()
        picture(target / "old.png")
    else:
        target.write_bytes(b"old")
    with open_source(make_clip(tmp_path / "a.mp4")) as source:
        with open_sink(target, source, CONFIG, overwrite=True) as sink:
            for frame in source.frames():
                sink.write(frame)
        with open_source(target) as result:
            assert result.info.frames == source.info.frames
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a.mp4", name])


def _write_while_the_target_appears(path: Path, target: Path, taken: Path, overwrite: bool) -> None:
    with open_source(path) as source, open_sink(target, source, CONFIG, overwrite=overwrite) as sink:
        taken.parent.mkdir(exist_ok=True)
        picture(taken) if taken.suffix == ".png" else taken.write_bytes(b"precious")
        for frame in source.frames():
            sink.write(frame)


@pytest.mark.parametrize("name", ["b.mp4", "out", "b.png"])
def test_what_appears_during_the_run_is_not_replaced(tmp_path: Path, folder: Path, name: str) -> None:
    path = folder / "shot_1.png" if name == "b.png" else make_clip(tmp_path / "a.mp4")
    taken = tmp_path / name / "mine.png" if name == "out" else tmp_path / name
    with pytest.raises(OutputError, match="during the run"):
        _write_while_the_target_appears(path, tmp_path / name, taken, False)
    written = picture(tmp_path / "expected.png").read_bytes() if taken.suffix == ".png" else b"precious"
    assert taken.read_bytes() == written
    assert not list(tmp_path.glob(".vidremove-*"))
    _write_while_the_target_appears(path, tmp_path / name, taken, True)
    assert not taken.exists() or taken.read_bytes() != written


def test_a_name_that_cannot_be_given_at_the_end_is_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "worn out")

    monkeypatch.setattr("vidremove.media.target.os.replace", fail)
    with pytest.raises(OutputError, match="worn out"):
        _copy_one(picture(tmp_path / "a.png"), tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def _copy_one(path: Path, target: Path) -> None:
    with open_source(path) as source, open_sink(target, source, CONFIG) as sink:
        sink.write(source.at(0))


def test_other_files_that_appear_during_the_run_are_never_replaced(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(OutputError, match=r"thesis\.doc"):
        _write_while_the_target_appears(folder, tmp_path / "out", tmp_path / "out" / "thesis.doc", True)
    assert (tmp_path / "out" / "thesis.doc").read_bytes() == b"precious"


def test_an_empty_folder_may_be_filled(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "out").mkdir()
    with open_source(folder) as source, open_sink(tmp_path / "out", source, CONFIG) as sink:
        for frame in source.frames():
            sink.write(frame)
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert not list(tmp_path.glob(".vidremove-*"))


def test_no_frames_written_is_an_error(tmp_path: Path) -> None:
    with open_source(make_clip(tmp_path / "a.mp4")) as source:
        for name in ("b.mp4", "out"):
            with pytest.raises(OutputError, match="no frame"), open_sink(tmp_path / name, source, CONFIG):
                pass
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from vidremove.config import OutputConfig
from vidremove.errors import OutputError
from vidremove.media import open_sink, open_source
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    with open_source(sys.argv[1]) as source, open_sink(sys.argv[2], source, OutputConfig(lossless=True)) as sink:
        for frame in source.frames():
            sink.write(frame)
except OutputError as error:
    print(error)
    sys.exit(1)
"""


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.avi", "out"])
def test_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    assert resource.RLIMIT_FSIZE is not None
    clip = make_clip(tmp_path / "a.mp4", size=(240, 320), pts=range(20))
    command = [sys.executable, "-c", FULL_DISK, str(clip), str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "cannot be written" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def _read_all_or_refuse(path: Path) -> None:
    """Either every frame counted is there, or one sentence names the file."""
    with suppress(InputError), open_source(path) as source:
        try:
            count = sum(1 for _ in source.frames())
        except InputError as error:
            pytest.fail(str(error)) if path.name not in str(error) else None
        else:
            assert count == source.info.frames


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".webm"])
@pytest.mark.parametrize("tenth", range(1, 10))
def test_truncated_clips_end_in_a_sentence_or_in_frames(tmp_path: Path, suffix: str, tenth: int) -> None:
    codec = {".webm": "libvpx-vp9", ".avi": "mpeg4"}.get(suffix, "libx264")
    data = make_clip(tmp_path / f"a{suffix}", codec=codec, pts=range(20)).read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: len(data) * tenth // 10])
    _read_all_or_refuse(tmp_path / f"cut{suffix}")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
@pytest.mark.parametrize("seed", range(8))
def test_flipped_bytes_end_in_a_sentence_or_in_frames(tmp_path: Path, suffix: str, seed: int) -> None:
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    data = bytearray(make_clip(tmp_path / f"a{suffix}", codec=codec, pts=range(20)).read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(data), 40):
        data[place] = random.integers(0, 256)
    (tmp_path / f"bad{suffix}").write_bytes(data)
    _read_all_or_refuse(tmp_path / f"bad{suffix}")
