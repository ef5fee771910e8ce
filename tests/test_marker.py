"""Known lengths marked on the photo with the mouse."""

import base64
import io
import json
import re

import pytest
import room_values

from poc.errors import ParameterError
from poc.marker import TEMPLATES, Marker
from poc.notebook import all_references
from poc.room.scale import parse_reference

PHOTO = room_values.photo()
DOOR = {"kind": "door", "ends": [[40.0, 30.5], [41.0, 150.0]], "metres": None}


def test_marks_are_references():
    box = Marker(PHOTO)
    box.marks = [DOOR, {"kind": "length", "ends": [[10.0, 20.0], [90.0, 21.0]], "metres": 1.2}]
    assert box.references == ["door:40,30.5,41,150", "10,20,90,21=1.2"]
    first, second = (parse_reference(text, PHOTO) for text in all_references("", box))
    assert first.kind == "door" and first.length_m == 2.03 and first.ends == ((40.0, 30.5), (41.0, 150.0))
    assert second.length_m == 1.2
    assert "REFERENCE = ['door:40,30.5,41,150', '10,20,90,21=1.2']" in box.said and "mark" not in box.said


def test_an_unfinished_mark_is_asked_about_and_left_out():
    box = Marker(PHOTO)
    box.marks = [{**DOOR, "kind": "length"}]
    assert box.references == [] and box.said == "mark 1: how long is it, in metres?"


def test_a_bad_mark_is_told_at_once_and_refused_as_a_parameter_is():
    box = Marker(PHOTO)
    box.marks = [{**DOOR, "metres": 5.0}]
    assert box.said.startswith("mark 1: ") and "absurd" in box.said and "REFERENCE" not in box.said
    with pytest.raises(ParameterError, match="absurd"):
        [parse_reference(text, PHOTO) for text in all_references([], box)]


def test_what_is_given_is_drawn_and_kept():
    box = Marker(PHOTO, ["10,20,90,21=1.2"])
    assert box.given == [[[10.0, 20.0], [90.0, 21.0]]]
    box.marks = [DOOR]
    assert "REFERENCE = ['10,20,90,21=1.2', 'door:40,30.5,41,150']" in box.said
    assert all_references("10,20,90,21=1.2", box) == ["10,20,90,21=1.2", "door:40,30.5,41,150"]
    assert all_references("10,20,90,21=1.2", None) == ["10,20,90,21=1.2"]
    with pytest.raises(ParameterError, match="outside the photo"):
        Marker(PHOTO, ["10,20,9000,21=1.2"])


def test_marks_of_before_come_back_with_their_picture_but_those_given_by_now():
    box, other = Marker(PHOTO, ["door:40,30.5,41,150"]), {"kind": "length", "ends": [[10.0, 20.0], [90.0, 21.0]], "metres": 1.2}
    box.restore([DOOR, other])
    assert box.marks == [other] and box.picture and all_references("door:40,30.5,41,150", box) == ["door:40,30.5,41,150", "10,20,90,21=1.2"]
    empty = Marker(PHOTO, ["door:40,30.5,41,150"])
    empty.restore([DOOR])
    assert empty.marks == [] and not empty.picture


def test_the_picture_comes_when_it_is_asked_for():
    from PIL import Image

    box = Marker(PHOTO)
    assert box.picture == ""
    box._asked(box, {"open": True}, [])
    with Image.open(io.BytesIO(base64.b64decode(box.picture.partition(",")[2]))) as picture:
        assert picture.format == "JPEG" and picture.size == (PHOTO.width, PHOTO.height)


SCRIPT = """
const traits = STATE, heard = {};
const model = {
  get: (name) => traits[name],
  set: (name, value) => { traits[name] = value; (heard["change:" + name] ?? []).forEach((f) => f()); },
  save_changes: () => {}, send: (what) => traits.sent.push(what),
  on: (name, f) => (heard[name] ??= []).push(f), off: (name, f) => { heard[name] = heard[name].filter((g) => g !== f); },
};
const el = document.querySelector("main"), stop = render({ model, el });
const stage = el.querySelector(".poc-stage"), image = el.querySelector("img");
stage.setPointerCapture = () => {};
const hidden = el.querySelector(".poc-board").hidden;
el.querySelector(".poc-open").click();
model.set("picture", traits.later);
await image.decode();
function at(kind, u, v) {  // a pixel of the photo, as the pointer meets it on the screen
  const box = image.getBoundingClientRect(), [width, height] = traits.size;
  stage.dispatchEvent(new PointerEvent(kind, { clientX: box.left + (u + 0.5) / width * box.width, clientY: box.top + (v + 0.5) / height * box.height, pointerId: 1 }));
}
const click = (u, v) => { at("pointermove", u, v); at("pointerdown", u, v); at("pointerup", u, v); };
click(400, 300); click(410, 900);                                            // two clicks
at("pointerdown", 100, 100); at("pointermove", 500, 100); at("pointerup", 700, 120);   // one stroke
at("pointerdown", 410, 900); at("pointermove", 420, 800); at("pointermove", 430, 1000); at("pointerup", 430, 1000);   // an end dragged
click(50, 50); document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));   // given up
const kind = el.querySelector("select"); kind.value = "door"; kind.onchange();
const metres = el.querySelectorAll("input")[1]; metres.value = "2.5"; metres.onchange();
click(1200, 600); click(1300, 600); el.querySelectorAll("li button")[2].click();   // marked and removed
const typed = el.querySelectorAll("input")[0]; typed.focus(); typed.value = "1.98";   // typed, not yet left, and marked on
typed.addEventListener("blur", () => typed.onchange());   // as a browser does for what was typed by hand
click(1250, 700); click(1350, 700);
const shown2 = [...el.querySelectorAll("input")].map((input) => input.value);
const stays = typed.isConnected || shown2[0] === "1.98";
el.querySelectorAll("li button")[2].click();
const seen = { shown2, stays, hidden, sent: traits.sent, marks: traits.marks, lines: el.querySelectorAll("line").length, rows: el.querySelectorAll("li").length };
stop();
seen.left = Object.values(heard).flat().length;
document.querySelector("pre").textContent = JSON.stringify(seen);
"""


@pytest.mark.slow
@pytest.mark.browser
def test_two_clicks_mark_a_length_in_a_browser(chromium, tmp_path):
    """On a picture shown smaller than the photo: clicked, drawn in one stroke, dragged, given up, named, removed."""
    from test_report import browse

    box = Marker(PHOTO, ["10,20,90,21=1.2"])
    box._asked(box, {"open": True}, [])
    state = {"size": [1600, 1200], "objects": box.objects, "given": box.given, "marks": [], "said": "", "picture": "", "later": box.picture, "sent": []}
    script = (TEMPLATES / "marker.js").read_text("utf-8") + SCRIPT.replace("STATE", json.dumps(state))
    page = tmp_path / "marker.html"
    page.write_text(f"<style>{(TEMPLATES / 'marker.css').read_text('utf-8')}</style><main style='width:700px'></main><pre></pre><script type=module>{script}</script>")
    seen = json.loads(re.search(r"<pre>(\{.*\})</pre>", browse(chromium, page, tmp_path, "--dump-dom")).group(1))
    assert seen["hidden"] and seen["sent"] == [{"open": True}], "the picture comes only when somebody asks"
    first, second = seen["marks"]
    assert seen["shown2"] == ["1.98", "2.5", ""] and seen["stays"], "what was typed stays where it was typed"
    assert (first["kind"], first["metres"]) == ("door", 1.98) and (second["kind"], second["metres"]) == ("length", 2.5)
    assert [*first["ends"][0], *first["ends"][1]] == pytest.approx([400, 300, 430, 1000], abs=0.2)
    assert [*second["ends"][0], *second["ends"][1]] == pytest.approx([100, 100, 700, 120], abs=0.2)
    assert seen["lines"] == 3 and seen["rows"] == 2 and seen["left"] == 0
