"""Times every stage in this process, after one run that is not measured."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poc.pipeline import Options, check, measure_room


def time_stages(photo: Path, options: Options, repeat: int = 3) -> dict[str, Any]:
    """The JSON of `poc bench`: median seconds of each stage on one photo, over `repeat` runs. Raises as `poc.pipeline.check` does."""
    from poc.business import BusinessParameters, business_case
    from poc.camera import estimate_camera
    from poc.catalog import open_catalogue
    from poc.depth import estimate
    from poc.measure import measure
    from poc.photo import load_photo
    from poc.recommend import recommend
    from poc.room.distortion import straightened
    from poc.scene import build_scene
    from poc.sketch import overlay, plan, sketch_3d

    room = measure_room(check(photo, options))
    plain = load_photo(photo)
    shot, camera, scene, found = room.photo, room.camera, room.scene, room.measurements
    stages: dict[str, Callable[[], Any]] = {
        "load photo": lambda: load_photo(photo),
        "straighten": lambda: straightened(plain),
        "depth": lambda: estimate(shot, options.model, options.focal_px),
        "camera": lambda: estimate_camera(shot, room.surfaces, room.depth, focal_px=options.focal_px),
        "scene": lambda: build_scene(shot, room.depth, room.surfaces, camera),
        "measure": lambda: measure(scene),
        "figures": lambda: [f.to_json() for f in (overlay(shot, scene, found), plan(scene, found), sketch_3d(scene, shot, found))],
        "recommend": lambda: recommend(scene, found, open_catalogue()),
        "business case": lambda: business_case(BusinessParameters()),
    }
    seconds = {name: _median_s(stage, repeat) for name, stage in stages.items()}
    return {"photo": photo.name, "model": options.model, "cpus": os.cpu_count(), "seconds": seconds}


def _median_s(stage: Callable[[], Any], repeat: int) -> float:
    stage()
    took = []
    for _ in range(repeat):
        began = time.perf_counter()
        stage()
        took.append(time.perf_counter() - began)
    return round(statistics.median(took), 4)
