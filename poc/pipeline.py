"""The order of the stages, stated once: as notebooks for a report, and as plain calls for `poc measure`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.errors import ContradictionError, ParameterError
from poc.files import output_chosen_by_caller, probe_file, write_file, write_together
from poc.parameters import check_parameters, notebook_parameters
from poc.progress import Progress
from poc.runs import Run, locked_run, project_root
from poc.types import Camera, DepthMap, Measurement, Photo, Reference, Scene, Surfaces
from poc.workbook import Notebook, StageTime, run_workbook

if TYPE_CHECKING:
    from poc.fuse import JointRoom

_FIGURES = ("poc.notebook:warm_figures", "poc.sketch", "poc.words")
WORKBOOK = (
    Notebook("01_upload", (), ("poc.notebook", "poc.photo", "PIL.JpegImagePlugin")),
    Notebook("02_depth", ("01_upload",), ("poc.depth", "poc.models.embedded", "onnxruntime", "cv2", *_FIGURES)),
    Notebook("03_measurements", ("01_upload", "02_depth"), ("poc.camera", "poc.scene", "poc.measure", "poc.pipeline")),
    Notebook("04_sketch", ("01_upload", "03_measurements"), ()),
    Notebook("05_recommendation", ("01_upload", "03_measurements"), ("poc.catalog", "poc.recommend", "sqlalchemy.dialects.sqlite")),
    Notebook("06_business_case", ("03_measurements",), ("poc.business", "poc.figures.business_figures")),
)
"""The notebooks in order: name, notebooks it loads from, and what its kernel imports while earlier notebooks run."""


@dataclass(frozen=True)
class Options:
    """The options of a call, as the caller gave them; `check` parses and validates them.

    model: name of a preset. focal_px: pixels of the photo. camera_height: "1.5" or "1.5±0.05" metres, "" for unknown. references: texts for
    `poc.room.scale.parse_reference`. parameters: further notebook parameters by name. pitch_roll: "-6" or "-6,1" degrees, as for
    `poc.camera.parse_pitch_roll`.
    """

    model: str = "embedded"
    camera_height: str = ""
    focal_px: float | None = None
    references: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pitch_roll: str = ""


@dataclass(frozen=True)
class Checked:
    """A photo with its parsed options. camera_height: metres and one sigma. pitch_roll_deg: as for `poc.camera.estimate_camera`."""

    photo: Photo
    options: Options
    camera_height: tuple[float, float] | None
    references: tuple[Reference, ...]
    pitch_roll_deg: tuple[float, float] | None = None


@dataclass(frozen=True)
class Room:
    """The results of all stages up to the measurements of one photo. contradiction: why the photo is refused though it may well show a room,
    a given length that cannot be its; "" otherwise."""

    photo: Photo
    depth: DepthMap
    surfaces: Surfaces
    camera: Camera
    scene: Scene
    measurements: tuple[Measurement, ...]
    contradiction: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """The JSON object of `poc measure --json`."""
        from poc.measure import measurement_json

        return measurement_json(self.scene, self.measurements, model_facts(self.depth), self.photo.name, self.photo.notes)


def check(photo: Path, options: Options) -> Checked:
    """Read the photo and parse every option, before anything is computed or written.

    Raises PhotoError, ParameterError or ModelError: the caller's mistakes, one line each.
    """
    from poc.camera import parse_pitch_roll
    from poc.models import get_preset
    from poc.photo import check_focal_px, load_photo
    from poc.room.distortion import straightened
    from poc.room.scale import parse_camera_height, parse_reference

    get_preset(options.model)
    height = parse_camera_height(options.camera_height) if options.camera_height else None
    tilt = parse_pitch_roll(options.pitch_roll)
    loaded = straightened(load_photo(photo))
    if options.focal_px is not None:
        check_focal_px(options.focal_px, loaded.width, loaded.height)
    return Checked(loaded, options, height, tuple(parse_reference(text, loaded) for text in options.references), tilt)


def check_each(photos: Sequence[Path], options: Options) -> Iterator[Checked]:
    """`check` for photos of different rooms, measured one by one; options in pixels must make sense for all of them.

    All photos are checked before the first is returned; raises as `check` does, and ParameterError for options that belong to one photo. A
    single photo is read once; several are read again one by one, so that only one at a time is in memory.
    """
    if len(photos) == 1:
        return iter([check(photos[0], options)])
    if len(photos) > 1 and options.references:
        instead = "give one photo, or several of one room with --same-room (it is then in the first)"
        raise ParameterError(f"a reference marks two pixels of one photo: {instead}")
    _one_tilt(photos, options)
    _one_size([_named_size(check(photo, options).photo) for photo in photos], options)
    return (check(photo, options) for photo in photos)


def _named_size(photo: Photo) -> tuple[str, int]:
    """A photo's name, and the long side of its file in pixels."""
    return photo.name, max(photo.file_size)


def _one_tilt(photos: Sequence[Path], options: Options) -> None:
    """Raises ParameterError where a tilt is given for several photos."""
    if len(photos) > 1 and options.pitch_roll:
        raise ParameterError("pitch and roll belong to one photo: give one photo, or leave them out")


def _one_size(sizes: Sequence[tuple[str, int]], options: Options) -> None:
    """Raises ParameterError where a focal length in pixels is given for photos of different sizes."""
    if options.focal_px is not None and len({size for _, size in sizes}) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes)
        differ = f"but the long sides of these differ ({listed})"
        raise ParameterError(f"a focal length in pixels holds for one photo size, {differ}: measure them separately")


def measure_room(checked: Checked, one_of_several: bool = False) -> Room:
    """Run the stages on one photo in this process. A photo without a room gives a refused scene, not an error.

    one_of_several: whether other photos share the options; a length that cannot be this photo's is then its refusal
    (`Room.contradiction`), else a ContradictionError. Raises ParameterError for other options that do not suit the photo.
    """
    from poc.camera import estimate_camera
    from poc.depth import detect_rotation, estimate
    from poc.measure import measure
    from poc.scene import build_scene

    photo, focal_px = checked.photo, checked.options.focal_px
    depth, surfaces = estimate(photo, checked.options.model, focal_px)
    surfaces = detect_rotation(photo, surfaces)
    camera = estimate_camera(photo, surfaces, depth, focal_px=focal_px, pitch_roll_deg=checked.pitch_roll_deg)
    contradiction = ""
    try:
        scene = build_scene(photo, depth, surfaces, camera, camera_height=checked.camera_height, references=checked.references)
    except ContradictionError as error:
        if not one_of_several:
            raise
        contradiction = str(error)
        scene = Scene(camera, contradiction)
    return Room(photo, depth, surfaces, camera, scene, measure(scene), contradiction)


@dataclass(frozen=True)
class SameRoom:
    """Several photos measured as one room: the joint result, and the result of each photo alone."""

    joint: JointRoom
    rooms: tuple[Room, ...]

    @property
    def record(self) -> dict[str, Any]:
        """The JSON object of `poc measure --same-room --json`."""
        return self.joint.record(model_facts(self.rooms[0].depth))


def check_same_room(photos: Sequence[Path], options: Options) -> tuple[Checked, ...]:
    """`check` for photos of one room; references belong to the first photo. Raises as `check` does, and ParameterError for options that
    do not suit all photos."""
    _one_tilt(photos, options)
    plain = replace(options, references=())
    checked = tuple(check(photo, options if k == 0 else plain) for k, photo in enumerate(photos))
    _one_size([_named_size(c.photo) for c in checked], options)
    return checked


def measure_same_room(checked: Sequence[Checked]) -> SameRoom:
    """Measure each photo alone, then join them into one room. A photo that the given camera height cannot be of is left out, as one
    without a room is; raises ParameterError where that leaves none, and for a reference that does not suit its photo."""
    from poc.fuse import RoomPhoto, join_rooms

    rooms = tuple(measure_room(c, one_of_several=len(checked) > 1 and not c.references) for c in checked)
    if all(r.scene.refusal for r in rooms) and (wrong := [f"{r.photo.name}: {r.contradiction}" for r in rooms if r.contradiction]):
        raise ParameterError(wrong[0])
    return SameRoom(join_rooms([RoomPhoto(r.photo, r.scene, r.measurements) for r in rooms]), rooms)


def model_facts(depth: DepthMap) -> dict[str, str]:
    """The `model` entry of the JSON record: what computed a depth map."""
    return {"name": depth.model, "kind": depth.kind, "engine": depth.engine, "weights": depth.weights}


@dataclass(frozen=True)
class Report:
    """A finished report: its two files, its run, the times of the stages, and the scene's refusal or ""."""

    html: Path
    measurements: Path
    run: Run
    times: tuple[StageTime, ...]
    refusal: str


def write_report(photo: Path, out: Path, options: Options, language: str = "en", quiet: bool = False, *,
                 begun: Callable[[], None] | None = None) -> Report:
    """Run all notebooks, then write `out`/report.html and `out`/measurements.json, both or neither.

    begun: called once all options are validated and before anything runs. The caller's mistakes (see `check`) and WriteError for `out` are
    raised before that; StageError is raised where a cell fails, as where a given length contradicts the photo.
    """
    from poc.messages import Messages
    from poc.report import build_report

    Messages(language)
    checked = check(photo, options)
    values = notebook_values(photo, options)
    with output_chosen_by_caller():
        for name in ("report.html", "measurements.json"):
            probe_file(out / name)
    ensure_model(options.model)
    with locked_run(run_id(checked.photo, values)) as run:
        run.clear()
        if begun is not None:
            begun()
        with Progress(len(WORKBOOK), quiet=quiet) as progress:
            times = run_workbook(run, WORKBOOK, values, progress)
        write_file(run.folder / "times.json", json.dumps([asdict(t) for t in times], indent=1).encode())
        page = build_report(run, stage_names(), times, asked(options), language)
        room = run.load("03_measurements").values
        files = {out / "measurements.json": as_json(room["json"], indent=1).encode(), out / "report.html": page.encode()}
        with output_chosen_by_caller():
            write_together(files)
    return Report(out / "report.html", out / "measurements.json", run, times, room["scene"].refusal or "")


def asked(options: Options) -> dict[str, Any]:
    """The parameters that differ from their defaults, whether given in the call or saved in the notebooks, by name as the report lists
    them."""
    from poc.catalog import shown_address

    own = {
        "model": options.model, "camera height": options.camera_height, "focal_px": options.focal_px, "pitch, roll": options.pitch_roll,
        "reference": "; ".join(options.references),
    }  # fmt: skip
    default = Options().model
    free = saved_by_hand() | options.parameters
    return {name: value for name, value in own.items() if value not in ("", None, default)} | {
        name: shown_address(str(value)) if name == "CATALOGUE" else value for name, value in free.items()
    }


def saved_by_hand() -> dict[str, Any]:
    """Parameters whose values somebody changed and saved in the notebooks: they apply to every report."""
    from poc.assumptions import COUNTS, BusinessParameters
    from poc.room.stretches import STRIP_M, UP_TO_M

    business = vars(BusinessParameters()) | dict.fromkeys(COUNTS, 0)
    usual = {"FREE_DEPTH": STRIP_M, "FREE_HEIGHT": UP_TO_M} | {name.upper(): value for name, value in business.items()}
    options = {"RUN", "CAMERA_HEIGHT", "PITCH_ROLL", "REFERENCE"}  # for these the call counts, even where it gives nothing
    saved = {}
    for name in ("03_measurements", "05_recommendation", "06_business_case"):
        saved |= notebook_parameters(project_root() / "notebooks" / f"{name}.ipynb")
    return {name: value for name, value in saved.items() if name not in options and value not in ("", None, usual.get(name))}


def as_json(record: Any, indent: int | None = None) -> str:
    """Strict JSON: without NaN, and in ASCII, so that it suits the encoding of any terminal or pipe."""
    return json.dumps(record, allow_nan=False, indent=indent)


def ensure_model(name: str) -> None:
    """Fetch and verify the model's weights before a notebook needs them. Raises ModelError."""
    from poc.models import DEFAULT_MODEL, get_preset
    from poc.models.runtime import need_torch
    from poc.models.weights import obtain_weights

    preset = get_preset(name)
    if preset.needs_torch:
        need_torch(name, f"use {DEFAULT_MODEL}")
    obtain_weights(preset)


def notebook_values(photo: Path, options: Options) -> dict[str, dict[str, Any]]:
    """The parameters of each notebook, by its name.

    Raises ParameterError for a name that no notebook has, a value of the wrong kind or out of range, or requested products that the
    catalogue lacks, and DataError for a catalogue that cannot be read.
    """
    from poc.assumptions import parameters_from
    from poc.catalog import from_here, is_csv
    from poc.products.catalog_csv import read_csv
    from poc.room.stretches import check_clearance

    known = {notebook.name: notebook_parameters(notebook.path) for notebook in WORKBOOK}
    own = {
        "PHOTO": _text_of(photo.resolve(), "the photo"), "FOCAL_PX": options.focal_px, "MODEL": options.model,
        "CAMERA_HEIGHT": options.camera_height, "REFERENCE": list(options.references), "PITCH_ROLL": options.pitch_roll,
    }  # fmt: skip
    free = {name: default for names in known.values() for name, default in names.items() if name not in {"RUN", *own}}
    _no_options(options.parameters, own)
    given = check_parameters(options.parameters, free)
    if address := given.get("CATALOGUE"):
        if is_csv(address):
            read_csv(_text_of(Path(address), "the catalogue"))
        given["CATALOGUE"] = from_here(address)
    given = saved_by_hand() | given
    parameters_from({name.lower(): given.get(name, default) for name, default in known["06_business_case"].items() if name != "RUN"})
    _check_products(given)
    check_clearance(*({**known["03_measurements"], **given}[name] for name in ("FREE_DEPTH", "FREE_HEIGHT")))
    return {
        stage: {name: value for name, value in {**own, **given}.items() if name in names} for stage, names in known.items()
    }


def _no_options(parameters: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raises ParameterError for a notebook parameter that has an option of its own, and names that option."""
    for name in parameters:
        if (known := name.upper()) in own:
            use = "give the photo itself, as in poc report PHOTO" if known == "PHOTO" else f"use --{known.lower().replace('_', '-')}"
            raise ParameterError(f"parameter {name} has an option of its own: {use}")


def _check_products(given: Mapping[str, Any]) -> None:
    """Check the requested products as `recommend` will later; the catalogue is opened only if some are requested."""
    categories, style, max_price = (given.get(name) for name in ("CATEGORIES", "STYLE", "MAX_PRICE"))
    if not (categories or style or max_price is not None):
        return
    from poc.catalog import names, open_catalogue
    from poc.recommend import check_options, chosen_categories, known_name

    check_options(max_price, limit=1, min_probability=1.0)
    catalogue = open_catalogue(given.get("CATALOGUE"))
    chosen_categories(catalogue, categories or None)
    if style:
        known_name(style, names(catalogue, "style"), "style")


def _text_of(path: Path, what: str) -> str:
    """A path as text that a notebook can hold. Raises ParameterError where its bytes are not valid text."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ParameterError(f"{str(path)!a}: the path holds bytes that are not valid text; rename {what} or its folder") from error
    return str(path)


def run_id(photo: Photo, values: Mapping[str, Mapping[str, Any]]) -> str:
    """A run's name: the photo's name and a hash of photo and parameters, so that the same call always uses the same folder."""
    import hashlib

    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(photo.name).stem).strip("-_")[:40] or "photo"
    asked = {stage: {k: v for k, v in names.items() if k != "PHOTO"} for stage, names in values.items()}
    text = json.dumps([photo.sha256, asked], sort_keys=True)
    return f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def stage_names() -> Sequence[str]:
    """The names of the workbook's notebooks, in order."""
    return [notebook.name for notebook in WORKBOOK]
