"""The house rules: imports point one way, pins are in step, nothing heavy comes in where it should not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parents[1]
POC = REPO / "poc"
LAYERS = (
    ("errors", "types", "files", "packing", "runs", "parameters", "progress"),
    ("geometry", "exif", "metrics"),
    ("models", "models.*"),
    ("photo", "depth", "refine"),
    ("camera", "room.*"),
    ("scene",),
    ("measure",),
    ("fuse",),
    ("evaluate", "evaluate_rooms", "training", "training.*"),
    ("sketch", "figures.*", "words", "messages", "translations", "recommend", "products.*", "business", "assumptions", "catalog"),
    ("render", "report", "summary"),
    ("workbook", "workbook.*", "pipeline"),
    ("bench", "marker", "notebook"),
    ("cli", "cli_data"),
)
"""From the bottom to the top. A module may import its own layer and those below."""
ALLOWED = {
    ("report", "notebook"),  # one typographic rule that both share
    }
TORCH_PACKAGES = {"torch", "torchvision", "timm"}


def modules() -> list[Path]:
    return sorted(POC.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(POC).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """Modules that a file imports; those for type checkers only are left out."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = _running(tree.body) if top_level_only else [n for s in _running(tree.body) for n in ast.walk(s)]
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _running(body: list[ast.stmt]) -> list[ast.stmt]:
    return [s for s in body if not (isinstance(s, ast.If) and "TYPE_CHECKING" in ast.unparse(s.test))]


def layer(name: str) -> int | None:
    for number, names in enumerate(LAYERS):
        if name in names or (name.partition(".")[0] + ".*") in names:
            return number
    return None


def test_imports_point_one_way():
    wrong = []
    for path in modules():
        here, number = name_of(path), layer(name_of(path))
        if here == "__init__":
            continue
        assert number is not None, f"poc/{here} is in no layer"
        for other in imports(path):
            target = other.removeprefix("poc.")
            above = layer(target) if other.startswith("poc.") else None
            if above is not None and above > number and (here, target) not in ALLOWED:
                wrong.append(f"poc/{here} imports poc.{target}, which stands above it")
    assert not wrong, "\n".join(wrong)


def test_the_layers_name_modules_that_exist():
    known = {name_of(path) for path in modules()}
    core = {"errors", "types", "runs", "geometry", "models", "photo", "depth", "scene", "measure", "sketch", "recommend",
            "business", "catalog", "report", "pipeline", "cli"}  # fmt: skip
    assert core <= known


def test_only_models_and_training_import_torch():
    wrong = []
    for path in modules():
        packages = {name.partition(".")[0] for name in imports(path)}
        if packages & TORCH_PACKAGES and name_of(path).partition(".")[0] not in {"models", "training"}:
            wrong.append(name_of(path))
    assert not wrong


def test_no_module_is_too_long():
    long = {name_of(path): lines for path in modules() if (lines := len(path.read_text("utf-8").splitlines())) > 400}
    assert not long


@pytest.mark.parametrize("module", ["poc.cli", "poc.pipeline", "poc.models", "poc.report", "poc.notebook"])
def test_importing_brings_in_nothing_heavy(module):
    """The start of every command: torch, the engine, figures, pandas and papermill come in where they are used."""
    heavy = ["torch", "onnxruntime", "plotly", "pandas", "papermill", "nbformat", "sqlalchemy", "scipy", "matplotlib", "IPython"]
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_uses_no_bare_except_and_no_assert():
    wrong = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assert) or (isinstance(node, ast.ExceptHandler) and node.type is None):
                wrong.append(f"{name_of(path)}:{node.lineno}")
    assert not wrong


def test_printing_is_for_the_command_line():
    wrong = []
    for path in modules():
        if name_of(path).startswith("cli") or name_of(path) in {"workbook.nursery", "progress"}:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                wrong.append(f"{name_of(path)}:{node.lineno}")
    assert not wrong


# --- pins --------------------------------------------------------------------------------------------------------


def project() -> dict:
    return tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]


def pins() -> dict[str, set[str]]:
    """Package → exact versions in constraints.txt (more than one where they differ by platform or Python)."""
    found: dict[str, set[str]] = {}
    for line in (REPO / "constraints.txt").read_text("utf-8").splitlines():
        match = re.fullmatch(r"([a-z0-9._-]+)==([^\s;]+)(\s*;.*)?", line.strip())
        assert match, f"constraints.txt: not an exact pin: {line!r}"
        found.setdefault(match[1], set()).add(match[2])
    return found


def canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s=<>!~\[;]", requirement)[0]).lower()


def test_every_dependency_is_pinned():
    wanted = project()["dependencies"] + [r for extra in project()["optional-dependencies"].values() for r in extra]
    missing = {canonical(r) for r in wanted} - set(pins())
    assert not missing


def test_torch_is_pinned_exactly_in_both_places():
    extra = dict(r.split("==") for r in project()["optional-dependencies"]["torch"] if "==" in r)
    assert set(extra) == {"torch", "torchvision", "timm"}
    assert all(pins()[name] == {version} for name, version in extra.items())


def test_the_main_job_needs_no_torch():
    assert not {canonical(r) for r in project()["dependencies"]} & (TORCH_PACKAGES | {"onnx", "onnxscript"})


def test_environment_and_makefile_use_the_same_pins():
    environment = yaml.safe_load((REPO / "environment.yml").read_text("utf-8"))
    by_pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert by_pip == ["-c constraints.txt", "-e .[torch,test]"]
    conda = [d for d in environment["dependencies"] if isinstance(d, str)]
    assert conda == ["python=3.11", "pip"], "everything else comes from pyproject.toml at the pins of constraints.txt"
    assert project()["requires-python"] == ">=3.11"
    assert "-c constraints.txt" in (REPO / "Makefile").read_text("utf-8")


def test_pinned_versions_are_the_installed_ones():
    import importlib.metadata

    wrong = []
    for name in (canonical(r) for r in project()["dependencies"]):
        installed = importlib.metadata.version(name)
        if installed not in pins()[name]:
            wrong.append(f"{name} {installed}, pinned {pins()[name]}")
    assert not wrong, f"run `make setup`: {wrong}"


def test_files_name_no_registry():
    """Where packages come from is each machine's own setting."""
    for name in ("constraints.txt", "pyproject.toml", "environment.yml", "Makefile", ".ci/run"):
        assert not re.search(r"https?://", (REPO / name).read_text("utf-8")), name


def test_make_refuses_an_unknown_variable():
    done = subprocess.run(["make", "-n", "report", "CAMERA_HIGHT=1.5"], cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 2 and "Did you mean CAMERA_HEIGHT?" in done.stderr
