"""The command line, `poc …`. Results go to stdout, everything else to stderr; an error is one clear line.

Exit codes: 0 success, 1 a fault in the program or on the machine, 2 a mistake in the call, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from poc import cli_data
from poc.errors import ParameterError, PocError

app = typer.Typer(
    name="poc", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Room dimensions you can trust, from one photo.",
)  # fmt: skip

PhotoArgument = Annotated[Path | None, typer.Argument(help="A photo of a room; without it, the sample photo.", show_default=False)]
ModelOption = Annotated[str, typer.Option("--model", help="Depth model; `poc models` lists them.")]
HeightOption = Annotated[
    str,
    typer.Option(
        "--camera-height", show_default=False,
        help="Height of the camera above the floor in metres: 1.5±0.05 or 1.5+-0.05 (90 %), or 1.5 (taken as ± 5 %).",
    ),
]
FocalOption = Annotated[float | None, typer.Option("--focal-px", help="Focal length in pixels of the photo.", show_default=False)]
ReferenceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--reference", show_default=False,
        help="A known length between two pixels: u1,v1,u2,v2=METRES; or the two ends of a known object: door:u1,v1,u2,v2,"
        " likewise a4, a4_short (the short side) and socket (from the floor to its centre); or a length of the room itself:"
        " height:u1,v1,u2,v2=METRES (from the floor straight up to the ceiling), wall:u1,v1,u2,v2=METRES (from corner to corner).",
    ),
]
TiltOption = Annotated[
    str,
    typer.Option(
        "--pitch-roll", show_default=False,
        help="The phone's tilt in degrees: -6 or -6,1 (negative pitch looks down, positive roll lowers the right side).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def report(
    photo: PhotoArgument = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for report.html and measurements.json.")] = Path("report"),
    model: ModelOption = "embedded",
    camera_height: HeightOption = "",
    focal_px: FocalOption = None,
    reference: ReferenceOption = None,
    lang: Annotated[str, typer.Option("--lang", help="Language of the report's headings and summary, en or zh.")] = "en",
    pitch_roll: TiltOption = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="A notebook parameter, such as ORDERS_PER_MONTH=8000; may be repeated.", show_default=False),
    ] = None,
) -> None:
    """One photo in, one report out: report.html (one file, opens offline) and measurements.json."""
    from poc.notebook import sample_photo
    from poc.parameters import parse_assignments
    from poc.pipeline import Options, write_report
    from poc.words import refusal_sentence

    options = Options(model, camera_height, focal_px, tuple(reference or ()), parse_assignments(parameter or ()), pitch_roll)
    chosen = photo if photo is not None else sample_photo()
    begun = (lambda: tell(f"No photo given: using the sample {chosen.name}.")) if photo is None else None
    done = write_report(chosen, out, options, lang, quiet=False, begun=begun)
    whole = max(t.ended_s for t in done.times)
    if done.refusal:
        tell(refusal_sentence(done.refusal))
    tell(f"{whole:.1f} s; notebooks and arrays in {shown(done.run.folder)}")
    print(shown(done.html))


@app.command()
def measure(
    photos: Annotated[
        list[Path], typer.Argument(help="One photo or more: of different rooms, or of one room with --same-room.", show_default=False)
    ],
    model: ModelOption = "embedded",
    camera_height: HeightOption = "",
    focal_px: FocalOption = None,
    reference: ReferenceOption = None,
    pitch_roll: TiltOption = "",
    same_room: Annotated[
        bool, typer.Option("--same-room", help="All photos show one room: combine them (a --reference is marked in the first).")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Dimensions of the room, each with its 90 % interval.

    With --json, one object per photo, each on its own line and in order; with --same-room, a single object for all photos.
    """
    from poc.measure import next_measurement
    from poc.pipeline import Options, as_json, check_each, check_same_room, measure_room, measure_same_room
    from poc.words import joint_lines, room_lines

    options = Options(model, camera_height, focal_px, tuple(reference or ()), pitch_roll=pitch_roll)
    if same_room:
        together = measure_same_room(check_same_room(photos, options))
        print(as_json(together.record) if json else "\n".join(joint_lines(together.joint)), flush=True)
        return
    # mistakes in files and options are found before anything is printed; that a given length contradicts a photo, when it is measured
    contradicted = []
    for photo, checked in zip(photos, check_each(photos, options), strict=True):
        try:
            room = measure_room(checked, one_of_several=len(photos) > 1)
        except ParameterError as error:
            raise ParameterError(f"{photo}: {error}") from error
        lines = [] if json else room_lines(room.scene, room.measurements, next_measurement(room.scene, room.measurements), room.photo.notes)
        print(as_json(room.record) if json else "\n".join([str(photo), *lines]), flush=True)
        contradicted += [f"{photo}: {room.contradiction}"] if room.contradiction else []
    if contradicted:
        more = f" (and {len(contradicted) - 1} more of the {len(photos)} photos)" if len(contradicted) > 1 else ""
        raise ParameterError(f"{contradicted[0]}{more}")


@app.command()
def depth(
    photo: Annotated[Path, typer.Argument(help="A photo.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The 16-bit PNG, or a folder for it; a coloured version is written beside it.", show_default=False),
    ] = None,
    model: ModelOption = "embedded",
    focal_px: FocalOption = None,
) -> None:
    """Depth of every pixel: a 16-bit PNG (millimetres, or relative inverse depth) and a coloured one to look at.

    If the photo shows no room, a warning says that the values of a metric model must not be taken for metres.
    """
    from poc.camera import estimate_camera
    from poc.depth import depth_png, estimate
    from poc.figures.depthview import coloured_png
    from poc.files import output_chosen_by_caller, write_together
    from poc.photo import load_photo
    from poc.room.distortion import straightened
    from poc.room.refusal import refuse
    from poc.room.view import make_view

    loaded = load_photo(photo)
    target = out or Path(f"{photo.stem}_depth.png")
    if os.path.isdir(target) or not target.suffix:
        target = target / f"{photo.stem}_depth.png"
    if target.suffix.lower() != ".png":
        raise ParameterError(f"{target}: depth is written as a 16-bit PNG; give a name that ends in .png, or a folder")
    twin = target.with_name(f"{target.stem}_colour.png")
    if any(os.path.exists(path) and os.path.samefile(path, photo) for path in (target, twin)):
        raise ParameterError(f"{photo} would be overwritten by its own depth: give another name with -o")
    found, surfaces = estimate(loaded, model, focal_px)
    with output_chosen_by_caller():
        write_together({target: depth_png(found), twin: coloured_png(found)})
    print(f"{shown(target)}\n{shown(twin)}")
    if found.kind == "metric":
        judged = straightened(loaded)  # as `poc measure` would see it; the depth written is that of the photo as it is
        if judged is not loaded:
            found, surfaces = estimate(judged, model, focal_px)
        camera = estimate_camera(judged, surfaces, found, focal_px=focal_px)
        if refusal := refuse(judged, make_view(camera, found, surfaces, judged), camera, surfaces, found):
            tell(f"{photo.name}: {refusal}. Do not take the values for metres.")


@app.command()
def models(
    json: JsonOption = False,
    needs_torch: Annotated[
        str,
        typer.Option("--needs-torch", help="Print nothing; exit with 0 if this model needs torch, with 3 if it does not.", hidden=True),
    ] = "",
) -> None:
    """The depth models: licence, size, kind, and whether the weights are on this machine."""
    from dataclasses import asdict

    from poc.models import get_preset, list_presets
    from poc.pipeline import as_json

    if needs_torch:
        raise typer.Exit(0 if get_preset(needs_torch).needs_torch else 3)
    presets = list_presets()
    if json:
        print(as_json([asdict(preset) for preset in presets], indent=1))
        return
    for p in presets:
        size = f"{p.size_mb:.0f} MB" if p.size_mb is not None else "?"
        print(f"{p.name:<22} {p.kind:<17} {p.licence:<14} {size:>8}  {'here' if p.here else 'not here'}  {p.where if p.here else p.source}")


@app.command()
def bench(
    photo: PhotoArgument = None,
    model: ModelOption = "embedded",
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Runs per stage; the median is reported.")] = 3,
    json: JsonOption = False,
) -> None:
    """Where the time goes on this machine: every stage timed in this process, without notebooks."""
    from poc.bench import time_stages
    from poc.notebook import sample_photo
    from poc.pipeline import Options, as_json

    rows = time_stages(photo if photo is not None else sample_photo(), Options(model), repeat)
    if json:
        print(as_json(rows))
        return
    for name, seconds in rows["seconds"].items():
        print(f"{name:<16} {seconds * 1000:9.1f} ms")


cli_data.register(app)


def tell(text: str) -> None:
    """A line for the person at the terminal; stdout stays for results."""
    print(text, file=sys.stderr, flush=True)


def shown(path: Path) -> str:
    """A path relative to the current folder where it lies below it, else as it is."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; an error has then been reported in one line on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a photo's name may hold bytes that are not valid text
    for noisy in ("papermill", "traitlets", "nbclient"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    usage_error = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    try:
        code = app(arguments or ["--help"], standalone_mode=False, prog_name="poc")
        sys.stdout.flush()  # here, where a full disk or a closed pipe can still be reported
        return stopped() if code == 130 else code if isinstance(code, int) else 0  # typer turns Ctrl-C into 130, silently
    except PocError as error:
        return failed(error, error.exit_code)
    except usage_error as error:
        return failed(usage_line(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return stopped()
    except BrokenPipeError:
        release_stdout()
        return 1
    except Exception as error:
        if os.environ.get("POC_DEBUG"):
            raise
        return failed(f"unexpected {type(error).__name__}: {error} (POC_DEBUG=1 shows where)", 1)


def failed(error: object, code: int) -> int:
    """Report an error as one line on stderr, without the line breaks of its message; returns `code`."""
    release_stdout()
    tell(f"poc: {' '.join(str(error).split())}")
    return code


def release_stdout() -> None:
    """Flush stdout, or discard what cannot be written, so that Python does not report the same failure again as it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def stopped() -> int:
    """Report an interruption by Ctrl-C; returns its exit code."""
    return failed("stopped; no unfinished files are left behind, so it can simply be started again", 130)


def usage_line(error: Any) -> str:
    """A usage error as one line, with the nearest existing name and the command whose --help explains it."""
    text = re.sub(r"\s*\(Possible options?: ([^,)]+).*?\)", r". Did you mean \1?", error.format_message())
    context = getattr(error, "ctx", None)
    return f"{text.rstrip('.')} (see {context.command_path} --help)" if context is not None else text


if __name__ == "__main__":
    main()
