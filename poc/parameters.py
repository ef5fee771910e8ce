"""Notebook parameters: reading them from a notebook, and checking the values a caller gives.

papermill only logs an unknown parameter and continues with the default, which would silently give another result than
the one asked for; so names and types are checked here before anything runs.
"""

from __future__ import annotations

import ast
import difflib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from poc.errors import ParameterError

_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """" Did you mean X?" where a known name is similar or contains `name` as a word (in any case), else ""."""
    names = {k.lower(): k for k in known}
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6) or [k for k in names if name.lower() in k.split("_")]
    return f" Did you mean {names[near[0]]}?" if near else ""


def notebook_parameters(path: Path) -> dict[str, Any]:
    """Names and defaults of a notebook's `parameters` cell, in order.

    Raises ParameterError when the notebook cannot be read or has no such cell, or the cell contains more than plain literals.
    """
    source = _parameters_cell(path)
    found: dict[str, Any] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
                continue
            except ValueError:
                pass
        raise ParameterError(f"{path.name}: the parameters cell may hold NAME = literal only, found: {ast.unparse(node)}")
    return found


def _parameters_cell(path: Path) -> str:
    """The source of the cell tagged `parameters`."""
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{path} is not a notebook that can be read ({error})") from error
    for cell in cells:
        if cell["cell_type"] == "code" and "parameters" in cell["metadata"].get("tags", ()):
            return "".join(cell["source"])
    raise ParameterError(f"{path} has no cell tagged 'parameters'")


def parse_assignments(texts: Iterable[str]) -> dict[str, str]:
    """["NAME=value", …] → {NAME: value}. Raises ParameterError for text without '=' and for a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ParameterError(f"parameter {text!r} is not understood: give NAME=VALUE")
        if name.strip() in found:
            raise ParameterError(f"parameter {name.strip()} is given twice")
        found[name.strip()] = value.strip()
    return found


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Raises ParameterError for an unknown name, with the nearest known one or else all of them."""
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f" Known: {', '.join(known)}."
            raise ParameterError(f"unknown parameter {name}.{hint}")


def check_parameters(given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """`given` with each value converted to the type of its default in `known`.

    Raises ParameterError for an unknown name (with "did you mean") or a value of another type.
    """
    check_names(given, known)
    return {name: _fit(name, value, known[name]) for name, value in given.items()}


def _fit(name: str, value: Any, default: Any) -> Any:
    """`value` converted to the type of `default`; text for a default of None becomes a number."""
    if isinstance(default, bool):
        text = str(value).lower()
        if text in _TRUE | _FALSE:
            return text in _TRUE
        raise ParameterError(f"parameter {name} must be true or false, got {value!r}")
    if isinstance(default, (int, float)):
        return _number(name, value)
    if default is None and isinstance(value, str):
        return _number(name, value)
    if not isinstance(default, (str, list, tuple)):
        return value
    if value is None and isinstance(default, str):
        return default
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return list(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):  # papermill turns text that looks like a number into one
        value = str(value)
    if not isinstance(value, str):
        raise ParameterError(f"parameter {name} must be text, got {value!r}")
    return value if isinstance(default, str) else [value]


def _number(name: str, value: Any) -> int | float:
    """A finite number, as int where it is whole."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise ParameterError(f"parameter {name} must be a number, got {value!r}")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
