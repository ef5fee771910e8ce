"""The report's own text in English and Chinese, and the translation of what the stages write.

Only the first page is translated; below it, what the stages write stays in English.
"""

from __future__ import annotations

import re

from poc.errors import ParameterError
from poc.parameters import did_you_mean
from poc.translations import ACTIONS_ZH, PHRASES_ZH, REFUSALS_ZH, SLOTS

LANGUAGES = {"en": "English", "zh": "中文"}

_TEXT: dict[str, tuple[str, str]] = {
    "title": ("Room report", "房间报告"),
    "summary": ("Summary", "摘要"),
    "measured": ("What was measured", "测量结果"),
    "sure": ("How sure it is", "可信程度"),
    "fits": ("What fits", "适合的家具"),
    "worth": ("What it is worth", "商业价值"),
    "next": ("What to measure next", "下一步测量"),
    "known_one": ("{names} is known to ± {worst} % (90 %)", "{names}的误差为 ± {worst} %（90 %）"),
    "known_more": ("{names} are known to ± {worst} % or better (90 %)", "{names}的误差不超过 ± {worst} %（90 %）"),
    "bounded_one": ("of {names} only a lower bound is known", "{names}只知道下限"),
    "bounded_more": ("of {names} only lower bounds are known", "{names}只知道下限"),
    "not_known": ("{names} cannot be determined", "{names}无法判断"),
    "verdict_": ("Too little to choose a product by: measure by tape.", "不足以选择产品：请用卷尺测量。"),
    "verdict_green": ("That is within the ± {choose} % for choosing a product.", "在选择产品所需的 ± {choose} % 之内。"),
    "verdict_amber": (
        "To choose a product, all three must be known to ± {choose} %: measure by tape before ordering.",
        "选择产品需要三者都在 ± {choose} % 之内：订购前请用卷尺核实。",
    ),
    "verdict_red": (
        "Too uncertain for choosing a product, which takes ± {choose} %: measure by tape.",
        "不足以选择产品（需在 ± {choose} % 之内）：请用卷尺测量。",
    ),
    "verdict_doubted": (
        "One of them, or all, may be entirely wrong: measure by tape.",
        "其中一项或全部可能根本不对：请用卷尺测量。",
    ),
    "the_ceiling_height": ("the ceiling height", "层高"),
    "the_longest_wall": ("the longest wall", "最长墙面"),
    "the_longest_free_wall": ("the longest free wall", "最长空墙"),
    "and": (" and ", "和"),
    "verdict": ("{known}. {follows}", "{known}。{follows}"),
    "joint": ("; ", "；"),
    "list": (", ", "、"),
    "interval": ("90 %: {low}–{high} {unit}", "90 % 区间：{low}–{high} {unit}"),
    "cannot_say": ("cannot say", "无法判断"),
    "hidden_end": ("it goes on out of sight", "延伸到视线之外"),
    "light_green": ("sound", "可靠"),
    "light_amber": ("use with care", "谨慎使用"),
    "light_red": ("weak", "不可靠"),
    "camera_height": ("Camera height", "相机高度"),
    "ceiling_height": ("Ceiling height", "层高"),
    "longest_wall": ("Longest wall seen", "可见的最长墙面"),
    "longest_free_wall": ("Longest free wall seen", "可见的最长空墙"),
    "floor_area_visible": ("Floor area seen", "可见地面面积"),
    "floor_area_free": ("Free floor area", "空余地面面积"),
    "scale_from": ("The scale comes from: {source}.", "尺度来源：{source}。"),
    "scale_error": (
        "Its error of ± {percent} % (90 %) is shared by every length.",
        "所有长度共有 ± {percent} % 的尺度误差（90 %）。",
    ),
    "scale_error_given": (
        "A length of the room itself is given, and taken as it is; the camera's height is known to ± {percent} % (90 %).",
        "房间本身的一个长度已给出，按所给值使用；相机高度的误差为 ± {percent} %（90 %）。",
    ),
    "scale_note": ("{note}.", "{note}。"),
    "measured_count": ("Room dimensions: {counts}.", "房间尺寸：{counts}。"),
    "count_measured": ("{count} with a full interval", "{count} 项有完整区间"),
    "count_lower_bound": ("{count} with only a lower bound", "{count} 项只有下限"),
    "count_unknown": ("{count} that this photo cannot tell", "{count} 项无法由此照片判断"),
    "checks_unmade": (
        "Self-checks: {green} passed, {amber} in doubt, {red} failed, {unmade} could not be run.",
        "自检：{green} 项通过，{amber} 项存疑，{red} 项未通过，{unmade} 项无法进行。",
    ),
    "checks": ("Self-checks: {green} passed, {amber} in doubt, {red} failed.", "自检：{green} 项通过，{amber} 项存疑，{red} 项未通过。"),
    "no_room": ("No room could be measured in this photo", "此照片无法测量房间"),
    "no_room_means": (
        "What helps: another photo, of a room, taken level and at eye height, that shows the floor meeting at least one wall. Without a room"
        " there are no dimensions, and nothing is recommended; the business case below rests on its parameters alone and says nothing about"
        " this photo.",
        "建议：对着房间重新拍摄，手机持平，与眼同高，让画面包含地面与至少一面墙的交线。没有找到房间，因此没有尺寸，也不推荐家具；"
        "下面的商业测算只基于参数，与此照片无关。",
    ),
    "given_off_means": (
        "The value you gave (a camera height or a reference) clearly contradicts the photo, so nothing was measured and nothing is"
        " recommended. The business case below rests on its parameters alone. What helps: leave the value out, or mark and measure it"
        " again; if this is not a room, use a photo of one.",
        "所给的数值（相机高度或参照物）与照片相差太大，因此不作测量，也不推荐家具。下面的商业测算只基于参数。"
        "建议：去掉所给的数值，或重新标注和测量；如果这不是房间，请换一张房间的照片。",
    ),
    "remedy_means": (
        "There are therefore no dimensions, and nothing is recommended. The business case below rests on its parameters alone and says"
        " nothing about this photo. The reason above says what to do.",
        "因此没有尺寸，也不推荐家具。下面的商业测算只基于参数，与此照片无关。解决办法见上述原因。",
    ),
    "remedy_advice": ("Do what the reason above says, then try again.", "请按上述原因所说处理后再试。"),
    "caveat_02_depth": (
        "The model gives a depth for any photo. No room was found in this one, so its metres cannot be checked against anything:"
        " do not use them.",
        "模型对任何照片都会给出深度。此照片中没有找到房间，这些米数无从核对，请勿使用。",
    ),
    "caveat_03_measurements": (
        "No room was found, so nothing was fitted or measured. The picture below only shows what the model took each part of the photo for.",
        "没有找到房间，因此没有拟合，也没有测量。下图只表示模型把画面各部分看作什么。",
    ),
    "instead_04_sketch": ("Nothing is drawn: there is no room to draw.", "没有房间，因此没有绘图。"),
    "instead_05_recommendation": ("Nothing is recommended: there is no room to place anything in.", "没有房间，因此没有推荐。"),
    "nothing_fits": ("Nothing is recommended: {reason}.", "没有推荐：{reason}。"),
    "tape_first": (
        "A self-check failed ({names}), so the room may differ from the drawing: measure by tape before ordering anything.",
        "有自检未通过（{names}），房间可能与图不符：订购前请用卷尺核实。",
    ),
    "fit_line": ("{name}, {price}: fits with a probability of {percent}", "{name}，{price}：放得下的概率 {percent}"),
    "fit_line_if": (
        "{name}, {price}: fits with a probability of {percent} if the room matches the drawing", "{name}，{price}：若房间与图相符，放得下的概率 {percent}"),
    "alone": ("Each piece is assessed on its own: several may need the same place.", "每件家具单独判断：几件可能要占同一位置。"),
    "more_pieces": ("and {count} more below, of {all} that fit", "下文另有 {count} 件（共 {all} 件适合）"),
    "net": (
        "Building it costs {build}. With every input as stated, a month at full use brings {net}; with the inputs varied over their "
        "ranges, {low} to {high} in nine cases out of ten, in half of all cases more than {median} and in half less.",
        "建设成本 {build}。各参数取所列数值时，全面使用后每月净收益 {net}；参数在其范围内变动时，90 % 的情形在 {low} 至 {high} 之间，半数高于 {median}，半数低于此数。",
    ),
    "pays_in": (
        "With the inputs varied over their ranges, it pays back within {horizon} months in {share} of the cases;"
        " after {horizon} months the money is above {end} in half of the cases and below it in the other half. With every input exactly as stated, it pays back in month {month}.",
        "参数在其范围内变动时，{horizon} 个月内收回成本的情形占比：{share}；期末半数情形高于 {end}，半数低于此数；"
        "各参数恰取所列数值时，第 {month} 个月收回成本。",
    ),
    "pays_never": (
        "With the inputs varied over their ranges, it pays back within {horizon} months in {share} of the cases;"
        " after {horizon} months the money is above {end} in half of the cases and below it in the other half. With every input exactly as stated, it does not pay back.",
        "参数在其范围内变动时，{horizon} 个月内收回成本的情形占比：{share}；期末半数情形高于 {end}，半数低于此数；"
        "各参数恰取所列数值时不能收回。",
    ),
    "two_currencies": (
        "Prices of products are in {products}, the business case is in {case}: nothing is converted.",
        "产品价格的货币为 {products}，商业测算的货币为 {case}，未作换算。",
    ),
    "decides": ("The input that matters most: {name}.", "影响最大的参数：{name}。"),
    "calculation": (
        "A calculation from the inputs listed below, not a forecast.",
        "以上为基于下列输入的测算，不是预测。",
    ),
    "advice": ("{action} {gain}", "{action}{gain}"),
    "gain_narrower": ("It narrows “{title}” from ±{now} m to ±{after} m.", "这样“{title}”的误差由 ±{now} m 缩小到 ±{after} m。"),
    "gain_higher_bound": (
        "It would raise the lower bound of “{title}” from {now} m to about {after} m.",
        "这样“{title}”的下限可由 {now} m 提高到约 {after} m。",
    ),
    "gain_from_bound": (
        "So far, “{title}” is only known to be at least {now} m; this would give its value to about ±{after} m.",
        "目前只知道“{title}”不小于 {now} m；这样之后误差约为 ±{after} m。",
    ),
    "gain_free_stretch": (
        "So far, “{title}” cannot be determined; this would give the length of a {length} m free stretch to about ±{after} m.",
        "目前无法判断“{title}”；这样之后，{length} m 的空闲墙段误差约为 ±{after} m。",
    ),
    "gain_from_nothing": (
        "So far, “{title}” cannot be determined; this would give its value to about ±{after} m.",
        "目前无法判断“{title}”；这样之后误差约为 ±{after} m。",
    ),
    "no_advice": (
        "No single further measurement would improve this result much.",
        "再测任何单个尺寸都不会明显提高精度。",
    ),
    "no_room_advice": (
        "Take another photo, level and at eye height, that shows the floor meeting at least one wall.",
        "重新拍摄一张照片：手机持平，与眼同高，画面包含地面与至少一面墙的交线。",
    ),
    "given_off_advice": (
        "Try the photo again without the value you gave, or mark and measure it again: the value and the photo contradict each other.",
        "请去掉所给的数值，或重新标注和测量后再试：它与照片互相矛盾。",
    ),
    "photo": ("The photo", "照片"),
    "photo_alt": ("The photo that was measured", "所测量的照片"),
    "code": ("Code", "代码"),
    "provenance": ("Where this comes from", "来源与过程"),
    "run": ("Run", "运行编号"),
    "model": ("Depth model", "深度模型"),
    "weights": ("Weights", "权重"),
    "engine": ("Engine", "计算引擎"),
    "file_hash": ("Photo, sha256", "照片 sha256"),
    "made": ("Created", "生成时间"),
    "software": ("Software", "软件"),
    "parameters": ("Parameters given", "给定参数"),
    "defaults": ("all at their defaults", "全部为默认值"),
    "times": ("Where the time went", "耗时"),
    "stage": ("Stage", "阶段"),
    "started": ("Started at", "开始"),
    "took": ("Took", "用时"),
    "kernel": ("of that, waiting to start", "其中等待启动"),
    "seconds": ("{value} s", "{value} 秒"),
    "whole": ("All stages", "全部阶段"),
    "no_script": ("The figures need JavaScript.", "图表需要启用 JavaScript。"),
    "offline": ("This file is self-contained: it loads nothing from any network.", "本文件完整独立，不访问任何网络。"),
    "01_upload": ("The photo", "照片"),
    "02_depth": ("Depth", "深度"),
    "03_measurements": ("Measurements", "测量"),
    "04_sketch": ("Sketch", "草图"),
    "05_recommendation": ("Products", "产品推荐"),
    "06_business_case": ("Business case", "商业测算"),
}
NO_ROOM = "no room found: "
_JOINTS = re.compile(r"( \+ | and )")
_JOINTS_ZH = {" + ": " + ", " and ": "、"}


class Messages:
    """The report's text in one language: `messages("key", name=value)` fills the slots of the text for a key.

    Raises ParameterError for a language that is not in LANGUAGES ("zh-CN" counts as "zh").
    """

    def __init__(self, language: str = "en"):
        wanted = str(language).strip().lower().replace("_", "-").partition("-")[0]
        if wanted not in LANGUAGES:
            hint = did_you_mean(wanted, LANGUAGES) or f" There are {', '.join(f'{k} ({v})' for k, v in LANGUAGES.items())}."
            raise ParameterError(f"unknown report language {language!r}.{hint}")
        self.language = wanted
        self._column = list(LANGUAGES).index(wanted)

    def __call__(self, key: str, /, **values: object) -> str:
        return _TEXT[key][self._column].format(**values)

    def phrase(self, text: str) -> str:
        """A stage's phrase in this language; unchanged where no translation is known."""
        if self.language != "zh":
            return text
        clauses = [_clause_zh(clause) for clause in text.split("; ")]
        # half a sentence in each language reads worse than all of it in English
        return text if None in clauses else self("joint").join(clauses)

    def refusal(self, reason: str) -> str:
        """The reason why no room was measured, in this language; unchanged where no translation is known."""
        known = _filled_zh(REFUSALS_ZH, reason.removeprefix(NO_ROOM)) if self.language == "zh" else None
        return reason if known is None else known

    def action(self, sentence: str) -> str | None:
        """What to measure next, as a sentence in this language; None where no translation is known."""
        if self.language == "en":
            return sentence
        return _filled_zh(ACTIONS_ZH, sentence)

    def has(self, key: str) -> bool:
        """Whether there is a text for this key."""
        return key in _TEXT


def _clause_zh(clause: str) -> str | None:
    """A clause in Chinese: looked up whole, else as "label: rest", else part by part (" + ", " and "). None where any part is unknown."""
    if (whole := _filled_zh(PHRASES_ZH, clause)) is not None:
        return whole
    label, colon, rest = clause.partition(": ")
    if colon:
        halves = [_filled_zh(PHRASES_ZH, label), _clause_zh(rest)]
        return None if None in halves else "：".join(halves)
    parts = _JOINTS.split(clause)
    translated = [_filled_zh(PHRASES_ZH, part) if i % 2 == 0 else _JOINTS_ZH[part] for i, part in enumerate(parts)]
    return None if None in translated else "".join(translated)


def _filled_zh(table: dict[str, str], sentence: str) -> str | None:
    """The translation of `sentence` from a table of templates, with its slots filled; None where no template matches."""
    if sentence in table:
        return table[sentence]
    for template, translated in table.items():
        if "{" in template and (found := re.fullmatch(_pattern(template), sentence)):
            return translated.format(**{slot: _slot_zh(slot, text) for slot, text in found.groupdict().items()})
    return None


def _pattern(template: str) -> str:
    """A template as a regular expression with a named group per slot; a slot that occurs twice must hold the same text both times."""
    found = re.escape(template)
    for slot, text in SLOTS.items():
        here = re.escape(f"{{{slot}}}")
        found = found.replace(here, f"(?P<{slot}>{text})", 1).replace(here, f"(?P={slot})")
    return found


def _slot_zh(slot: str, text: str) -> str:
    """What a slot holds, in Chinese; numbers stay as they are."""
    if slot in ("side", "lens"):
        return {"left": "左", "right": "右", "barrel": "桶形", "cushion": "枕形"}[text]
    if slot in ("source", "second"):
        source, _, note = text.removesuffix(")").partition(" (")
        return PHRASES_ZH.get(source, source) + (f"（{'，'.join(_place_zh(part) for part in note.split(', '))}）" if note else "")
    if slot == "walls":
        return "、".join(f"墙面 {number}" for number in re.findall(r"\d+", text))
    if slot == "part":
        return f"墙面 {re.findall(r'[0-9]+', text)[0]} {'空段' if text.startswith('the free') else ''}的"
    return text


def _place_zh(part: str) -> str:
    """Part of what a reference says of itself: its length, or where it is."""
    for before, after in (("on wall ", "上"), ("all along wall ", "全长")):
        if part.startswith(before):
            return f"墙面 {part.removeprefix(before)} {after}"
    return PHRASES_ZH.get(part, part)
