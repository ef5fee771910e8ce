"""What users send, through the command line: refused in one line with nothing written, or accepted and measured upright."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import room_values as room
from PIL import Image

from poc import cli

SIZE = (480, 360)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.fromarray(room.photo().rgb).resize(SIZE)


@pytest.fixture(scope="module")
def photo_file(picture, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "room.jpg"
    picture.save(path, quality=92)
    return path


def refused(capsys, arguments: list[object], out: Path | None = None) -> str:
    """Run a command that must be refused: exit code 2, one line on stderr, nothing on stdout, nothing written."""
    before = sorted(out.parent.rglob("*")) if out else None
    code = cli.run([str(a) for a in arguments])
    stdout, stderr = capsys.readouterr()
    assert (code, stdout) == (2, ""), stderr
    assert stderr.count("\n") == 1 and stderr.startswith("poc: ")
    if out:
        assert sorted(out.parent.rglob("*")) == before
    return stderr


def bomb() -> bytes:
    """A PNG of 200 megapixels in a few kilobytes of header; decoding it would take 600 MB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20000, 10000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def bad_file(kind: str, folder: Path, picture: Image.Image) -> Path:
    path = folder / {"truncated png": "cut.png", "bomb": "bomb.png"}.get(kind, "bad.jpg")
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is not a photo\n" * 20)
    elif kind.startswith("truncated"):
        picture.save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "tiny":
        picture.resize((20, 20)).save(path)
    elif kind == "bomb":
        path.write_bytes(bomb())
    return path


@pytest.mark.parametrize("command", ["report", "measure", "depth"])
@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "truncated jpeg", "truncated png", "tiny", "bomb"])
def test_bad_files(capsys, tmp_path, runs_folder, picture, kind, command):
    path = bad_file(kind, tmp_path, picture)
    out = tmp_path / "out" / "result.png"
    options = [] if command == "measure" else ["-o", out]
    line = refused(capsys, [command, path, *options], tmp_path / "out")
    assert path.name in line
    assert not runs_folder.exists()


def test_a_decompression_bomb_is_refused_before_decoding(capsys, tmp_path):
    (tmp_path / "bomb.png").write_bytes(bomb())
    began = time.perf_counter()
    assert "megapixels" in refused(capsys, ["measure", tmp_path / "bomb.png"])
    assert time.perf_counter() - began < 2.0


@pytest.mark.parametrize("height", ["-1", "0", "40", "tall", "1.5±", "nan", "1.5±9"])
def test_bad_camera_heights(capsys, photo_file, tmp_path, runs_folder, height):
    for command in ("report", "measure"):
        out = ["-o", tmp_path / "out"] if command == "report" else []
        assert "camera height" in refused(capsys, [command, photo_file, *out, f"--camera-height={height}"], tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--model", "midas-smal"], "did you mean midas-small"),
        (["--focal-px", "-3"], "focal length -3 px"),
        (["--reference", "door"], "reference 'door'"),
        (["-p", "STILE=modern"], "unknown parameter STILE. Did you mean STYLE?"),
        (["-p", "MAX_PRICE=cheap", "-p", "ORDERS_PER_MONTH=many"], "ORDERS_PER_MONTH must be a number"),
        (["--lang", "klingon"], "unknown report language"),
    ],
)
def test_bad_options(capsys, photo_file, tmp_path, runs_folder, arguments, line):
    assert line in refused(capsys, ["report", photo_file, "-o", tmp_path / "out", *arguments], tmp_path / "out")
    assert not runs_folder.exists()


@pytest.mark.parametrize("command", ["report", "depth"])
def test_an_output_folder_that_cannot_be_written(capsys, photo_file, tmp_path, runs_folder, command):
    (tmp_path / "file").write_text("in the way")
    line = refused(capsys, [command, photo_file, "-o", tmp_path / "file" / "out" / "x.png"], tmp_path / "file")
    assert "cannot write" in line and "choose another place" in line


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_a_full_disk_leaves_nothing(photo_file, tmp_path):
    """The system refuses to let a file grow beyond 20 kB, in the middle of writing, as a full disk does."""
    limit = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); "
    code = limit + "from poc.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "depth", str(photo_file), "-o", str(tmp_path / "d.png")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "make room" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []


# --- accepted ----------------------------------------------------------------------------------------------------


def saved(kind: str, folder: Path, picture: Image.Image) -> Path:
    """The same room as a file of an unusual kind."""
    if kind == "cmyk":
        picture.convert("CMYK").save(path := folder / "x.jpg")
    elif kind == "palette":
        picture.convert("P", palette=Image.Palette.ADAPTIVE).save(path := folder / "x.png")
    elif kind == "16 bit":
        grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        Image.fromarray(grey).save(path := folder / "x.png")
    elif kind == "alpha":
        rgba = picture.copy()
        rgba.putalpha(255)
        rgba.save(path := folder / "x.png")
    elif kind == "grey":
        picture.convert("L").save(path := folder / "x.jpg")
    elif kind == "webp":
        picture.save(path := folder / "x.webp", quality=90)
    elif kind == "gif":
        frames = [picture.convert("P", palette=Image.Palette.ADAPTIVE), Image.new("P", SIZE)]
        frames[0].save(path := folder / "x.gif", save_all=True, append_images=frames[1:])
    else:
        heif = pytest.importorskip("pillow_heif")
        heif.from_pillow(picture).save(path := folder / "x.heic", quality=90)
    return path


@pytest.fixture(scope="module")
def plain_record(photo_file) -> dict:
    return measured(photo_file)


def measured(path: Path) -> dict:
    """`poc measure --json`, in this process."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert cli.run(["measure", str(path), "--json", "--focal-px", "320", "--camera-height", "1.5"]) == 0
    return json.loads(out.getvalue())


@pytest.mark.parametrize("kind", ["cmyk", "palette", "16 bit", "alpha", "grey", "webp", "gif", "heic"])
def test_unusual_files_are_measured(tmp_path, picture, plain_record, kind):
    record = measured(saved(kind, tmp_path, picture))
    assert {m["name"] for m in record["measurements"]} and record["camera"]["f_px"] == pytest.approx(plain_record["camera"]["f_px"], rel=0.05)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(tmp_path, picture, plain_record, orientation):
    """Stored turned, with the flag that turns it back: the floor is down again and the measurements agree."""
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)
    stored = picture if turn is None else picture.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(path := tmp_path / "x.png", exif=exif)
    record = measured(path)
    floors = [p for p in record["planes"] if p["kind"] == "floor"]
    expected = [p for p in plain_record["planes"] if p["kind"] == "floor"]
    assert len(floors) == len(expected)
    for found, wanted in zip(floors, expected, strict=True):
        assert np.dot(found["normal_cam"], wanted["normal_cam"]) > 0.99


def test_an_animation_says_that_one_frame_is_used(tmp_path, picture):
    from poc.photo import load_photo

    assert any("first" in note for note in load_photo(saved("gif", tmp_path, picture)).notes)


# --- interruption ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_in_the_middle_and_again(photo_file, tmp_path):
    """One line, exit code 130, no report, no process left; starting again gives the report."""
    environment = os.environ | {"POC_RUNS": str(tmp_path / "runs")}
    command = [sys.executable, "-m", "poc.cli", "report", str(photo_file), "-o", str(tmp_path / "out")]
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a test run in the background would hand down "ignore"
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True, preexec_fn=heed)
    first = process.stderr.readline()
    assert first.startswith("[1/6] 01_upload")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == ""
    assert re.findall(r"^poc: .*", err, flags=re.M) == ["poc: stopped; nothing half-written is left, start it again when you like"]
    assert "Traceback" not in err and not (tmp_path / "out").exists()
    again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400)
    assert again.returncode == 0, again.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["measurements.json", "report.html"]
