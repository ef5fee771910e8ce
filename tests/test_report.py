"""The report is one file that asks for nothing, holds its figures, and says first what matters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import made_run
import numpy as np
import pytest
import rooms

from poc import messages, runs, translations
from poc.assumptions import INFO, money
from poc.business import DECISION_LENGTHS, BusinessParameters, accuracy_verdict
from poc.errors import ParameterError, RunError
from poc.fuse import JointRoom
from poc.measure import END_REASONS
from poc.messages import _TEXT, LANGUAGES, Messages
from poc.pipeline import WORKBOOK, Options, asked
from poc.render import read_section
from poc.report import build_report
from poc.room.distortion import refuse_bend
from poc.room.refusal import REASONS, refuse_picture
from poc.room.scale import GIVEN_HEIGHT
from poc.scene import _unheard_of
from poc.summary import CARDS, _measured, _verdict, summarise
from poc.types import GIVEN_OFF, SLOPING_CEILING, UNCOMMON_CEILING, Camera, Check, NextMeasurement, Photo, ScaleSource, floored
from poc.words import REMEDIES, advice_sentence, check_rows, joint_lines, of_refusal, price, product_rows, room_lines, sentence, tape_first
from poc.workbook import StageTime

TIMES = (StageTime("01_upload", 0.0, 1.5, 0.5), StageTime("02_depth", 1.5, 4.0, 0.1))
FIGURES = 5
MAX_BYTES = 8_000_000


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> runs.Run:
    run = runs.Run("made", tmp_path_factory.mktemp("made"))
    made_run.make(run)
    return run


@pytest.fixture(scope="module")
def refused(tmp_path_factory) -> runs.Run:
    run = runs.Run("refused", tmp_path_factory.mktemp("refused"))
    made_run.make(run, refused=True)
    return run


@pytest.fixture(scope="module")
def page(finished) -> str:
    return build_report(finished, made_run.STAGES, TIMES, {"camera height": "1.5±0.05"})


def changed(finished: runs.Run, folder: Path, **values) -> runs.Run:
    """A copy of a finished run in which some values of its stages are others."""
    run = runs.Run("changed", Path(shutil.copytree(finished.folder, folder / "changed")))
    parents = {"03_measurements": ["01_upload", "02_depth"], "05_recommendation": ["01_upload", "03_measurements"], "06_business_case": ["03_measurements"]}
    held = {stage: dict(run.load(stage).values) for stage in parents}
    for stage, names in parents.items():
        run.save(stage, {name: values.get(name, value) for name, value in held[stage].items()}, parents=names)
    return run


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def figures_of(page: str) -> list[dict]:
    return [json.loads(text) for text in re.findall(r'<script type="application/json" data-figure="[^"]+">(.*?)</script>', page, flags=re.S)]


def test_every_figure_is_there_and_alive(page):
    figures = figures_of(page)
    places = re.findall(r'<div class="figure" id="([^"]+)"', page)
    assert len(figures) == FIGURES and len(set(places)) == FIGURES
    assert all(figure["data"] and figure["layout"] for figure in figures)
    assert {trace["type"] for figure in figures for trace in figure["data"]} >= {"scatter", "heatmap", "mesh3d"}
    assert page.count("window.PlotlyConfig") == 1 and page.count("plotly.js v") == 1, "plotly.js is in the file, once"


def test_nothing_is_asked_from_any_address(page):
    bare = without_scripts(page)
    assert not re.search(r"""(?:src|href|action|data|poster)\s*=\s*["']?\s*(?:https?:)?//""", bare, flags=re.I)
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:)", bare)
    assert not re.search(r"<(?:link|iframe|object|embed|base)\b(?![^>]*data:)", bare)
    assert not re.search(r"<script[^>]+src=", page)
    assert "default-src 'none'" in page and "connect-src data: blob:" in page
    own_code = page.rpartition("<script>")[2]
    assert "fetch(" not in own_code and "import(" not in own_code


def test_the_summary_comes_first(page):
    bare = without_scripts(page)
    order = [bare.index(text) for text in ("How sure it is", "What fits", "What it is worth", "What to measure next", 'id="01_upload"')]
    assert order == sorted(order)
    head = bare[: bare.index("<nav>")]
    for text in ("Ceiling height", "Longest free wall", "The scale comes from", "Measure the camera", "¥"):
        assert text in head


def test_a_length_that_contradicts_the_photo_is_not_told_as_a_bad_photo(refused, tmp_path):
    reason = f"no room found: by its depth the camera would stand 3.55 m above the floor, by what is given 1.62 m: either this is no room, {GIVEN_OFF}"
    run = changed(refused, tmp_path, scene=replace(refused.get("03_measurements", "scene"), refusal=reason))
    for language, words in (("en", "leave the value out"), ("zh", "去掉所给的数值")):
        told = summarise(run, Messages(language))
        assert words in told.meaning and "floor meeting" not in told.meaning + told.advice
    assert "without the value you gave" in advice_sentence(None, reason)


def test_code_is_there_but_folded_away(page):
    bare = without_scripts(page)
    assert bare.count('<details class="code">') == len(made_run.STAGES)
    visible = re.sub(r"<details.*?</details>", "", bare, flags=re.S)
    assert "show(fig)" in bare and "show(fig)" not in visible and 'RUN = "demo"' not in visible


def test_outputs_are_kept_or_left_out_rightly(page):
    bare = without_scripts(page)
    assert "04_sketch table" in bare and "a &lt; b" in bare
    assert "FileUpload()" not in bare and "a warning" not in bare


def test_what_the_caller_gave_is_not_in_the_code(tmp_path):
    path = tmp_path / "05_recommendation.ipynb"
    given = made_run.code('CATALOGUE = "postgresql://shop:s3cret@db/x"', ["injected-parameters"])
    path.write_text(json.dumps({"cells": [given, made_run.code("found = 1")]}))
    assert read_section(path).code == "found = 1"
    assert asked(Options(parameters={"CATALOGUE": "postgresql://shop:s3cret@db/x"})) == {"CATALOGUE": "postgresql://shop:***@db/x"}


def test_what_a_file_says_is_text_not_markup(page, finished, tmp_path):
    assert "alert(1)" in without_scripts(page) and "<script>alert(1)" not in page
    path = tmp_path / "04_sketch.ipynb"
    bundle = {"application/vnd.plotly.v1+json": {"data": [{"type": "bar", "name": "</script><b>"}], "layout": {}}}
    cell = made_run.code("x", outputs=[{"output_type": "display_data", "metadata": {}, "data": bundle}])
    path.write_text(json.dumps({"cells": [cell]}))
    piece = read_section(path).pieces[0]
    assert "</script" not in piece.content and json.loads(piece.content)["data"][0]["name"] == "</script><b>"


def test_provenance_and_times(page):
    bare = without_scripts(page)
    for text in ("embedded.onnx sha256:0123", "camera height = 1.5±0.05", "ab" * 32, "Python 3.", "2.5 s", "4.0 s"):
        assert text in bare


def test_it_is_not_too_large(page):
    assert len(page.encode()) < MAX_BYTES


def test_a_photo_without_a_room_says_so_first(refused):
    bare = without_scripts(build_report(refused, made_run.STAGES, (), {}))
    head = bare[: bare.index("<nav>")]
    assert "No room could be measured in this photo" in head and "no floor that meets a wall" in head
    assert bare.count("no floor that meets a wall") == 1, "the reason is told once"
    assert "nothing is recommended" in head and "says nothing about this photo" in " ".join(head.split())
    assert "What fits" not in head and "How sure it is" not in head, "no headings over nothing"
    assert not re.search(r"\d\.\d\d\s?m\b", head), "no dimension where there is no room"
    assert "do not use them" in bare and "nothing was fitted" in bare and "Nothing is drawn" in bare


def test_a_photo_without_a_room_keeps_no_text_about_one():
    """The workbook's own text tells of bars, colours and a known length: where there is no room, the report leaves it out."""
    about = ("shape without a size", "90 % interval", "longest colour", "What was fitted", "further measurement", "accurate enough")
    for room in (True, False):
        told = " ".join(piece.content for notebook in WORKBOOK for piece in read_section(notebook.path, room).pieces)
        assert [text in " ".join(told.split()) for text in about] == [room] * len(about)
        assert "What was seen" in told and "Money over the months" in told


def test_chinese(finished):
    bare = without_scripts(build_report(finished, made_run.STAGES, TIMES, {}, "zh"))
    assert '<html lang="zh">' in bare
    for text in ("房间报告", "最长空墙", "尺度来源", "商业价值"):
        assert text in bare


def test_the_chinese_summary_says_what_to_measure_and_what_decides(finished, tmp_path):
    advice = NextMeasurement("measure how high the camera was above the floor, or take the photo again from a height measured to a centimetre", "longest_wall", 0.6, 0.2)
    told = summarise(changed(finished, tmp_path, advice=advice), Messages("zh"))
    assert told.advice == "测量相机离地面的高度，或在量好的高度（精确到厘米）重拍一张。这样“可见的最长墙面”的误差由 ±0.30 m 缩小到 ±0.10 m。"
    decides = next(line for line in told.worth if line.startswith("影响最大的参数："))
    assert not re.search("[A-Za-z]", "".join(decides))
    assert all(Messages("zh").phrase(info.label) != info.label for info in INFO.values()), "every input can be the one that decides"


@pytest.mark.parametrize(("share", "english", "chinese"), [(0.004, "under 1 %", "不足 1 %"), (0.997, "over 99 %", "超过 99 %"), (0.635, "63 %", "63 %")])
def test_few_cases_are_not_none(finished, tmp_path, share, english, chinese):
    case = replace(finished.load("06_business_case").values["case"], pays_back_share=share)
    for month in (None, 17):
        run = changed(finished, tmp_path / str(month), case=replace(case, break_even_month=month))
        assert f"within 24 months in {english} of the cases" in summarise(run, Messages("en")).worth[0]
        assert f"收回成本的情形占比：{chinese}；" in summarise(run, Messages("zh")).worth[0]


@pytest.mark.parametrize(
    ("value", "currency", "told"),
    [(3400, "CNY", "¥3,400"), (699, "JPY", "JPY 699"), (0.49, "USD", "$0.49"), (149.75, "KWD", "KWD 149.75"), (1999.5, "EUR", "€1,999.50"), (0, "GBP", "£0")],
)
def test_a_price_says_all_of_itself_and_whose_money_it_is(value, currency, told):
    assert price(value, currency) == told


def test_the_table_of_products_tells_a_probability_once_and_what_stands_free(finished):
    wall = finished.get("05_recommendation", "found").items[0]
    wall = replace(wall, reason="2.10 m wide on 3.05 m of free wall")
    floor = replace(wall, placement=replace(wall.placement, wall_id=None), reason="0.80 × 0.80 m on free floor")
    rows = product_rows((wall, floor), "EUR")
    assert [row[3:] for row in rows] == [("97 %", "2.10 m wide on 3.05 m of free wall"), ("97 %", "free-standing: 0.80 × 0.80 m on free floor")]


def test_the_report_speaks_no_jargon(page):
    assert check_rows((Check("scale sources", 0.00181, "σ", "green", "the sources agree"),))[0][1] == "0.0 × their error"
    told = " ".join(piece.content for notebook in WORKBOOK for piece in read_section(notebook.path).pieces) + page
    assert "σ" not in without_scripts(told) and "kernel" not in without_scripts(told) and "every pixel: True" not in told


def test_one_photo_is_told_as_one(finished):
    values = finished.load("03_measurements").values
    scene, found = values["scene"], values["measurements"]
    assert joint_lines(JointRoom(scene, found, ("a.jpg",), 0, {0: None}, (), ())) == room_lines(scene, found)
    lines = joint_lines(JointRoom(scene, found, ("a.jpg", "b.jpg"), 0, {0: None}, (), ("b.jpg is left out: no floor",)))
    assert lines == ["b.jpg is left out: no floor.", *room_lines(scene, found)]


def test_every_message_exists_in_every_language():
    assert all(len(texts) == len(LANGUAGES) and all(texts) for texts in _TEXT.values())
    fields = [{frozenset(re.findall(r"\{(\w+)\}", text)) for text in texts} for texts in _TEXT.values()]
    assert all(len(names) == 1 for names in fields), "the same values go into both languages"


def test_why_no_room_was_found_is_told_in_the_readers_language():
    """Every reason, as it is written where it is found; those with numbers as they come from there."""
    written = "".join((Path(messages.__file__).parent / name).read_text("utf-8") for name in ("room/refusal.py", "scene.py"))
    assert all(reason in written for reason in translations.REFUSALS_ZH if "{" not in reason), "nobody says that any more"
    zh = Messages("zh")
    strip = Photo(np.zeros((100, 290, 3), np.uint8))
    bent = refuse_bend(Camera(500.0, 320.0, 240.0, 640, 480, np.array([0.0, 1.0, 0.0]), "given", "lines", 0.01, 0.01, bend_k=-0.6))
    holed = Photo(np.random.default_rng(0).integers(0, 255, (100, 140, 3), np.uint8), transparent=0.31)
    numbered = [refuse_picture(strip), refuse_picture(holed), bent, _unheard_of(3.55, [ScaleSource(GIVEN_HEIGHT, 1.62, 0.03)]),
                _unheard_of(9.0, [])]
    for reason in numbered:
        told = zh.refusal(reason)
        assert told.endswith("。") and not re.search(r"[A-Za-z]{2}", told) and set(re.findall(r"\d+", reason)) == set(re.findall(r"\d+", told))
    assert len(numbered) == sum("{" in reason for reason in translations.REFUSALS_ZH)
    assert all(zh.refusal(messages.NO_ROOM + reason).endswith("。") for reason in [*REASONS.values(), "no walls are seen"])
    new = "no room found: the moon is in it"
    assert zh.refusal(new) == new and Messages("en").refusal(numbered[0]) == numbered[0] and zh.refusal("") == ""
    assert sentence(zh.refusal("no room found: no walls are seen")) == "画面中看不到墙面。"


def test_a_refusal_that_says_what_to_do_is_not_followed_by_other_advice():
    """Bars are to be cropped away: another photo, taken level at eye height, would have them too."""
    written = "".join((Path(messages.__file__).parent / name).read_text("utf-8") for name in ("room/refusal.py", "room/distortion.py", "scene.py"))
    for end in REMEDIES:
        assert f'{end}"' in written, "nobody says that any more"
        for say in (Messages("en"), Messages("zh")):
            told = [of_refusal(what, f"no room found: because; {end}", say) for what in ("means", "advice")]
            assert told != [of_refusal(what, "no room found: no walls are seen", say) for what in ("means", "advice")]
            assert not re.search("eye height|同高", "".join(told))


def test_phrases_of_the_stages_are_translated_where_known():
    zh, en = Messages("zh"), Messages("en")
    assert zh.phrase("metric model + camera height assumed") == "度量深度模型 + 假定的相机高度"
    free = "the free stretch goes on out of sight: cut by the photo's edge and hidden by what stands before it"
    assert zh.phrase(free) == "空墙延伸到视线之外：被画面边缘截断、被前方物体遮挡"
    assert zh.phrase("something new and odd") == "something new and odd" and zh.phrase("") == "" and en.phrase(free) == free


def test_an_unknown_language_is_one_clear_line():
    with pytest.raises(ParameterError, match=r"unknown report language 'fr'\. There are en \(English\), zh"):
        Messages("fr")
    assert Messages("zh_CN").language == "zh" and Messages("EN").language == "en"


@pytest.fixture(scope="module")
def mixed(finished, tmp_path_factory) -> runs.Run:
    """A run with a lower bound, an unknown, a wall in doubt, a failed check and five pieces."""
    named = {m.name: m for m in finished.get("03_measurements", "measurements")}
    named["ceiling_height"] = replace(named["ceiling_height"], value=None, low=None, high=None, status="unknown", reason="hardly any floor is seen", light="")
    named["longest_wall"] = replace(named["longest_wall"], value=3.6, low=3.479, high=None, status="lower_bound", reason="", light="amber")
    named["longest_free_wall"] = replace(named["longest_free_wall"], light="red", reason="it runs through wall 2 and wall 3: one of them is not where it was put")
    measurements = tuple(named.values())
    checks = (*finished.get("03_measurements", "checks"), Check("corner angles", 9.0, "deg", "red", "crooked"), Check("gravity", 0.0, "deg", "", "not made"))
    found = finished.get("05_recommendation", "found")
    items = tuple(replace(found.items[0], product=replace(found.items[0].product, sku=f"S{k}", name=f"Sofa {k}"), probability=0.9 + 0.0199 * k, at_least=k == 1) for k in range(5))
    case = finished.get("06_business_case", "case")
    values = {"measurements": measurements, "checks": checks, "found": replace(found, items=items, sure=9), "verdict": accuracy_verdict(measurements, case.params)}
    return changed(finished, tmp_path_factory.mktemp("mixed"), **values)


def test_the_first_page_word_by_word(mixed):
    """Every number of it by hand; the money is compared with the case, since its figures have tests of their own."""
    told, case = summarise(mixed, Messages("en")), mixed.get("06_business_case", "case")
    assert [(c.value, c.note, c.light_word) for c in told.cards] == [
        ("cannot say", "hardly any floor is seen", ""), ("≥ 3.47 m", "it goes on out of sight", "use with care"),
        ("3.05 m", "90 %: 2.84–3.26 m; it runs through wall 2 and wall 3: one of them is not where it was put", "weak"),
        ("6.23 m²", "90 %: 5.36–7.10 m²", "use with care")]
    assert told.measured == ("Room dimensions: 6 with a full interval, 4 with only a lower bound, 2 that this photo cannot tell.",)
    assert told.sure[2] == "Self-checks: 1 passed, 1 in doubt, 1 failed, 1 could not be run."
    assert told.sure[3] == (
        "The longest free wall is known to ± 7 % (90 %); of the longest wall only a lower bound is known; the ceiling height cannot be "
        "determined. One of them, or all, may be entirely wrong: measure by tape.")
    assert told.fits == (
        "A self-check failed (corner angles), so the room may differ from the drawing: measure by tape before ordering anything.",
        "Sofa 0, ¥4,990: fits with a probability of 90 % if the room matches the drawing", "Sofa 1, ¥4,990: fits with a probability of at least 91 % if the room matches the drawing",
        "Sofa 2, ¥4,990: fits with a probability of 93 % if the room matches the drawing", "and 2 more below, of 9 that fit",
        "Each piece is assessed on its own: several may need the same place.")
    named = {m.name: m for m in mixed.get("03_measurements", "measurements")}
    bounds = [m for m in (named[name] for name in CARDS) if m.status == "lower_bound"]
    assert bounds and all(f"≥ {floored(m.low)} m" in {c.value for c in told.cards} and float(floored(m.low)) <= m.low for m in bounds)
    low, median, high = (money(value, "¥") for value in (case.net_low, case.net_median, case.net_high))
    assert told.worth[1].endswith(f"brings {money(case.steady.net, '¥')}; with the inputs varied over their ranges, {low} to {high} in nine cases out of ten, in half of all cases more than {median} and in half less.")
    assert f"after 24 months the money is above {money(case.end_median, '¥')} in half of the cases and below it in the other half." in told.worth[0]


@pytest.mark.parametrize(("statuses", "english", "chinese"), [
    (("measured", "measured", "measured"), "The longest free wall, the longest wall and the ceiling height are known to ± 19 % or better (90 %).",
     "最长空墙、最长墙面和层高的误差不超过 ± 19 %（90 %）。"),
    (("lower_bound", "lower_bound", "measured"), "The ceiling height is known to ± 19 % (90 %); of the longest free wall and the longest wall only"
     " lower bounds are known.", "层高的误差为 ± 19 %（90 %）；最长空墙和最长墙面只知道下限。"),
    (("unknown", "measured", "lower_bound"), "The longest wall is known to ± 19 % (90 %); of the ceiling height only a lower bound is known;"
     " the longest free wall cannot be determined.", "最长墙面的误差为 ± 19 %（90 %）；层高只知道下限；最长空墙无法判断。"),
    (("unknown", "unknown", "unknown"), "The longest free wall, the longest wall and the ceiling height cannot be determined.",
     "最长空墙、最长墙面和层高无法判断。"),
])
def test_the_verdict_names_what_is_known_and_what_is_not(statuses, english, chinese):
    spread = 0.19
    lengths = [replace(rooms.measured(name, 2.4, spread), status=status) for name, status in zip(DECISION_LENGTHS, statuses, strict=True)]
    lengths = [replace(m, value=None, low=None, high=None) if m.status == "unknown" else m for m in lengths]
    whole = accuracy_verdict(lengths, BusinessParameters())
    for language, told in (("en", english), ("zh", chinese)):
        short = _verdict(whole, lengths, BusinessParameters(), Messages(language))
        assert short.startswith(told) and ("tape" in short or "卷尺" in short)


def test_counts_of_nothing_are_not_told(finished):
    one = (finished.get("03_measurements", "measurements")[1],)
    assert _measured(one, Messages("en")) == ("Room dimensions: 1 with a full interval.",)
    assert _measured(one, Messages("zh")) == ("房间尺寸：1 项有完整区间。",)


@pytest.mark.parametrize(("products", "case", "told"), [("EUR", "¥", True), ("CNY", "¥", False), ("¥", "€", True), ("EUR", "€", False)])
def test_two_currencies_on_one_page_are_not_converted_and_said_to_be_two(finished, tmp_path, products, case, told):
    money = finished.load("06_business_case").values["case"]
    found = finished.get("05_recommendation", "found")
    run = changed(finished, tmp_path, found=replace(found, currency=products), case=replace(money, params=replace(money.params, currency=case)))
    assert any(f"in {products}, the business case is in {case}" in line for line in summarise(run, Messages("en")).worth) == told
    assert any("未作换算" in line for line in summarise(run, Messages("zh")).worth) == told
    none = changed(finished, tmp_path / "none", found=replace(found, items=(), currency=products), case=replace(money, params=replace(money.params, currency=case)))
    assert not any("nothing is converted" in line for line in summarise(none, Messages("en")).worth), "no price is shown"


@pytest.mark.parametrize("status", ["measured", "lower_bound"])
@pytest.mark.parametrize("spread", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("doubt", ["", "it runs through wall 2: one of them is not where it was put"])
def test_the_verdict_in_short_says_what_the_whole_one_does(status, spread, doubt):
    wall = replace(rooms.measured("longest_free_wall", 2.4, spread, status=status), reason=doubt)
    params = BusinessParameters()
    whole = accuracy_verdict((wall,), params)
    for language, wrong in (("en", "entirely wrong"), ("zh", "根本不对")):
        short = _verdict(whole, (wall,), params, Messages(language))
        assert (wrong in short) == bool(doubt) == ("entirely wrong" in whole.text)
        assert (f"± {100 * spread:.0f} %" in short) == (status == "measured") and not re.search(r"± +%", short)


def test_the_first_page_in_chinese_word_by_word(mixed):
    told, case = summarise(mixed, Messages("zh")), mixed.get("06_business_case", "case")
    assert [(c.value, c.note, c.light_word) for c in told.cards][:3] == [
        ("无法判断", "几乎看不到地面", ""), ("≥ 3.47 m", "延伸到视线之外", "谨慎使用"),
        ("3.05 m", "90 % 区间：2.84–3.26 m；它与墙面 2、墙面 3互相穿越：其中有位置不对的", "不可靠")]
    assert told.measured == ("房间尺寸：6 项有完整区间、4 项只有下限、2 项无法由此照片判断。",)
    assert told.sure[2] == "自检：1 项通过，1 项存疑，1 项未通过，1 项无法进行。"
    assert told.sure[3] == "最长空墙的误差为 ± 7 %（90 %）；最长墙面只知道下限；层高无法判断。其中一项或全部可能根本不对：请用卷尺测量。"
    assert told.fits[2] == "Sofa 1，¥4,990：若房间与图相符，放得下的概率 至少 91 %"
    assert told.fits[0].startswith("有自检未通过（墙角角度）") and told.fits[4] == "下文另有 2 件（共 9 件适合）"
    assert f"90 % 的情形在 {money(case.net_low, '¥')} 至 {money(case.net_high, '¥')} 之间，半数高于 {money(case.net_median, '¥')}，半数低于此数" in told.worth[1]


@pytest.mark.parametrize("clauses", [
    *filter(None, END_REASONS.values()),
    "hardly any of the floor seen is free", "too uncertain to say: 0.68 to 9.21 m", f"{SLOPING_CEILING}; what is seen of it is 2.4 to 3.7 m high", "wall 2, seen whole, is 4.74 m (4.02–5.58); wall 1 and wall 3 go on out of sight",
    "a free stretch of wall 2, seen whole, is about 1.31 m; another of wall 1 and wall 3 goes on out of sight",
    "an end of the wall is hidden, or not made out; it runs through wall 2: one of them is not where it was put",
    "the free stretch goes on out of sight: cut by the photo's edge and hidden by what stands before it",
    "free floor: the floor goes on out of the photo and behind furniture", UNCOMMON_CEILING,
    "reference length (2 m, on wall 1) says the camera is 1.44 m up, reference door (1.98 m, standing on the floor) says 0.90 m: 60 % apart",
    "reference height (2.60 m, from floor to ceiling) contradicts the photo and what else is given, by which it is 2.05 m (1.90–2.21)",
    "reference wall (4 m, all along wall 2) says the camera is 1.44 m up, metric model says 1.12 m: 29 % apart",
    "free wall: it runs through wall 2 and wall 3: one of them is not where it was put",
    "no piece in the catalogue fits with a probability of 0.8 or more; 6 may fit: measure by tape first; free wall: no wall is seen free down to "
    "its foot for 0.4 m or more"])
def test_joined_reasons_are_told_in_chinese(clauses):
    assert not re.search(r"[A-Za-z]{2}", Messages("zh").phrase(clauses))
    assert Messages("zh").phrase(f"{clauses}; something new") == f"{clauses}; something new", "not half of it in each language"


def test_a_failed_check_stands_before_what_fits(finished, tmp_path):
    """A room that contradicts itself may not be as drawn: whoever would order furniture for it is told first."""
    assert "tape" not in summarise(finished, Messages("en")).fits[0], "nothing failed"
    checks = (*finished.get("03_measurements", "checks"), Check("walls in each other's way", 1.0, "", "red", "they cross"))
    run = changed(finished, tmp_path, checks=checks)
    first = summarise(run, Messages("en")).fits[0]
    assert "walls in each other's way" in first and "measure by tape" in first and tape_first(checks) == first
    assert "卷尺" in summarise(run, Messages("zh")).fits[0]


def test_a_stale_run_gives_no_report(finished, tmp_path):
    run = runs.Run("stale", Path(shutil.copytree(finished.folder, tmp_path / "stale")))
    photo = run.get("01_upload", "photo")
    run.save("01_upload", {"photo": photo, "focal_px": 700.0}, facts={"sha256": "x", "photo": "y"})
    with pytest.raises(RunError, match="stale"):
        build_report(run, made_run.STAGES, (), {})


def test_a_missing_notebook_is_named(finished):
    with pytest.raises(RunError, match="run 07_more first"):
        build_report(finished, (*made_run.STAGES, "07_more"), (), {})


@pytest.mark.slow
@pytest.mark.browser
def test_it_opens_in_a_browser_without_a_network(page, chromium, tmp_path):
    """Every figure draws, with every host name unreachable."""
    path = tmp_path / "report.html"
    path.write_text(page)
    done = browse(chromium, path, tmp_path, "--dump-dom")
    assert 'data-figures="done"' in done
    assert len(re.findall(r'class="figure[^"]*\bdrawn\b', done)) == FIGURES


@pytest.mark.slow
@pytest.mark.browser
def test_it_fits_the_width_of_a_phone(page, chromium, tmp_path):
    """Nothing sticks out at 390 pixels; figures are not drawn here, and scroll inside their own box."""
    probe = "<script>var e = document.documentElement; onload = () => parent.postMessage(e.scrollWidth - e.clientWidth, '*')</script></body>"
    (tmp_path / "page.html").write_text(without_scripts(page).replace("</body>", probe))
    frame = "<iframe src='page.html' width='390' height='800' style='border: 0'></iframe>"
    (tmp_path / "frame.html").write_text(f"<script>onmessage = e => document.title = e.data + ' px stick out'</script>{frame}")
    assert "<title>0 px stick out</title>" in browse(chromium, tmp_path / "frame.html", tmp_path, "--dump-dom")


def browse(chromium: str, path: Path, folder: Path, *arguments: str) -> str:
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader", f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND",
        "--virtual-time-budget=10000", "--window-size=1200,900", *arguments, path.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=True).stdout
