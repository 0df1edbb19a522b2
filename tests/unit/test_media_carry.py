"""What a clip is comes through: times, streams, tags, rotation, and every sample that was not replaced."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.media_clips import add_sound, decoded_planes, make_clip, noise_planes, packets_of, times_of
from tests.unit.test_media_video import LOSSLESS, box_mask, carry, painted
from vidremove.config import OutputConfig
from vidremove.media import open_sink, open_source
from vidremove.media.video import VideoSource

QUIET = {"x265-params": "log-level=error"}
LOSSY = OutputConfig()
TURNS: list[tuple[int, dict[str, bool]]] = [(-90, {}), (180, {}), (90, {}), (0, {"hflip": True}), (90, {"vflip": True})]
CLIPS: list[tuple[str, dict[str, Any]]] = [
    ("h264.mp4", {"audio": "aac", "tags": (1, 1, 1, 1)}),
    ("ten.mkv", {"pix_fmt": "yuv420p10le", "tags": (2, 1, 1, 1)}),
    ("full444.mp4", {"pix_fmt": "yuv444p"}),
    ("hevc.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le", "tags": (1, 9, 16, 9), "options": QUIET}),
    ("hevc422.mkv", {"codec": "libx265", "pix_fmt": "yuv422p10le", "tags": (1, 9, 18, 9), "options": QUIET}),
    ("vp9.webm", {"codec": "libvpx-vp9", "audio": "libopus"}),
    ("av1.mp4", {"codec": "libsvtav1"}),
    ("prores.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "audio": "pcm_s16le"}),
    ("mpeg4.avi", {"codec": "mpeg4", "audio": "libmp3lame"}),
    ("mjpeg.mov", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    ("odd.mkv", {"codec": "ffv1", "size": (49, 63)}),
    ("odd10.mkv", {"codec": "ffv1", "size": (49, 63), "pix_fmt": "yuv420p10le"}),
    ("gray.mkv", {"codec": "ffv1", "pix_fmt": "gray"}),
    ("gbr10.mkv", {"codec": "ffv1", "pix_fmt": "gbrp10le"}),
    ("alpha.mkv", {"codec": "ffv1", "pix_fmt": "yuva420p"}),
    ("ut.avi", {"codec": "utvideo", "pix_fmt": "gbrp"}),
    ("rgb.mp4", {"codec": "libx264rgb", "pix_fmt": "rgb24"}),
]


def clip(tmp_path: Path, name: str, options: dict[str, Any]) -> Path:
    return make_clip(tmp_path / name, **({"size": (96, 128)} | options))


def tags_of(path: Path) -> tuple[object, ...]:
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        context = stream.codec_context
        tags = (context.color_range, context.color_primaries, context.color_trc, context.colorspace)
        return context.codec.canonical_name, context.pix_fmt, tags, context.width, context.height


@pytest.mark.parametrize(("name", "options"), CLIPS, ids=[name for name, _ in CLIPS])
def test_lossless_is_equal_outside_the_mask(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    source = clip(tmp_path, name, options)
    carry(source, tmp_path / "out.mkv", LOSSLESS, paint=True)
    before, after = decoded_planes(source), decoded_planes(tmp_path / "out.mkv")
    for old, new in zip(before, after, strict=True):
        mask = box_mask(old[0].shape)
        for one, two in zip(old, new, strict=True):
            small = mask if one.shape == mask.shape else ~_touched(~mask, one.shape)
            np.testing.assert_array_equal(one[~small], two[~small])
        assert (old[0][mask] != new[0][mask]).mean() > 0.9


def _touched(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Cells of a smaller plane that hold a True pixel."""
    high, wide = (-(-full // part) for full, part in zip(mask.shape, shape, strict=True))
    y, x = np.nonzero(mask)
    touched = np.zeros(shape, np.bool_)
    touched[y // high, x // wide] = True
    return touched


@pytest.mark.parametrize(("name", "options"), CLIPS, ids=[name for name, _ in CLIPS])
def test_codec_pixels_tags_and_times_follow_the_source(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    source, target = clip(tmp_path, name, options), tmp_path / f"out{Path(name).suffix}"
    assert carry(source, target, LOSSY, paint=True) == []
    assert tags_of(target) == tags_of(source)
    assert times_of(target) == times_of(source)
    if "audio" in options:
        assert packets_of(source, "audio") == packets_of(target, "audio")
    old, new = (np.concatenate([p[0].ravel() for p in decoded_planes(f)]).astype(float) for f in (source, target))
    mask = np.concatenate([box_mask(p[0].shape).ravel() for p in decoded_planes(source)])
    peak = 255 if old.max() < 256 else 1023
    assert np.abs(old - new)[~mask].mean() / peak < 0.012


@pytest.mark.parametrize("name", ["mp4", "mkv", "mov"])
def test_every_time_of_a_variable_rate_is_kept(tmp_path: Path, name: str) -> None:
    base = Fraction(1, 90000) if name != "mkv" else Fraction(1, 1000)
    pts = [0, 3003, 4000, 9009, 15015, 30030, 30031, 45000, 90000, 91000]
    pts = pts if name != "mkv" else sorted({p // 90 for p in pts})
    source = make_clip(tmp_path / f"a.{name}", pts=pts, time_base=base)
    carry(source, tmp_path / f"b.{name}", LOSSY)
    assert times_of(source) == times_of(tmp_path / f"b.{name}") == [p * base for p in pts]
    with open_source(source) as frames:
        assert any("variable" in note for note in frames.notes)
        assert [f.pts for f in frames.frames()] == [t / frames.info.time_base for t in times_of(source)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_late_start_is_kept(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / f"a.{suffix}", pts=range(50, 62), audio="aac")
    carry(source, tmp_path / f"b.{suffix}", LOSSY)
    assert times_of(source) == times_of(tmp_path / f"b.{suffix}")


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("degrees", "flip"), [(-90, {}), (180, {}), (90, {}), (0, {"hflip": True}), (90, {"vflip": True})]
)
def test_rotation_is_applied_and_written_back(tmp_path: Path, suffix: str, degrees: int, flip: dict[str, bool]) -> None:
    def turn(stream: Any) -> None:
        stream.set_display_rotation(degrees, **flip)
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    source = make_clip(tmp_path / f"a.{suffix}", prepare=turn, pts=range(3))
    with av.open(str(source)) as file:
        plain = next(file.decode(video=0)).to_ndarray(format="rgb24")
    with open_source(source) as frames:
        upright = frames.at(0).image
        assert frames.info.size == upright.shape[:2]
    if not flip:
        assert np.abs(upright.astype(int) - np.rot90(plain, degrees // 90)).mean() < 3
    carry(source, tmp_path / f"b.{suffix}", LOSSLESS, paint=True)
    mask = box_mask(upright.shape[:2])
    with open_source(tmp_path / f"b.{suffix}") as frames:
        after = frames.at(0).image
        np.testing.assert_array_equal(after[~mask], upright[~mask])
        inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        assert np.abs(after[inner].astype(int) - (10, 200, 30)).max() <= 3
    with VideoSource(source) as one, VideoSource(tmp_path / f"b.{suffix}") as two:
        assert one.aspect == two.aspect == Fraction(4, 3)


def rich_clip(path: Path) -> Path:
    """Two sound tracks, chapters, tags, and a file attached."""
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        first, second = out.add_stream("aac", rate=48000), out.add_stream("libopus", rate=48000)
        first.metadata.update(language="eng", title="Main")
        second.metadata["language"] = "deu"
        out.metadata.update(title="My film", artist="me")
        out.add_attachment("note.txt", "text/plain", b"hello")
        milli = Fraction(1, 1000)
        one = {"id": 1, "start": 0, "end": 400, "time_base": milli, "metadata": {"title": "One"}}
        out.set_chapters([one, {**one, "id": 2, "start": 400, "end": 1000, "metadata": {"title": "Two"}}])  # type: ignore[list-item]
        for number in range(25):
            frame = av.VideoFrame(64, 48, "yuv420p")
            noise_planes(frame, number)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        add_sound(out, first, 1.0)
        add_sound(out, second, 1.0)
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_tracks_chapters_and_tags_are_carried(tmp_path: Path, suffix: str) -> None:
    source, target = rich_clip(tmp_path / "a.mkv"), tmp_path / f"b{suffix}"
    notes = carry(source, target, LOSSY)
    with av.open(str(source)) as old, av.open(str(target)) as new:
        assert [s.metadata.get("language") for s in new.streams.audio] == ["eng", "deu"]
        assert {k.lower(): v for k, v in new.metadata.items()}["artist"] == "me"
        assert [c["metadata"]["title"] for c in new.chapters()] == ["One", "Two"]
        for track in range(2):
            packets = [[bytes(p) for p in f.demux(f.streams.audio[track]) if p.size] for f in (old, new)]
            assert packets[0] == packets[1]
        kept = [s.type for s in new.streams].count("attachment")
    assert (kept, len(notes)) == ((1, 0) if suffix == ".mkv" else (0, 1))


def test_what_a_container_cannot_hold_is_said(tmp_path: Path) -> None:
    notes = carry(rich_clip(tmp_path / "a.mkv"), tmp_path / "b.webm", LOSSY)
    assert any("aac" in note for note in notes)
    assert any("h264" in note for note in notes)
    assert times_of(tmp_path / "b.webm") == times_of(tmp_path / "a.mkv")


def test_odd_size_is_padded_where_the_encoder_needs_it_and_said(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", codec="ffv1", size=(49, 63))
    notes = carry(source, tmp_path / "b.mp4", LOSSY)
    assert any("63x49" in note and "64x50" in note for note in notes)
    assert tags_of(tmp_path / "b.mp4")[3:] == (64, 50)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_lossless_in_delivery_containers(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", tags=(1, 1, 1, 1))
    carry(source, tmp_path / f"b{suffix}", LOSSLESS)
    for old, new in zip(decoded_planes(source), decoded_planes(tmp_path / f"b{suffix}"), strict=True):
        for one, two in zip(old, new, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("codec", "suffix"), [("ffv1", ".mkv"), ("hevc", ".mp4"), ("prores", ".mov")])
def test_codec_can_be_chosen(tmp_path: Path, codec: str, suffix: str) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(96, 128))
    carry(source, tmp_path / f"b{suffix}", OutputConfig(codec=codec, preset="ultrafast"))
    assert tags_of(tmp_path / f"b{suffix}")[0] == codec


def test_bt709_green_is_green_in_the_clip(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", codec="ffv1", tags=(1, 1, 1, 1))
    with open_source(source) as frames, open_sink(tmp_path / "b.mkv", frames, LOSSLESS) as sink:
        for frame in frames.frames():
            sink.write(painted(frame, np.ones(frame.image.shape[:2], np.bool_)))
    luma, blue, red = decoded_planes(tmp_path / "b.mkv")[0]
    y = (0.2126 * 10 + 0.7152 * 200 + 0.0722 * 30) / 255
    expected = 16 + 219 * y, 128 + 224 * (30 / 255 - y) / 1.8556, 128 + 224 * (10 / 255 - y) / 1.5748
    for plane, value in zip((luma, blue, red), expected, strict=True):
        assert np.abs(plane - value).max() <= 0.51
