"""The report's own words, English and Chinese, and what stages say on its first page; what they say below it stays in English."""

from __future__ import annotations

import re

from poc.errors import ParameterError
from poc.parameters import did_you_mean

LANGUAGES = {"en": "English", "zh": "中文"}

_TEXT: dict[str, tuple[str, str]] = {
    "title": ("Room report", "房间报告"),
    "summary": ("Summary", "摘要"),
    "measured": ("What was measured", "测量结果"),
    "sure": ("How sure it is", "可信程度"),
    "fits": ("What fits", "适合的家具"),
    "worth": ("What it is worth", "商业价值"),
    "next": ("What to measure next", "下一步测量"),
    "joint": ("; ", "；"),
    "interval": ("90 %: {low}–{high} {unit}", "90 % 区间：{low}–{high} {unit}"),
    "cannot_say": ("cannot say", "无法判断"),
    "hidden_end": ("it goes on out of sight", "有一端不在画面内"),
    "light_green": ("sound", "可靠"),
    "light_amber": ("with care", "谨慎使用"),
    "light_red": ("weak", "不可靠"),
    "camera_height": ("Camera height", "相机高度"),
    "ceiling_height": ("Ceiling height", "层高"),
    "longest_wall": ("Longest wall seen", "可见的最长墙面"),
    "longest_free_wall": ("Longest free wall seen", "可见的最长空墙"),
    "floor_area_visible": ("Floor area seen", "可见地面面积"),
    "floor_area_free": ("Free floor area", "空余地面面积"),
    "scale_from": ("The scale comes from: {source}.", "尺度来源：{source}。"),
    "scale_error": (
        "Every length shares its error of ± {percent} % (90 %).",
        "所有长度共有 ± {percent} % 的尺度误差（90 %）。",
    ),
    "scale_note": ("{note}.", "{note}。"),
    "measured_count": (
        "Dimensions of the room: {measured} of {all} with an interval with two ends, {bounds} as a lower bound; what cannot be said from this photo: {unknown}.",
        "房间的 {all} 项尺寸中 {measured} 项有完整区间，{bounds} 项为下限，{unknown} 项无法由此照片判断。",
    ),
    "checks_unmade": (
        "Self-checks: {green} passed, {amber} in doubt, {red} failed, {unmade} could not be made.",
        "自检：{green} 项通过，{amber} 项存疑，{red} 项未通过，{unmade} 项无法进行。",
    ),
    "checks": ("Self-checks: {green} passed, {amber} in doubt, {red} failed.", "自检：{green} 项通过，{amber} 项存疑，{red} 项未通过。"),
    "no_room": ("No room is measured in this photo", "此照片无法测量房间"),
    "no_room_means": (
        "So there are no dimensions and nothing is recommended. The business case below stands on its parameters alone and says"
        " nothing about this photo. What helps: a photo that shows the floor meeting at least one wall, taken level at eye height.",
        "因此没有尺寸，也不推荐家具。下面的商业测算只基于参数，与此照片无关。建议：重新拍摄，让画面包含地面与至少一面墙的交线，手机持平，与眼同高。",
    ),
    "given_off_means": (
        "What was given (a camera height, a reference) contradicts the photo by far, so nothing is measured with it and nothing is recommended. The business"
        " case below stands on its parameters alone. What helps: leave what was given out, or mark and measure it again; and if this is no room, a photo of one.",
        "所给的数值（相机高度或参照物）与照片相差太大，因此不作测量，也不推荐家具。下面的商业测算只基于参数。建议：去掉所给的数值，或重新标注和测量；如果这不是房间，请换一张房间的照片。",
    ),
    "remedy_means": (
        "So there are no dimensions and nothing is recommended. The business case below stands on its parameters alone and says nothing about this photo."
        " What helps is said with the reason above.", "因此没有尺寸，也不推荐家具。下面的商业测算只基于参数，与此照片无关。解决办法见上述原因。",
    ),
    "remedy_advice": ("Do what the reason says, and try again.", "请按上述原因所说处理后再试。"),
    "caveat_02_depth": (
        "The model answers every photo. For one in which no room was found its metres have nothing that they could be checked against: do not use them.",
        "模型对任何照片都会给出深度。此照片中没有找到房间，这些米数无从核对，请勿使用。",
    ),
    "instead_04_sketch": ("Nothing is drawn: there is no room to draw.", "没有房间，因此没有绘图。"),
    "instead_05_recommendation": ("Nothing is recommended: no place in a room is known.", "没有可用的空间，因此没有推荐。"),
    "nothing_fits": ("Nothing is recommended: {reason}.", "没有推荐：{reason}。"),
    "tape_first": (
        "A self-check failed ({names}), so the room may not be as drawn: measure by tape before anything is ordered.",
        "有自检未通过（{names}），房间可能与图不符：订购前请用卷尺核实。",
    ),
    "fit_line": ("{name}, {price}: fits with a probability of {percent}", "{name}，{price}：放得下的概率 {percent}"),
    "fit_line_if": (
        "{name}, {price}: fits with a probability of {percent} if the room is as drawn", "{name}，{price}：若房间与图相符，放得下的概率 {percent}"),
    "alone": ("Each piece is judged alone: several may want the same place.", "每件家具单独判断：几件可能要占同一位置。"),
    "more_pieces": ("and {count} more below, of {all} that fit", "下文另有 {count} 件（共 {all} 件适合）"),
    "net": (
        "Building it costs {build}. With every input as stated, a month at full use brings {net}; with the inputs anywhere in their "
        "ranges, {low} to {high} in nine cases of ten, half of them below {median}.",
        "建设成本 {build}。各参数取所列数值时，全面使用后每月净收益 {net}；参数在其范围内变动时，90 % 的情形在 {low} 至 {high} 之间，半数低于 {median}。",
    ),
    "pays_in": (
        "With the inputs anywhere in their ranges it pays back within {horizon} months in {share} of the cases, and half of all cases end below {end}; "
        "with every input exactly as stated it does, in month {month}.",
        "参数在其范围内变动时，{horizon} 个月内收回成本的情形占比：{share}；全部情形中有半数期末低于 {end}；各参数恰取所列数值时，第 {month} 个月收回成本。",
    ),
    "pays_never": (
        "With the inputs anywhere in their ranges it pays back within {horizon} months in {share} of the cases, and half of all cases end below {end}; "
        "with every input exactly as stated it does not.",
        "参数在其范围内变动时，{horizon} 个月内收回成本的情形占比：{share}；全部情形中有半数期末低于 {end}；各参数恰取所列数值时不能收回。",
    ),
    "decides": ("What decides it most: {name}.", "影响最大的参数：{name}。"),
    "calculation": (
        "A calculation from the inputs listed below, not a forecast.",
        "以上为基于下列输入的测算，不是预测。",
    ),
    "advice": ("{action} {gain}", "{action}{gain}"),
    "gain_narrower": ("It narrows “{title}” from ±{now} m to ±{after} m.", "这样“{title}”的误差由 ±{now} m 缩小到 ±{after} m。"),
    "gain_higher_bound": (
        "It would lift “{title}” from at least {now} m to at least about {after} m.",
        "这样“{title}”的下限可由 {now} m 提高到约 {after} m。",
    ),
    "gain_from_bound": (
        "“{title}” is only known to be at least {now} m now; with it, it is known to about ±{after} m.",
        "目前只知道“{title}”不小于 {now} m；这样之后误差约为 ±{after} m。",
    ),
    "gain_free_stretch": (
        "“{title}” cannot be said now; with it, a free stretch of {length} m would be known to about ±{after} m.",
        "目前无法判断“{title}”；这样之后，{length} m 的空闲墙段误差约为 ±{after} m。",
    ),
    "gain_from_nothing": (
        "“{title}” cannot be said now; with it, it is known to about ±{after} m.",
        "目前无法判断“{title}”；这样之后误差约为 ±{after} m。",
    ),
    "no_advice": (
        "No single further measurement would sharpen this result much.",
        "再测任何单个尺寸都不会明显提高精度。",
    ),
    "no_room_advice": (
        "Another photo, level, at eye height, that shows the floor meeting at least one wall.",
        "重新拍摄一张照片：手机持平，与眼同高，画面包含地面与至少一面墙的交线。",
    ),
    "given_off_advice": (
        "The photo again, without what was given, or with it marked and measured anew: the two contradict each other.",
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
    "made": ("Made", "生成时间"),
    "software": ("Software", "软件"),
    "parameters": ("Parameters given", "给定参数"),
    "defaults": ("all at their defaults", "全部为默认值"),
    "times": ("Where the time went", "耗时"),
    "stage": ("Stage", "阶段"),
    "started": ("Started at", "开始"),
    "took": ("Took", "用时"),
    "kernel": ("of that, waiting for a kernel", "其中等待内核"),
    "seconds": ("{value} s", "{value} 秒"),
    "whole": ("All stages", "全部阶段"),
    "no_script": ("The figures need JavaScript.", "图表需要启用 JavaScript。"),
    "offline": ("This file is complete: it asks for nothing from any network.", "本文件完整独立，不访问任何网络。"),
    "01_upload": ("The photo", "照片"),
    "02_depth": ("Depth", "深度"),
    "03_measurements": ("Measurements", "测量"),
    "04_sketch": ("Sketch", "草图"),
    "05_recommendation": ("Products", "产品推荐"),
    "06_business_case": ("Business case", "商业测算"),
}


_PHRASES_ZH = {
    "corner angles": "墙角角度",
    "wall flatness": "墙面平整度",
    "gravity": "重力方向",
    "left and right": "左右一致性",
    "scale sources": "尺度来源",
    "walls in each other's way": "墙面互相穿越",
    "ceiling height": "天花板高度",
    "metric model": "度量深度模型",
    "camera height assumed": "假定的相机高度",
    "camera height given": "给定的相机高度",
    "reference length": "标注的长度",
    "reference door": "标注的门",
    "reference a4": "标注的 A4 纸",
    "reference a4_short": "标注的 A4 纸短边",
    "reference socket": "标注的插座高度",
    "{source} says the camera is {metres} m up, {second} says {given} m": "{source}推算相机离地 {metres} m，{second}为 {given} m",
    "the interval is widened from ± {before} to ± {after} %": "区间由 ± {before} % 放宽到 ± {after} %",
    "{after} % apart": "相差 {after} %",
    "an end of the wall is out of the photo": "墙的一端不在画面内",
    "an end of the wall is hidden, or not made out": "墙的一端被遮挡或无法辨认",
    "both ends of the wall are out of the photo": "墙的两端都不在画面内",
    "both ends of the wall are hidden, or not made out": "墙的两端都被遮挡或无法辨认",
    "one end of the wall is out of the photo, the other hidden, or not made out": "墙的一端不在画面内，另一端被遮挡或无法辨认",
    "hardly any of the walls is seen": "几乎看不到墙面",
    "no wall is seen free down to its foot for 0.4 m or more": "没有一面墙有 0.4 m 以上的空段一直看到墙脚",
    "the ceiling is out of the photo, or not seen clearly enough": "天花板不在画面内，或看不清",
    "height up to which a wall is seen": "墙面可见的最高处",
    "the floor goes on out of the photo": "地面延伸到画面之外",
    "the floor goes on out of the photo and behind furniture": "地面延伸到画面之外和家具之后",
    "the free stretch goes on out of sight": "空墙延伸到视线之外",
    "over 99 %": "超过 99 %",
    "at least {percent}": "至少 {percent}",
    "under 1 %": "不足 1 %",
    "cut by the photo's edge": "被画面边缘截断",
    "hardly any floor is seen": "几乎看不到地面",
    "hardly any of the floor seen is free": "可见的地面几乎没有空处",
    "{walls}, seen whole, is {length}": "完整可见的{walls}为 {length}",
    "{walls} goes on out of sight": "{walls}延伸到视线之外",
    "{walls} go on out of sight": "{walls}延伸到视线之外",
    "a free stretch of {walls}, seen whole, is about {metres} m": "{walls}有一段完整可见的空墙，长约 {metres} m",
    "another of {walls} goes on out of sight": "{walls}上还有空墙延伸到视线之外",
    "it runs through {walls}: one of them is not where it was put": "它与{walls}互相穿越：其中有位置不对的",
    "free wall": "空墙",
    "free floor": "空地",
    "not seen well enough to place anything": "看得不够清楚，无法摆放",
    "what is seen of it is too small to place anything": "可见的部分太小，无法摆放",
    "no piece of the catalogue fits with a probability of {share} or more": "目录中没有一件以不低于 {share} 的概率放得下",
    "nothing in the catalogue is of the kind, style and price asked for": "目录中没有符合所要求的种类、风格和价格的产品",
    "{number} may fit: measure by tape first": "有 {number} 件可能放得下，请先用卷尺测量",
    "hidden by what stands before it": "被前方物体遮挡",
    "Measuring by hand, per customer": "每位顾客人工测量的时间",
    "Error of measuring by hand, up to": "人工测量的最大误差",
    "Designer's modelling, per order": "每单的设计师建模费用",
    "Modelling cost saved, per order done from a photo": "用照片完成的订单所节省的建模费用比例",
    "Orders per month": "每月订单数",
    "Price of a room diagnosis": "房间诊断的价格",
    "Visitors who buy a diagnosis": "购买诊断的访客比例",
    "Orders in which the photo way is tried": "尝试用照片测量的订单比例",
    "Tries that give a usable measurement": "能得到可用测量结果的尝试比例",
    "Months until full use": "达到全面使用所需的月数",
    "Visitors offered a diagnosis, per month": "每月看到诊断服务的访客数",
    "Taking and sending photos, per customer": "每位顾客拍摄并发送照片的时间",
    "Photos per customer": "每位顾客的照片数",
    "Building it, once": "一次性建设成本",
    "Running it, per month": "每月运行成本",
    "Computing, per photo": "每张照片的计算成本",
    "Designer's check, per order done from a photo": "设计师核对每个用照片完成的订单的时间",
    "Designer's hour": "设计师每小时的费用",
    "Payment fee": "支付手续费",
    "Orders reworked for a wrong size, by hand": "人工测量时因尺寸错误而返工的订单比例",
    "Orders reworked for a wrong size, from a photo": "用照片测量时因尺寸错误而返工的订单比例",
    "Rework or return, per wrong size": "每次尺寸错误的返工或退货费用",
    "Worth of a customer's hour to the firm": "顾客一小时对公司的价值",
    "Error at which a product can be chosen": "可据以选择产品的误差",
}
"""What stages say on the first page, and the inputs of the business case; slots as in `_SLOTS`."""
_ACTIONS_ZH = {
    "Measure how high the camera was above the floor, to 1 %.": "测量相机离地面的高度，误差不超过 1 %。",
    "Measure the room's height with a tape and mark it on the photo as a reference, from the floor straight up to the ceiling.":
        "用卷尺测量房间的层高，并在照片上从地面竖直向上到天花板标为参照。",
    "Measure wall {number} with a tape, from corner to corner, and mark it on the photo as a reference.":
        "用卷尺测量墙面 {number}，从墙角量到墙角，并在照片上标为参照。",
    "Measure the door's height and mark it on the photo as a reference.": "测量门的高度，并在照片上标为参照。",
    "Measure something that stands or lies on the floor, a metre long or more, and mark it on the photo as a reference.":
        "测量一件放在地面上、长一米或以上的物体，并在照片上标为参照。",
    "Take a photo tilted up, so that the ceiling is in it.": "相机向上倾斜再拍一张，让天花板进入画面。",
    "Take another photo, of a wall with nothing in front of it where there is one, with the floor at its foot in it.":
        "如果有前面没有家具的墙面，请对着它再拍一张，让墙脚处的地面进入画面。",
    "Take another photo, from further back or from the other side, so that both ends of {part} are in it.":
        "退远一些或从另一侧再拍一张，让{part}两端都进入画面。",
    "Take another photo, from further back or from the other side, so that all of {walls} is in it.":
        "退远一些或从另一侧再拍一张，让{walls}全部进入画面。",
    "Take another photo, turned further to the {side}, so that the {side} end of {part} is in it.":
        "相机再向{side}转一些，另拍一张，让{part}{side}端进入画面。",
    "Take another photo, from further to the {side}, past what hides the {side} end of {part}.":
        "再往{side}走一些，绕过遮挡物，另拍一张，让{part}{side}端进入画面。",
}  # fmt: skip
"""What `poc.room.nextstep` proposes, as a sentence. number: a wall's; side: left or right; part: a wall, or the free stretch of one."""
_REFUSALS_ZH = {
    "hardly any of it is plainly a bare wall, so nothing shows where the room ends": "画面中几乎看不到一面空白的墙，无从得知房间的边界。",
    "no floor is seen that meets a wall": "画面中看不到地面与墙面相接之处。",
    "it is full of fine detail and shows hardly any plain wall or floor": "画面布满细碎的纹理，几乎看不到平整的墙面或地面。",
    "the depth model doubts its own answer more than on any photo of a room": "深度模型对这张照片的结果比对任何房间照片都更没有把握。",
    "its lines do not run in three directions at right angles, as those of a room do": "画面中的线条不像房间那样沿三个互相垂直的方向延伸。",
    "as a whole the picture does not look like one of a room": "整体看来，这不像一张房间的照片。",
    "no floor is seen, or hardly any, so nothing can be placed": "几乎看不到地面，无法确定任何物体的位置。",
    "no walls are seen": "画面中看不到墙面。",
    "the picture is blank": "画面是空白的。",
    "the photo is almost black: take it with the lights on, or save it brighter": "照片几乎全黑：请开灯重拍，或调亮后保存。",
    "the photo lies on its side; turned by a quarter to the left it shows one: save it so": "照片是横倒的：向左转 90° 后才是房间，请转正后保存。",
    "the photo stands on its head; turned round it shows one: save it so": "照片上下颠倒：旋转 180° 后才是房间，请转正后保存。",
    "the photo lies on its side; turned by a quarter to the right it shows one: save it so": "照片是横倒的：向右转 90° 后才是房间，请转正后保存。",
    "by its depth the camera would stand {metres} m above the floor, by what is given {given} m: either this is no room, or a length that was given is far off":
        "按深度推算相机离地 {metres} m，按所给的数值则为 {given} m：要么这不是房间，要么所给的长度有误。",
    "by its depth the camera would stand {metres} m above the floor, and from there hardly any room is photographed; if it did stand there, give the camera height":
        "按深度推算相机离地 {metres} m，几乎没有人在这个高度拍摄房间；如果确实如此，请给出相机高度。",
    "the photo is {metres} times as long as wide, a panorama or a strip, not one view of a room": "照片的长边是短边的 {metres} 倍，像全景或长条图，而不是房间的一个视角。",
    "the lens bends straight lines (a {lens} of about {number} % at the corners), as action cameras and ultra-wide lenses do: take the photo with the "
    "main lens (1×), or correct it for its lens first": "镜头使直线弯曲（{lens}，四角约 {number} %），像运动相机或超广角镜头：请用主镜头（1×）拍摄，或先校正镜头畸变。",
    "black bars around the photo: crop them away": "照片四周有黑边：请先裁掉。",
    "bars of one colour on both sides of the photo: crop them away": "照片两侧有单色边框：请先裁掉。",
    "left and right edge continue each other, so it is a 360° panorama, not one view of a room": "左右边缘首尾相接，这是 360° 全景图，而不是房间的一个视角。",
    "the picture is a bright disc with black corners, as a fisheye lens makes it; straight lines are bent in it": "画面是带黑角的圆形，出自鱼眼镜头；其中的直线是弯曲的。",
    "one flat colour covers most of the picture, as in a floor plan or a screenshot, not in a photo": "大部分画面是同一种颜色，像户型图或屏幕截图，而不是照片。",
    "a few flat colours cover most of the picture and its lines are all square, as in a floor plan, not in a photo":
        "画面由几种纯色和横平竖直的线条构成，像户型图，而不是照片。",
    "the picture shows no more than one of 100 pixels would (tiny, enlarged or blurred), too little to know a room by":
        "画面的细节只相当于 100 像素的图片（过小、放大过或模糊），不足以辨认房间。",
}  # fmt: skip
"""Why no room was found, after "no room found: "; slots as in `_SLOTS`."""
_SOURCES = "metric model|camera height (?:assumed|given)|reference [a-z0-9_]+"
_SLOTS = {
    "number": r"\d+", "side": "left|right", "lens": "barrel|cushion",
    "part": r"(?:the free stretch of )?wall \d+", "walls": r"wall \d+(?:(?:, | and )wall \d+)*",
    "source": _SOURCES, "second": _SOURCES, "before": r"\d+(?:\.\d)?", "after": r"\d+(?:\.\d)?",
    "share": r"0?\.\d+|1", "percent": r"\d+ %", "metres": r"\d+\.\d+", "given": r"\d+\.\d+", "length": r"\d+\.\d+ m \(\d+\.\d+–\d+\.\d+\)",
}
_VERDICTS_ZH = {
    "": "最长空墙、最长墙面与层高都没有两端已知的测量值，无从判断。",
    "green": "最长空墙、最长墙面与层高中，两端已知且最不确定的为 ± {worst} %（90 %），在选择产品所需的 ± {choose} % 之内。",
    "amber": "最长空墙、最长墙面与层高中，两端已知且最不确定的为 ± {worst} %（90 %）；三者并非都足够准确或完整，订购前请用卷尺核实。",
    "doubted": "最长空墙、最长墙面与层高中，两端已知且最不确定的为 ± {worst} %（90 %；选择产品需在 ± {choose} % 之内），而且有一项尺寸可能根本不对：请用卷尺测量。",
    "red": "最长空墙、最长墙面与层高中，两端已知且最不确定的为 ± {worst} %（90 %），不足以选择产品：请用卷尺测量。",
}
"""Whether a photo is sharp enough to choose by, by its light."""
NO_ROOM = "no room found: "
_JOINTS = re.compile(r"( \+ | and )")
_JOINTS_ZH = {" + ": " + ", " and ": "、"}


class Messages:
    """The table in one language: `messages("key", name=value)`. Raises ParameterError for an unknown language."""

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
        """What a stage said, in this language where the table has it, else as it is."""
        if self.language != "zh":
            return text
        clauses = [_clause_zh(clause) for clause in text.split("; ")]
        return text if None in clauses else self("joint").join(clauses)  # half a sentence in each language reads worse than one in English

    def refusal(self, reason: str) -> str:
        """Why no room is measured, in this language where the table has it, else as it is."""
        known = _filled_zh(_REFUSALS_ZH, reason.removeprefix(NO_ROOM)) if self.language == "zh" else None
        return reason if known is None else known

    def action(self, sentence: str) -> str | None:
        """What to measure next, in this language; None where the table has no words for it."""
        if self.language == "en":
            return sentence
        return _filled_zh(_ACTIONS_ZH, sentence)

    def verdict(self, light: str, text: str, worst: str, choose: float, doubted: bool) -> str:
        """`text`, or in a language that it was not written in the same in short. worst: per cent, as told; choose: a relative error."""
        if self.language == "en":
            return text
        return _VERDICTS_ZH["doubted" if doubted else light].format(worst=worst, choose=f"{100 * choose:.0f}")

    def has(self, key: str) -> bool:
        return key in _TEXT


def _clause_zh(clause: str) -> str | None:
    """A clause, what it says after a label, or the parts it is joined of, in Chinese; None where the table lacks one."""
    if (whole := _filled_zh(_PHRASES_ZH, clause)) is not None:
        return whole
    label, colon, rest = clause.partition(": ")
    if colon:
        told = [_filled_zh(_PHRASES_ZH, label), _clause_zh(rest)]
        return None if None in told else "：".join(told)
    parts = _JOINTS.split(clause)
    told = [_filled_zh(_PHRASES_ZH, part) if i % 2 == 0 else _JOINTS_ZH[part] for i, part in enumerate(parts)]
    return None if None in told else "".join(told)


def _filled_zh(table: dict[str, str], sentence: str) -> str | None:
    """What a table of templates has for a sentence, its slots filled; None where it has nothing."""
    if sentence in table:
        return table[sentence]
    for template, translated in table.items():
        if "{" in template and (found := re.fullmatch(_pattern(template), sentence)):
            return translated.format(**{slot: _slot_zh(slot, text) for slot, text in found.groupdict().items()})
    return None


def _pattern(template: str) -> str:
    """A template as a regular expression with a group for each of its slots; one that comes again has to hold the same."""
    found = re.escape(template)
    for slot, text in _SLOTS.items():
        here = re.escape(f"{{{slot}}}")
        found = found.replace(here, f"(?P<{slot}>{text})", 1).replace(here, f"(?P={slot})")
    return found


def _slot_zh(slot: str, text: str) -> str:
    if slot in ("side", "lens"):
        return {"left": "左", "right": "右", "barrel": "桶形", "cushion": "枕形"}[text]
    if slot in ("source", "second"):
        return _PHRASES_ZH.get(text, text)
    if slot == "walls":
        return "、".join(f"墙面 {number}" for number in re.findall(r"\d+", text))
    if slot == "part":
        return f"墙面 {re.findall(r'[0-9]+', text)[0]} {'空段' if text.startswith('the free') else ''}的"
    return text
