"""What `make test` runs: the quick tests, the notebooks by nbval, then the slow tests file by file while time allows.

    python -m tests.run_all [--seconds 900]

Exit code 0 when nothing failed. A slow file that the time did not allow is named, never passed over silently.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
NO_TESTS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=900.0, help="start no further slow file after this long")
    until = time.monotonic() + parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="poc-tests-") as runs:
        environment = os.environ | {"POC_RUNS": runs}
        failed = [name for name, arguments in quick() if not passed(name, arguments, environment)]
        late = []
        for path in slow_files():
            if time.monotonic() > until:
                late.append(path.name)
            elif not passed(f"slow tests of {path.name}", ["-m", "slow", str(path)], environment):
                failed.append(path.name)
    if late:
        print(f"\nNot run for lack of time (make test TEST_TIME=3600 allows more): {', '.join(late)}", flush=True)
    print(f"\n{'FAILED: ' + ', '.join(failed) if failed else 'All that ran passed.'}", flush=True)
    return 1 if failed else 0


def quick() -> list[tuple[str, list[str]]]:
    workbook = [str(path) for path in sorted((REPO / "notebooks").glob("0*.ipynb"))]
    return [
        ("quick tests", ["-m", "not slow", "tests"]),
        ("notebooks by nbval", ["--nbval-lax", "-p", "no:cacheprovider", *workbook]),
    ]


def slow_files() -> list[Path]:
    """Test files that hold slow tests, the chain's own first: they say most."""
    files = [p for p in sorted((REPO / "tests").glob("test_*.py")) if "mark.slow" in p.read_text("utf-8")]
    first = ("test_pipeline.py", "test_report.py", "test_notebooks.py", "test_workbook.py", "test_bad_input.py")
    return sorted(files, key=lambda p: first.index(p.name) if p.name in first else len(first))


def passed(name: str, arguments: list[str], environment: dict[str, str]) -> bool:
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    code = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=REPO, env=environment).returncode
    print(f"({time.monotonic() - began:.0f} s)", flush=True)
    return code in (0, NO_TESTS)


if __name__ == "__main__":
    sys.exit(main())
