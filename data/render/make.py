"""Command line of the room generator: `python data/render/make.py --help`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

LOG = logging.getLogger("roomgen")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make.py", description="Render furnished rooms with exact depth, labels and dimensions."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write (rgb, depth_mm, label, meta.json)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--samples-only",
        nargs="*",
        metavar="NAME",
        dest="names",
        help="render the sample rooms of data/photos (all, or only those named)",
    )
    what.add_argument("--count", type=int, help="number of random photos to render")
    parser.add_argument("--seed", type=int, default=1000, help="first seed of the random rooms (default 1000)")
    parser.add_argument(
        "--size", default=None, help="WIDTHxHEIGHT (default 1280x960 for samples, 320x240 for random rooms)"
    )
    parser.add_argument(
        "--samples", type=int, default=None, help="rays per pixel (default 192 for samples, 16 for random rooms)"
    )
    parser.add_argument("--threads", type=int, default=0, help="render threads (default 0: all cores)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    size = tuple(int(v) for v in options.size.lower().split("x")) if options.size else None
    from roomgen import batch  # bpy is heavy: only once the options are known to be sound

    if options.names is not None:
        batch.render_samples(options.out, options.names, size, options.samples or 192, options.threads)
    else:
        batch.render_random(
            options.out, options.count, options.seed, size or (320, 240), options.samples or 16, options.threads
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
