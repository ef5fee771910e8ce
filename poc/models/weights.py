"""Find a model's weights, or fetch them from the official release, and make sure they are what they claim to be.

Looked for in this order: the folder given, the folder in POC_WEIGHTS, the project's `data/weights`, the user's cache,
and the cache of torch.hub (where earlier users of MiDaS have them). Fetched into the first of these that the user owns.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from poc.errors import ModelError
from poc.models.fetch import download
from poc.models.presets import Preset
from poc.runs import project_root

WEIGHTS_ENV = "POC_WEIGHTS"
UNVERIFIED_ENV = "POC_UNVERIFIED_WEIGHTS"
SHIPPED = project_root() / "data" / "weights"


def cache_folder() -> Path:
    """Where fetched weights are kept for this user."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "poc" / "weights"


def own_folder(weights_dir: str | Path | None = None) -> Path:
    """Where weights are put when they are fetched, and where a user is told to put them."""
    return Path(weights_dir or os.environ.get(WEIGHTS_ENV) or cache_folder()).expanduser()


def search_folders(weights_dir: str | Path | None = None) -> list[Path]:
    """Every folder that is looked in, in order."""
    hub = Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache" / "torch") / "hub" / "checkpoints"
    named = [weights_dir, os.environ.get(WEIGHTS_ENV), SHIPPED, cache_folder(), hub]
    return [Path(folder).expanduser() for folder in named if folder]


def find_weights(preset: Preset, weights_dir: str | Path | None = None) -> Path | None:
    """The first file under any of the names the weights are known by, or None. Nothing is verified yet."""
    for folder in search_folders(weights_dir):
        for name in (preset.weights_file, *preset.other_names):
            path = folder / name
            try:
                if path.is_file():
                    return path
            except OSError:  # a folder we may not look into holds no weights for us
                continue
    return None


def obtain_weights(preset: Preset, weights_dir: str | Path | None = None) -> tuple[Path, str]:
    """The verified weights file, fetched if need be, and its identity ("NAME sha256:…").

    Raises ModelError where the file cannot be had or is not the one it should be, WriteError where it cannot be stored.
    """
    path = find_weights(preset, weights_dir)
    if path is not None and not weights_dir:
        _check_named(preset, path)
    if path is None:
        path = fetch_weights(preset, weights_dir)
    return path, verify_weights(preset, path)


def _check_named(preset: Preset, path: Path) -> None:
    """Raises ModelError where POC_WEIGHTS names a folder that is not there, or one with ONNX files but none by the name that is looked
    for: never others than were meant, silently. A folder of other models' weights says nothing of this one's."""
    named = os.environ.get(WEIGHTS_ENV)
    folder = Path(named or ".").expanduser()
    if not named or path.parent == folder:
        return
    if not folder.is_dir():
        raise ModelError(f"{WEIGHTS_ENV} is {named}, but there is no such folder: correct it or unset it")
    if preset.weights_file.endswith(".onnx") and (others := sorted(p.name for p in folder.glob("*.onnx"))):
        wanted = Path(preset.weights_file)
        rename = f"rename it to {wanted}, and the .json beside it to {wanted.with_suffix('.json')}, or unset {WEIGHTS_ENV}"
        raise ModelError(f"{WEIGHTS_ENV} is {named}, which holds {', '.join(others[:3])} but no {wanted}: {rename}")


def fetch_weights(preset: Preset, weights_dir: str | Path | None = None, url: str | None = None) -> Path:
    """Download into `own_folder`, resuming what an earlier try left; the file appears only whole and verified."""
    folder = own_folder(weights_dir)
    url = url or preset.url
    if not url:
        raise ModelError(f"{preset.weights_file} is missing: it comes with {preset.source}, so restore it there or put it in {folder}")
    target = folder / preset.weights_file

    def check(part: Path) -> None:
        _check_identity(preset, part, f"what {url} sent is not {preset.weights_file}", "nothing was kept, try again or fetch it by hand", may_be_other=False)

    download(url, target, check, by_hand=f"download it from {preset.source} ({url}) and put it in {folder}")
    return target


def verify_weights(preset: Preset, path: Path) -> str:
    """The file's identity, "NAME sha256:…"; ModelError where it is not the known file (unless POC_UNVERIFIED_WEIGHTS=1)."""
    again = "delete it so that it is fetched again" if preset.url else f"restore it from {preset.source}"
    remedy = f"{again}, or set {UNVERIFIED_ENV}=1 to use it as it is"
    return _check_identity(preset, path, f"{path} is not the official {preset.weights_file}", remedy)


def known_sha256(preset: Preset, path: Path) -> str:
    """Digest or prefix the file must have: from the table, else from the sidecar NAME.json beside the file."""
    if preset.sha256:
        return preset.sha256
    return str(read_sidecar(path).get("sha256", ""))


def read_sidecar(path: Path) -> dict[str, object]:
    """Facts beside weights we trained: embedded.onnx has embedded.json. ModelError where it is missing or unreadable."""
    sidecar = path.with_suffix(".json")
    try:
        facts = json.loads(sidecar.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{sidecar} is missing: {path.name} cannot be used without it, restore both files") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{sidecar} cannot be read ({type(error).__name__}): restore it") from None
    if not isinstance(facts, dict):
        raise ModelError(f"{sidecar} does not hold a JSON object: restore it")
    return facts


def _check_identity(preset: Preset, path: Path, trouble: str, remedy: str, may_be_other: bool = True) -> str:
    """Compare with the git blob id (whole) or else the sha256 (whole, or the prefix that is known). may_be_other: where the user says
    so (POC_UNVERIFIED_WEIGHTS); what a download brings may be anything, a portal's page too."""
    sha256, git_blob = _digests(path)
    identity = f"{preset.weights_file} sha256:{sha256}"
    known = known_sha256(preset, path)
    if (preset.git_blob and git_blob == preset.git_blob) or (known and sha256.startswith(known)):
        return identity
    if may_be_other and os.environ.get(UNVERIFIED_ENV) == "1":
        return f"{identity} (unverified)"
    raise ModelError(f"{trouble} (sha256 begins {sha256[:8]}, {known[:8] or 'unknown'} expected): {remedy}")


def _digests(path: Path) -> tuple[str, str]:
    """sha256, and git's blob id: sha1 of "blob SIZE\\0" + content."""
    sha256 = hashlib.sha256()
    try:
        git = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                sha256.update(block)
                git.update(block)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None
    return sha256.hexdigest(), git.hexdigest()
