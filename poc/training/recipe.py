"""The settings of a training run from three places: the defaults, a JSON recipe, and what was given by hand."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from poc.errors import ParameterError
from poc.models.weights import SHIPPED
from poc.training.augment import AugmentConfig
from poc.training.loop import TrainConfig, finetune_config
from poc.training.store import Source


def make_config(
    sources: tuple[Source, ...], out: str | Path, given: dict[str, Any], recipe: str | Path | None = None, finetune: bool = False
) -> TrainConfig:
    """The settings of a run. given: settings by name, which override those of the recipe, which override the defaults.

    finetune: start from the shipped weights with a gentler schedule. Raises ParameterError for a recipe that cannot be
    read or has an unknown setting.
    """
    settings = read_recipe(recipe) if recipe is not None else {}
    settings |= given
    config = TrainConfig(sources=sources, out=str(out))
    if finetune:
        config = finetune_config(config, str(SHIPPED / "embedded.onnx"))
    return replace(config, **settings)


def read_recipe(path: str | Path) -> dict[str, Any]:
    """The settings in a JSON file, with names and types checked. Raises ParameterError."""
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ParameterError(f"{path}: the recipe cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ParameterError(f"{path}: the recipe cannot be read as JSON ({error})") from error
    if not isinstance(found, dict):
        raise ParameterError(f"{path}: a recipe is a JSON object of settings")
    _check_names(path, found, TrainConfig, {"sources", "photos", "teachers", "not_rooms", "out"})
    try:
        if "augment" in found:
            _check_names(path, found["augment"], AugmentConfig)
            changes = {name: _alike(path, name, value, getattr(AugmentConfig, name)) for name, value in found["augment"].items()}
            found["augment"] = AugmentConfig(**changes)
        if "sizes" in found:
            found["sizes"] = tuple((float(share), (int(w), int(h))) for share, (w, h) in found["sizes"])
    except (AttributeError, TypeError, ValueError) as error:
        raise ParameterError(f"{path}: augment is an object of numbers, sizes a list of [share, [width, height]] ({error})") from error
    return {name: _alike(path, name, value, getattr(TrainConfig, name, value)) for name, value in found.items()}


def _alike(path: str | Path, name: str, value: Any, default: Any) -> Any:
    """`value`, checked to have the type of its default. Raises ParameterError."""
    kinds = {bool: bool, int: int, float: (int, float), str: str}
    kind = kinds.get(type(default))
    if kind and (not isinstance(value, kind) or isinstance(value, bool) and kind is not bool):
        raise ParameterError(f"{path}: {name} is {value!r}, expected something like {default!r}")
    return value


def _check_names(path: str | Path, found: dict[str, Any], kind: type, barred: set[str] = frozenset()) -> None:
    known = {f.name for f in fields(kind)} - set(barred)
    unknown = sorted(set(found) - known)
    if unknown:
        raise ParameterError(f"{path}: unknown setting {', '.join(unknown)}. Known: {', '.join(sorted(known))}")
