"""Headers of outages in Chinese, read by what they are made of: 恢复供电时刻, 实际复电时间, 受影响用户总数.

Utilities join the same few words in many ways. A header counts only where it is made of them as a whole; 计划送电时间 or
停电时户数 are something else.
"""

from __future__ import annotations

import re
from functools import lru_cache

_AT = r"(?:日期)?(?:时间|时刻|时点)"
_MEANINGS = {
    "start": re.compile(
        rf"^(?:实际)?(?:停电|故障|事件)?(?:开始|起始|发生)(?:停电)?{_AT}$|^(?:实际)?(?:停电|失电|故障停电|故障){_AT}$"
    ),
    "end": re.compile(
        r"^(?:实际|全部|最终)?(?:停电)?(?:恢复|恢复供电|恢复送电|供电恢复|复电|送电|来电|结束|终止|截止)(?:完成|完毕)?"
        rf"{_AT}$"
    ),
    "users": re.compile(
        r"^(?:总|共)?(?:受)?(?:影响|停电|涉及|波及)(?:的)?(?:总|中压)?(?:用电)?(?:用户|户)(?:总)?(?:数|数量)$"
    ),
}


@lru_cache(maxsize=4096)
def chinese_meaning(header: str) -> str | None:
    """Return the name of the column that a header in Chinese means among outages, ``None`` where it is not sure.

    Args:
        header: without blanks and without its unit.
    """
    return next((column for column, form in _MEANINGS.items() if form.match(header)), None)
