"""Chinese for what the stages write in English and the report's first page shows, keyed by the English text.

A key may hold slots such as `{metres}`: each stands for a number, a name or a side, as `SLOTS` describes it, and is put into the
translation. `poc.messages.Messages` does the lookup. A phrase that is reworded where it is written must be reworded here as well, or it
is shown in English.
"""

from __future__ import annotations

PHRASES_ZH = {
    "corner angles": "墙角角度",
    "wall flatness": "墙面平整度",
    "gravity": "重力方向",
    "left and right": "左右一致性",
    "scale sources": "尺度来源",
    "focal length": "焦距",
    "walls in each other's way": "墙面互相穿越",
    "ceiling height": "天花板高度",
    "metric model": "度量深度模型",
    "camera height assumed": "假定的相机高度",
    "camera height given": "给定的相机高度",
    "reference length": "标注的长度",
    "reference door": "标注的门",
    "reference height": "标注的层高",
    "reference wall": "标注的整面墙",
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
    "{source} contradicts the photo and what else is given, by which it is {length}": "{source}与照片及其他给定值矛盾，按它们应为 {length}",
    "{walls}, seen whole, is {length}": "完整可见的{walls}为 {length}",
    "{walls} goes on out of sight": "{walls}延伸到视线之外",
    "{walls} go on out of sight": "{walls}延伸到视线之外",
    "a free stretch of {walls}, seen whole, is about {metres} m": "{walls}有一段完整可见的空墙，长约 {metres} m",
    "another of {walls} goes on out of sight": "{walls}上还有空墙延伸到视线之外",
    "it runs through {walls}: one of them is not where it was put": "它与{walls}互相穿越：其中有位置不对的",
    "free wall": "空墙",
    "free floor": "空地",
    "not seen well enough to place anything": "看得不够清楚，无法摆放",
    "the visible part is too small to place anything": "可见的部分太小，无法摆放",
    "no piece in the catalogue fits with a probability of {share} or more": "目录中没有一件以不低于 {share} 的概率放得下",
    "nothing in the catalogue matches the requested kind, style and price": "目录中没有符合所要求的种类、风格和价格的产品",
    "{number} may fit: measure by tape first": "有 {number} 件可能放得下，请先用卷尺测量",
    "few rooms have it: unless this is a hall or an attic, the scale or the ceiling's line is off":
        "这样的层高很少见：除非是大厅或阁楼，否则尺度或天花板线有误",
    "the height of a door, marked on the photo, would tell": "在照片上标注一扇门的高度即可核实",
    "the ceiling slopes, or a wall is not where it was put": "天花板是倾斜的，或有一面墙的位置不对",
    "too uncertain to say: {before} to {after} {unit}": "误差太大，无法判断：{before} 至 {after} {unit}",
    "what is seen of it is {before} to {after} m high": "可见部分高 {before} 至 {after} m",
    "from floor to ceiling": "从地面到天花板",
    "standing on the floor": "立于地面",
    "lying on the floor": "平放于地面",
    "hidden by what stands before it": "被前方物体遮挡",
    "Manual measuring, per customer": "每位顾客人工测量的时间",
    "Error of manual measuring, up to": "人工测量的最大误差",
    "Designer's modelling cost, per order": "每单的设计师建模费用",
    "Modelling cost saved, per order done from a photo": "用照片完成的订单所节省的建模费用比例",
    "Orders per month": "每月订单数",
    "Price of a room diagnosis": "房间诊断的价格",
    "Visitors who buy a diagnosis": "购买诊断的访客比例",
    "Orders in which measuring from a photo is tried": "尝试用照片测量的订单比例",
    "Attempts that give a usable measurement": "能得到可用测量结果的尝试比例",
    "Months until full use": "达到全面使用所需的月数",
    "Visitors offered a diagnosis, per month": "每月看到诊断服务的访客数",
    "Taking and sending photos, per customer": "每位顾客拍摄并发送照片的时间",
    "Photos per customer": "每位顾客的照片数",
    "Build cost, once": "一次性建设成本",
    "Running cost, per month": "每月运行成本",
    "Computing cost, per photo": "每张照片的计算成本",
    "Designer's check, per order done from a photo": "设计师核对每个用照片完成的订单的时间",
    "Designer's cost per hour": "设计师每小时的费用",
    "Payment fee": "支付手续费",
    "Orders reworked for a wrong size, measured by hand": "人工测量时因尺寸错误而返工的订单比例",
    "Orders reworked for a wrong size, measured from a photo": "用照片测量时因尺寸错误而返工的订单比例",
    "Cost of rework or return, per wrong size": "每次尺寸错误的返工或退货费用",
    "Value of a customer's hour to the company": "顾客一小时对公司的价值",
    "Largest error at which a product can be chosen": "可据以选择产品的误差",
}
"""Phrases of the stages on the first page, and the inputs of the business case."""
ACTIONS_ZH = {
    "Measure how high the camera was above the floor, or take the photo again from a height measured to a centimetre.":
        "测量相机离地面的高度，或在量好的高度（精确到厘米）重拍一张。",
    "Measure the room's height with a tape and mark it on the photo as that, from the foot of a wall straight up to the ceiling.":
        "用卷尺测量房间的层高，并在照片上从墙脚竖直向上到天花板标为层高。",
    "Measure wall {number} with a tape, from corner to corner, and mark it on the photo as a whole wall.":
        "用卷尺测量墙面 {number}，从墙角量到墙角，并在照片上标为整面墙。",
    "Measure the door's height and mark it on the photo as a reference.": "测量门的高度，并在照片上标为参照。",
    "Measure something that stands or lies on the floor, a metre long or more, and mark it on the photo as a reference.":
        "测量一件放在地面上、长一米或以上的物体，并在照片上标为参照。",
    "Take a photo tilted up, so that the ceiling is in it.": "相机向上倾斜再拍一张，让天花板进入画面。",
    "Take another photo, of a wall with nothing in front of it, if there is one, so that the floor at its foot is in it.":
        "如果有前面没有家具的墙面，请对着它再拍一张，让墙脚处的地面进入画面。",
    "Take another photo, from further back or from the other side, so that both ends of {part} are in it.":
        "退远一些或从另一侧再拍一张，让{part}两端都进入画面。",
    "Take another photo, from further back or from the other side, so that all of {walls} is in it.":
        "退远一些或从另一侧再拍一张，让{walls}全部进入画面。",
    "Take another photo, from further back or from the other side, so that all of {walls} are in it.":
        "退远一些或从另一侧再拍一张，让{walls}全部进入画面。",
    "Take another photo, turned further to the {side}, so that the {side} end of {part} is in it.":
        "相机再向{side}转一些，另拍一张，让{part}{side}端进入画面。",
    "Take another photo, from further to the {side}, past what hides the {side} end of {part}.":
        "再往{side}走一些，绕过遮挡物，另拍一张，让{part}{side}端进入画面。",
}  # fmt: skip
"""What `poc.room.nextstep` proposes to measure, as sentences. Slots: number, a wall's; side, left or right; part, a wall or its free
stretch."""
REFUSALS_ZH = {
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
    "by its depth the camera would stand {metres} m above the floor, by what is given {given} m: either this is no room, or a length that was"
    " given is far off":
        "按深度推算相机离地 {metres} m，按所给的数值则为 {given} m：要么这不是房间，要么所给的长度有误。",
    "by its depth the camera would stand {metres} m above the floor, and from there hardly any room is photographed; if it did stand there,"
    " give the camera height":
        "按深度推算相机离地 {metres} m，几乎没有人在这个高度拍摄房间；如果确实如此，请给出相机高度。",
    "the photo is {metres} times as long as wide, a panorama or a strip, not one view of a room": "照片的长边是短边的 {metres} 倍，像全景或长条图，而不是房间的一个视角。",
    "the lens bends straight lines (a {lens} of about {number} % at the corners), as action cameras and ultra-wide lenses do: take the photo"
    " with the main lens (1×), or correct it for its lens first":
        "镜头使直线弯曲（{lens}，四角约 {number} %），像运动相机或超广角镜头：请用主镜头（1×）拍摄，或先校正镜头畸变。",
    "transparent parts cover {percent} of the photo: crop them away": "照片有 {percent} 是透明的：请先裁掉。",
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
"""Why no room was found: the text after "no room found: "."""
_SOURCES = (r"metric model|camera height (?:assumed|given)|reference [a-z0-9_]+"
            r"(?: \(\d+(?:\.\d+)? m, (?:from floor to ceiling|standing on the floor|lying on the floor|(?:on|all along) wall \d+)\))?")
SLOTS = {
    "number": r"\d+", "side": "left|right", "lens": "barrel|cushion",
    "part": r"(?:the free stretch of )?wall \d+", "walls": r"wall \d+(?:(?:, | and )wall \d+)*",
    "source": _SOURCES, "second": _SOURCES, "before": r"\d+(?:\.\d+)?", "after": r"\d+(?:\.\d+)?", "unit": "m|m²",
    "share": r"0?\.\d+|1", "percent": r"\d+ %", "metres": r"\d+\.\d+", "given": r"\d+\.\d+", "length": r"\d+\.\d+ m \(\d+\.\d+–\d+\.\d+\)",
}
