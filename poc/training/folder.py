"""Photos with true depth in a folder: `rgb/NAME.jpg`, `depth_mm/NAME.png`, `label/NAME.png` (optional), `meta.json`.

The format is shared by `poc train`, `poc evaluate` and `poc evaluate-rooms`. Every error names the file.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from poc.errors import DataError, ParameterError
from poc.exif import orientation_from_exif
from poc.photo import check_focal_px

IGNORE = 255
"""Surface value of a pixel that no loss and no score may use."""

# NYUDv2-40 label ids, counted from 0, to poc.types.SURFACE_CLASSES; floor mats and unlabelled pixels are left out.
_SURFACE_OF_LABEL = {0: 2, 1: 1, 7: 4, 8: 5, 21: 3, 19: IGNORE, 39: IGNORE, 255: IGNORE}
LABEL_TO_SURFACE = np.zeros(256, np.uint8)
for _label, _surface in _SURFACE_OF_LABEL.items():
    LABEL_TO_SURFACE[_label] = _surface

METRES_BELOW_MM, CENTIMETRES_BELOW_MM, TENTHS_ABOVE_MM, MOST_MM = 100, 400, 20_000, 60_000
"""Limits for the median of a depth map of a room in millimetres. Outside, the values of a sensor are in metres, centimetres or tenths of a
millimetre; for those of a network, which may come from a photo of anything, only the first and the last limit apply."""
NO_VALUE_MM = 65535
"""Written by some sensors, besides 0, where they have no depth."""
LEAST_KNOWN = 100
"""Minimum number of pixels with depth in a frame."""
RGB_SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")
CAMERA = ("fx", "fy", "cx", "cy", "width", "height")
"""Intrinsics of a photo in meta.json, in its pixels."""
FRAMES = 'a list of names, or of objects with "name"'
LAYOUT = f'expected an object with "intrinsics" ({", ".join(CAMERA)}, in pixels) and "frames" ({FRAMES})'
MAX_STRETCH = 0.02
"""How much the shape of a depth map or of labels may differ from the photo's (width over height)."""


@dataclass(frozen=True)
class Frame:
    """One photo with truth, by file. Intrinsics are pixels of the photo; crop (row0, row1, col0, col1) is where truth counts.
    room: exact truth of a rendered room, where there is any. metric: whether the depth has a scale; measured: whether it is truth,
    not a teacher network's."""

    name: str
    rgb: Path
    depth: Path
    label: Path | None
    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    crop: tuple[int, int, int, int]
    metric: bool = True
    measured: bool = True
    room: dict | None = None


@dataclass(frozen=True)
class LoadedFrame:
    """rgb: uint8 H×W×3; depth_m: float32 H×W, 0 where missing or outside the crop; surface: uint8 H×W, 255 ignored."""

    frame: Frame
    rgb: np.ndarray
    depth_m: np.ndarray
    surface: np.ndarray


def _intrinsics(meta: dict, entry: dict, where: str) -> dict[str, float]:
    """The intrinsics of a frame, by name. where: file and frame, for messages. Raises DataError for missing or impossible values."""
    found = entry.get("intrinsics") or meta.get("intrinsics") or {}
    if not isinstance(found, dict):
        raise DataError(f"{where}: its intrinsics are {_shown(found)}, expected an object of {', '.join(CAMERA)} in pixels")
    if missing := [k for k in CAMERA if k not in found]:
        raise DataError(f"{where} has no intrinsics ({', '.join(missing)} missing)")
    if bad := [k for k in CAMERA if not _is_number(found[k])]:
        raise DataError(f"{where}: {', '.join(f'{k} is {_shown(found[k])}' for k in bad)}, expected a number of pixels")
    k = {key: float(found[key]) for key in CAMERA}
    if bad := [key for key, value in k.items() if not math.isfinite(value) or key[0] != "c" and value <= 0]:
        raise DataError(f"{where}: {', '.join(f'{key} is {found[key]}' for key in bad)}, which no camera has")
    try:
        for key in ("fx", "fy"):
            check_focal_px(k[key], int(k["width"]), int(k["height"]))
    except ParameterError as error:
        raise DataError(f"{where}: {error}") from error
    if not (0 <= k["cx"] <= k["width"] and 0 <= k["cy"] <= k["height"]):
        raise DataError(f"{where}: its principal point {k['cx']:g},{k['cy']:g} is outside the photo")
    return k


def _is_number(value: object) -> bool:
    """Whether a JSON value is a number, or text that holds one."""
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, bool)


def _shown(value: object) -> str:
    """A value as JSON, shortened for a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def _crop(meta: dict, entry: dict, width: int, height: int, where: str) -> tuple[int, int, int, int]:
    """The crop (row0, row1, col0, col1) in which ground truth counts. where: file and frame, for messages. Raises DataError for a bad
    crop."""
    crop = entry.get("crop") or meta.get("crop") or {"rows": [0, height], "cols": [0, width]}
    try:
        (top, bottom), (left, right) = crop["rows"], crop["cols"]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f'{where}: its crop is {_shown(crop)}, expected {{"rows": [first, end], "cols": [first, end]}} in pixels') from error
    if not all(isinstance(side, int) for side in (top, bottom, left, right)):
        raise DataError(f"{where}: its crop {_shown(crop)} is not in whole pixels")
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise DataError(f"{where}: its crop {_shown(crop)} is not inside a photo of {width}×{height}")
    return top, bottom, left, right


def list_frames(folder: str | Path, need_depth: bool = True) -> list[Frame]:
    """The frames of a folder, in order of name.

    Raises DataError, naming the file, where the folder, meta.json, a photo or its depth is missing.
    """
    folder = Path(folder)
    where = folder / "meta.json"
    try:
        meta = json.loads(where.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"{where}: no such file; a data folder holds rgb/, depth_mm/ and meta.json") from error
    except OSError as error:
        raise DataError(f"{where}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DataError(f"{where}: not valid JSON ({error})") from error
    entries = [entry for entry in _entries(folder, meta, where) if entry.get("true_depth", True) or not need_depth]
    frames = [_frame(folder, meta, entry, where) for entry in entries]
    if not frames:
        raise DataError(f"{folder}: no frame with a photo and depth found")
    if twice := [name for name, n in Counter(frame.name for frame in frames).items() if n > 1]:
        raise DataError(f"{where}: lists {', '.join(twice[:5])}{' …' * (len(twice) > 5)} more than once")
    return frames


def _entries(folder: Path, meta: object, where: Path) -> list[dict]:
    """The entry of each frame in meta.json, each with a "name"; one per photo if it lists none. Raises DataError for another layout."""
    otherwise = f"{where}: does not have the layout of a data folder"
    if not isinstance(meta, dict):
        raise DataError(f"{otherwise}: {LAYOUT}, not {_shown(meta)}")
    listed = meta.get("frames") or sorted(p.stem for p in (folder / "rgb").glob("*") if p.suffix in RGB_SUFFIXES)
    if isinstance(listed, dict):
        listed = [facts | {"name": name} if isinstance(facts, dict) else {name: facts} for name, facts in listed.items()]
    if not isinstance(listed, list):
        raise DataError(f"{otherwise}: its frames are {_shown(listed)}, expected {FRAMES}")
    entries = [{"name": e} if isinstance(e, str) else e for e in listed]
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), (str, int)):
            raise DataError(f'{otherwise}: its frame {number} is {_shown(entry)}, expected a name, or an object with "name"')
    return [entry | {"name": str(entry["name"])} for entry in entries]


def select_frames(folder: str | Path, names: Iterable[str] | None = None, limit: int | None = None) -> list[Frame]:
    """The frames of a folder to score: those named (all for None), at most `limit` of them, spread evenly. Raises DataError, also if none
    is left."""
    frames = list_frames(folder)
    if names is not None:
        wanted = frozenset(names)
        frames = [f for f in frames if f.name in wanted]
        check_named(wanted, frames, str(folder))
    if not frames:
        raise DataError(f"{folder}: no frame is named")
    if limit and limit < len(frames):
        frames = [frames[i] for i in np.linspace(0, len(frames) - 1, limit).astype(int)]
    return frames


def check_named(names: frozenset[str], frames: Iterable[Frame], where: str) -> None:
    """Raises DataError for a name that no frame has; a misspelt frame would silently be trained on, or not be scored."""
    if missing := sorted(names - {frame.name for frame in frames}):
        some = f"{', '.join(missing[:5])}{' …' * (len(missing) > 5)}"
        raise DataError(f"{where}: {len(missing)} of the {len(names)} frames named are not here ({some})")


def _frame(folder: Path, meta: dict, entry: dict, where: Path) -> Frame:
    name = entry["name"]
    photos = [p for suffix in RGB_SUFFIXES if (p := folder / "rgb" / f"{name}{suffix}").is_file()]
    if not photos:
        raise DataError(f"{folder / 'rgb' / name}.jpg: no such photo, though meta.json lists it")
    rgb = photos[0]
    if twin := next((p for p in photos[1:] if not p.samefile(rgb)), None):
        raise DataError(f"{rgb}: {twin.name} is beside it, and it is unclear which of the two belongs to {name}.png in depth_mm/; keep one")
    which = f"{where}: frame {name!r}"
    k = _intrinsics(meta, entry, which)
    label = folder / "label" / f"{name}.png"
    depth = folder / "depth_mm" / f"{name}.png"
    if entry.get("true_depth", True) and not depth.is_file():
        though = "meta.json lists the frame" if meta.get("frames") else f"rgb/{rgb.name} is there"
        raise DataError(f"{depth}: no such depth, though {though}")
    return Frame(
        name, rgb, depth, label if label.is_file() else None,
        k["fx"], k["fy"], k["cx"], k["cy"], int(k["width"]), int(k["height"]),
        _crop(meta, entry, int(k["width"]), int(k["height"]), which),
        *(bool(entry.get(flag, meta.get(flag, True))) for flag in ("metric", "measured")), room=entry.get("room"),
    )  # fmt: skip


def load_frame(frame: Frame, to_learn: bool = False) -> LoadedFrame:
    """Read and check one frame. to_learn: for training, surfaces are also kept outside the crop, up to the photo's edge (`to_the_edge`);
    for scores they are not. Raises DataError, naming the file, for an unreadable photo, or a depth map whose shape does not fit the photo,
    that is all zero, or whose unit is not millimetres."""
    bgr = read_picture(frame.rgb, cv2.IMREAD_COLOR, "a photo")
    if (turned := _orientation(frame.rgb)) != 1:
        raise DataError(f"{frame.rgb}: is stored turned (EXIF orientation {turned}), its depth may not be: save it upright")
    depth = read_picture(frame.depth, cv2.IMREAD_UNCHANGED, "a 16-bit PNG")
    height, width = bgr.shape[:2]
    if (width, height) != (frame.width, frame.height):
        raise DataError(f"{frame.rgb}: is {width}×{height}, but meta.json says {frame.width}×{frame.height}")
    depth_m = _inside(check_depth(depth, frame.depth, width, height, frame.measured), frame.crop)
    if (known := np.count_nonzero(depth_m)) < LEAST_KNOWN:
        raise DataError(f"{frame.depth}: has {'no depth' if known == 0 else f'depth at only {known} pixels'} inside the crop")
    return LoadedFrame(frame, bgr[:, :, ::-1].copy(), depth_m, _surface(frame, width, height, to_learn))


def read_picture(path: Path, flags: int, what: str) -> np.ndarray:
    """A picture's pixels from cv2.imread with `flags`. what: its kind, for messages. Raises DataError also for a truncated file, which
    OpenCV alone would fill up silently."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError) as error:  # SyntaxError: a broken PNG
        raise DataError(f"{path}: cannot be read as {what} ({error})") from error
    pixels = cv2.imread(str(path), flags)
    if pixels is None:
        raise DataError(f"{path}: cannot be read as {what}")
    return pixels


def _orientation(path: Path) -> int:
    """The EXIF orientation; 1 for a photo that is stored upright."""
    from PIL import Image

    with Image.open(path) as image:
        return orientation_from_exif(image)


def check_depth(depth: np.ndarray, path: Path, width: int, height: int, measured: bool = True) -> np.ndarray:
    """Raw depth in millimetres → float32 metres at the photo's size (nearest), 0 where missing. measured: as in `Frame`. Raises
    DataError."""
    if depth.ndim != 2:
        raise DataError(f"{path}: has {depth.shape[-1]} channels, expected one of 16-bit millimetres")
    if depth.dtype == np.uint8:
        raise DataError(f"{path}: has 8 bits a pixel, expected 16-bit millimetres")
    if not np.isfinite(depth).all():
        raise DataError(f"{path}: holds values that are not finite")
    if abs(depth.shape[1] / depth.shape[0] - width / height) > MAX_STRETCH:
        raise DataError(f"{path}: is {depth.shape[1]}×{depth.shape[0]}, which does not fit the photo's {width}×{height}")
    if depth.min() < 0:
        raise DataError(f"{path}: holds depths below zero; 0 means missing")
    depth = np.where(depth == NO_VALUE_MM, 0, depth)
    if not depth.any():
        raise DataError(f"{path}: is zero everywhere; 0 means missing, and so does {NO_VALUE_MM}")
    median = float(np.median(depth[depth > 0]))
    if unit := _likely_unit(median, measured):
        raise DataError(f"{path}: its median would be {median:g} mm; the values look like {unit}, expected millimetres")
    depth_m = depth.astype(np.float32) / 1000
    if depth.shape != (height, width):
        depth_m = cv2.resize(depth_m, (width, height), interpolation=cv2.INTER_NEAREST)
    return depth_m


def _likely_unit(median: float, measured: bool) -> str | None:
    """The probable unit of values whose median (taken as mm) is impossible in millimetres; else None. measured: as in `Frame`."""
    if median < METRES_BELOW_MM:
        return "metres"
    if measured and median < CENTIMETRES_BELOW_MM:
        return "centimetres"
    return "tenths of a millimetre, or a finer unit" if median > (TENTHS_ABOVE_MM if measured else MOST_MM) else None


def _inside(values: np.ndarray, crop: tuple[int, int, int, int], unknown: int = 0) -> np.ndarray:
    """H×W values, `unknown` outside the crop."""
    out = np.full_like(values, unknown)
    rows, cols = slice(*crop[:2]), slice(*crop[2:])
    out[rows, cols] = values[rows, cols]
    return out


def _surface(frame: Frame, width: int, height: int, to_learn: bool) -> np.ndarray:
    if frame.label is None:
        return np.full((height, width), IGNORE, np.uint8)
    label = read_picture(frame.label, cv2.IMREAD_UNCHANGED, "an 8-bit label PNG")
    if label.ndim != 2:
        raise DataError(f"{frame.label}: cannot be read as an 8-bit label PNG")
    if abs(label.shape[1] / label.shape[0] - width / height) > MAX_STRETCH:
        raise DataError(f"{frame.label}: is {label.shape[1]}×{label.shape[0]}, which does not fit the photo's {width}×{height}")
    if label.shape != (height, width):
        label = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST)
    surface = LABEL_TO_SURFACE[np.clip(label, 0, 255)]
    return to_the_edge(surface) if to_learn else _inside(surface, frame.crop, IGNORE)


FRAME_SHARE = 0.1
"""Of a photo's height or width: wider strips without labels are no frame left by a sensor, only unlabelled."""


def to_the_edge(surface: np.ndarray) -> np.ndarray:
    """Labels H×W carried on over rows and columns at the photo's edge that hardly have any: sensors leave a frame there, and what
    nothing is said about is called by any name that is at hand (a white strip along the top: ceiling)."""
    known = surface != IGNORE
    if not known.any():
        return surface
    for share in (known.mean(1), known.mean(0)):
        last, full = len(share) - 1, np.flatnonzero(share > 0.5 * np.median(share))
        most = FRAME_SHARE * len(share)
        low, high = full[0] if full[0] <= most else 0, full[-1] if last - full[-1] <= most else last
        surface = surface[np.clip(np.arange(len(share)), low, high)].T
    return surface


def read_names(path: str | Path | None) -> frozenset[str]:
    """Frame names from a text file, one a line; none where path is None."""
    if path is None:
        return frozenset()
    try:
        return frozenset(name for line in Path(path).read_text("utf-8").splitlines() if (name := line.strip()))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the list of frames cannot be read ({getattr(error, 'strerror', None) or 'it is not text'})") from error
