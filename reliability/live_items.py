"""The 33 items of live-line work 不停电作业项目, and which of them the words of a job suggest (field reference 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LIVE_ITEMS: Mapping[int, str] = MappingProxyType(
    dict(
        enumerate(
            (
                "普通消缺及装拆附件(杆)", "更换避雷器(杆)", "断引流线(杆)", "接引流线(杆)", "普通消缺及装拆附件(手套)",
                "辅助加装或拆除绝缘遮蔽", "更换避雷器(手套)", "断引流线(手套)", "接引流线(手套)", "更换熔断器(手套)",
                "更换直线杆绝缘子(手套)", "更换直线杆绝缘子及横担(手套)", "更换耐张杆绝缘子串(手套)",
                "更换柱上开关或隔离开关(手套)", "更换直线杆绝缘子(杆)", "更换直线杆绝缘子及横担(杆)", "更换熔断器(杆)",
                "更换耐张绝缘子串及横担", "组立或撤除直线电杆", "更换直线电杆", "直线杆改终端杆", "带负荷更换熔断器",
                "带负荷更换导线非承力线夹", "带负荷更换柱上开关或隔离开关", "带负荷直线杆改耐张杆",
                "断空载电缆线路与架空线路连接引线", "接空载电缆线路与架空线路连接引线",
                "带负荷直线杆改耐张杆并加装柱上开关", "不停电更换柱上变压器", "旁路作业检修架空线路", "旁路作业检修电缆线路",
                "旁路作业检修环网箱", "从环网箱/架空线临时取电给环网箱、移动箱变供电",
            ),
            start=1,
        )
    )
)  # fmt: skip
"""Item to name, as Q/GDW 10520 has them; the list is not from its text, which was not to be had."""

_WORDS = (
    (("柱上变压器", "更换变压器", "更换配变", "pole transformer"), 29),
    (("环网箱", "环网柜", "ring main unit"), 32),
    (("电缆引线", "空载电缆"), 27),
    (("检修电缆", "更换电缆", "电缆检修", "cable repair"), 31),
    (("避雷器", "surge arrester"), 7),
    (("断引", "拆引"), 8),
    (("接引", "接火", "搭火", "service connection"), 9),
    (("熔断器", "fuse"), 10),
    (("柱上开关", "隔离开关", "刀闸", "pole switch"), 14),
    (("耐张", "strain insulator"), 13),
    (("横担", "crossarm"), 12),
    (("绝缘子", "瓷瓶", "insulator"), 11),
    (("线夹", "clamp"), 23),
    (("更换电杆", "换杆", "replace pole"), 20),
    (("立杆", "撤杆", "new pole"), 19),
    (("绝缘遮蔽",), 6),
    (("检修架空", "更换导线", "overhead line repair"), 30),
    (("消缺", "消除缺陷", "附件", "defect"), 5),
)
"""Words that stand in a job, and the item that they suggest; the first that fits counts."""


def suggested_item(work: str | None) -> int | None:
    """Return the live-line item that the words of a job suggest, or ``None``.

    Only words are compared: whether the place allows it, a survey on site must say.
    """
    said = (work or "").lower()
    return next((item for words, item in _WORDS if any(word in said for word in words)), None)
