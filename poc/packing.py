"""Serialises the values that pass between stages to JSON plus arrays, and back.

Frozen dataclasses and named tuples of this package, arrays, tuples, dicts and plain numbers survive the round trip unchanged. A field
that is missing in a stored value takes its default, so older runs stay readable when a type gains a field.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from typing import Any

import numpy as np

from poc.errors import RunError

_PLAIN = (str, bool, int, type(None))


def pack(value: Any, arrays: dict[str, np.ndarray], path: str = "") -> Any:
    """`value` as JSON-ready data; its arrays go into `arrays` under dotted names that start with `path`.

    Raises TypeError for a value that cannot be stored without loss (a programming error, not the user's).
    """
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError(f"{path}: an array of Python objects cannot be stored")
        arrays[path] = value
        return {"__array__": path}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else {"__float__": repr(value)}
    if isinstance(value, _PLAIN):
        return value
    if not isinstance(value, type) and _field_names(type(value)) is not None:
        return _pack_fields(value, arrays, path)
    if isinstance(value, (tuple, list)):
        items = [pack(item, arrays, _join(path, str(i))) for i, item in enumerate(value)]
        return {"__tuple__": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return _pack_dict(value, arrays, path)
    raise TypeError(f"{path or 'value'}: {type(value).__name__} cannot be stored in a run")


def _field_names(kind: type) -> tuple[str, ...] | None:
    """The fields that make a value of a dataclass or a named tuple; None for any other type."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind) if field.init)
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None


def _pack_fields(value: Any, arrays: dict[str, np.ndarray], path: str) -> dict[str, Any]:
    kind = type(value)
    if not kind.__module__.startswith("poc."):
        raise TypeError(f"{path}: {kind.__module__}.{kind.__qualname__} is not a type of this package")
    packed = {"__type__": f"{kind.__module__}:{kind.__qualname__}"}
    for name in _field_names(kind) or ():
        packed[name] = pack(getattr(value, name), arrays, _join(path, name))
    return packed


def _pack_dict(value: dict, arrays: dict[str, np.ndarray], path: str) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str) or key.startswith("__") or "." in key:  # dots separate the parts of an array's name
            raise TypeError(f"{path}: {key!r} cannot be a key in a run")
    return {key: pack(item, arrays, _join(path, key)) for key, item in value.items()}


def unpack(packed: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value that `pack` stored. Raises RunError when an array or a type is missing (a damaged or foreign file)."""
    if isinstance(packed, list):
        return [unpack(item, arrays) for item in packed]
    if not isinstance(packed, dict):
        return packed
    if "__array__" in packed:
        if packed["__array__"] not in arrays:
            raise RunError(f"array {packed['__array__']!r} is missing from the run")
        return arrays[packed["__array__"]]
    if "__float__" in packed:
        return float(packed["__float__"])
    if "__tuple__" in packed:
        return tuple(unpack(item, arrays) for item in packed["__tuple__"])
    if "__type__" in packed:
        return _unpack_fields(packed, arrays)
    return {key: unpack(item, arrays) for key, item in packed.items()}


def _unpack_fields(packed: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    kind = _find_type(packed["__type__"])
    known = _field_names(kind) or ()
    given = {key: unpack(item, arrays) for key, item in packed.items() if key in known}
    try:
        return kind(**given)
    except TypeError as error:
        raise RunError(f"a stored {kind.__name__} does not fit this version ({error})") from error


def _find_type(tag: str) -> type:
    """The dataclass or named tuple that `tag` names. Only this package's own are loaded, since the file may come from an untrusted source."""
    module, _, name = tag.partition(":")
    if module.startswith("poc."):
        try:
            kind = getattr(importlib.import_module(module), name, None)
        except ImportError:
            kind = None
        if isinstance(kind, type) and _field_names(kind) is not None:
            return kind
    raise RunError(f"the run holds a value of the unknown type {tag!r}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
