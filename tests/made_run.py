"""A finished run made by hand, without kernels or networks: what `poc report` leaves, for tests of the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import room_values as room

from poc.business import BusinessParameters, accuracy_verdict, business_case, sensitivity
from poc.measure import measurement_json
from poc.recommend import Recommendations
from poc.runs import Run
from poc.sketch import depth_figure, interval_chart, overlay, plan, sketch_3d
from poc.types import SURFACE_CLASSES, Check, NextMeasurement, Surfaces

MODEL, WEIGHTS = "embedded", "embedded.onnx sha256:0123"
STAGES = ("01_upload", "02_depth", "03_measurements", "04_sketch", "05_recommendation", "06_business_case")


def make(run: Run, refused: bool = False) -> None:
    """Fill `run` with every stage's values and an executed notebook for each."""
    photo, depth = room.photo(), room.depth_map()
    scene = room.refused_scene() if refused else room.scene()
    found = () if refused else room.measurements()
    items = () if refused else room.recommendations()
    run.save("01_upload", {"photo": photo, "focal_px": None}, facts={"photo": photo.name, "sha256": "ab" * 32})
    surfaces = Surfaces(np.full((6, 8, len(SURFACE_CLASSES)), 1 / 6, np.float32))
    run.save("02_depth", {"depth": depth, "surfaces": surfaces}, parents=["01_upload"], model=MODEL, weights=WEIGHTS, facts={"engine": "test"})
    checks = (Check("right angles", 0.4, "deg", "green", "corners are square"), Check("flat walls", 3.0, "cm", "amber", "one wall bends"))
    advice = NextMeasurement("Measure the camera's height with a tape.", "longest_wall", 0.6, 0.2)
    record = measurement_json(scene, found, {"name": MODEL})
    values = {"scene": scene, "measurements": found, "checks": checks, "advice": None if refused else advice, "json": record}
    run.save("03_measurements", values, parents=["01_upload", "02_depth"], model=MODEL, weights=WEIGHTS)
    run.save("04_sketch", {}, parents=["01_upload", "03_measurements"])
    reason = "the photo shows no floor that meets a wall" if refused else "2 pieces fit"
    run.save("05_recommendation", {"found": Recommendations(items, reason, len(items), 0, "", "¥")}, parents=["01_upload", "03_measurements"])
    params = BusinessParameters()
    money = {"case": business_case(params), "verdict": accuracy_verdict(found, params), "swings": sensitivity(params)}
    run.save("06_business_case", money, parents=["03_measurements"])
    figures = {
        "02_depth": [depth_figure(photo, depth)], "03_measurements": [interval_chart(found)],
        "04_sketch": [overlay(photo, scene, found), plan(scene, found, photo=photo), sketch_3d(scene, photo, found)],
    }  # fmt: skip
    for name in STAGES:
        write_executed(run.folder / f"{name}.ipynb", name, figures.get(name, []))


def write_executed(path: Path, name: str, figures: list) -> None:
    """An executed notebook: title, parameters, prose, one cell per figure, a table, a text, a widget."""
    cells = [markdown(f"# {name}\n\nWhat {name} *says*. <script>alert(1)</script>"), code('RUN = "demo"', ["parameters"])]
    for fig in figures:
        bundle = {"application/vnd.plotly.v1+json": json.loads(fig.to_json()), "text/plain": "figure"}
        cells.append(code("show(fig)", outputs=[{"output_type": "display_data", "metadata": {}, "data": bundle}]))
    table = {"text/html": f"<table class='poc'><tr><td>{name} table</td></tr></table>", "text/plain": "table"}
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "FileUpload()"}
    cells.append(code("table()", outputs=[{"output_type": "display_data", "metadata": {}, "data": table}]))
    cells.append(code("box", outputs=[{"output_type": "display_data", "metadata": {}, "data": widget}]))
    cells.append(code("print()", outputs=[{"output_type": "stream", "name": "stdout", "text": ["a < b\n"]}]))
    cells.append(code("warn()", outputs=[{"output_type": "stream", "name": "stderr", "text": ["a warning\n"]}]))
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


def markdown(text: str) -> dict:
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": text}


def code(source: str, tags: list | None = None, outputs: list | None = None) -> dict:
    return {"cell_type": "code", "id": "c", "metadata": {"tags": tags or []}, "source": source, "outputs": outputs or [], "execution_count": 1}
