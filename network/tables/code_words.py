"""The codes of a workspace, each with the words that stand for it in the utilities' own exports."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BRANCH_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "line": ("架空线", "架空线路", "导线", "线路", "线段"),
        "cable": ("电缆", "电缆线路"),
        "bus": ("母线",),
        "breaker": ("断路器", "出线断路器"),
        "recloser": ("重合器",),
        "switch": ("负荷开关", "柱上开关", "开关", "分段开关", "联络开关"),
        "disconnector": ("隔离开关", "刀闸", "隔离刀闸"),
        "fuse": ("熔断器", "跌落式熔断器"),
    }
)

SECTIONALISING_KINDS = ("breaker", "recloser", "switch")
"""Devices that divide a feeder into sections."""

REGION_CLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "city_centre": ("市中心区", "市中心", "中心区", "city center", "downtown"),
        "urban": ("市区", "city"),
        "town": ("城镇", "township"),
        "rural": ("农村", "乡村", "village", "countryside"),
    }
)

PLANNING_CLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {letter: (f"{letter}类",) for letter in ("A+", "A", "B", "C", "D", "E")}
)

OFTEN_MEANT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "region_class": {
            word: code
            for code, words in {
                "urban": "城区 城网 主城区 老城区 城市 开发区 新区 metropolitan metro inner",
                "town": "郊区 城郊 近郊 县城 县区 乡镇 集镇 镇区 suburban suburb semi-urban peri-urban",
                "rural": "农网 乡下 山区 农牧区 村 regional remote country",
            }.items()
            for word in words.split()
        },
        "nature": {
            word: code
            for code, words in {
                "F-INT": "非计划停电 非计划 抢修 故障抢修 应急 紧急停电 异常 突发 emergency urgent storm weather",
                "P-PLAN-MAINT": "检修 技改 大修 消缺 改造 例行 routine",
                "P-PLAN-CONST": "基建 迁改 业扩 工程 capital reinforcement",
                "P-PLAN-CUST": "用户 客户申请 customer",
                "P-RAT-NET": "有序用电 错峰 避峰 rota",
            }.items()
            for word in words.split()
        },
    }
)
"""What words that are no codes often mean: to be proposed to a person, and never taken without one."""

NATURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "F-INT": ("内部故障停电", "内部故障"),
        "F-EXT": ("外部故障停电", "外部故障"),
        "P-PLAN-MAINT": ("检修停电", "计划检修停电", "计划检修"),
        "P-PLAN-CONST": ("施工停电", "计划施工停电", "计划施工"),
        "P-PLAN-CUST": ("用户申请停电", "用户计划申请停电"),
        "P-PLAN-SWITCH": ("调电停电", "调电"),
        "P-TEMP-MAINT": ("临时检修停电", "临时检修"),
        "P-TEMP-CONST": ("临时施工停电", "临时施工"),
        "P-TEMP-CUST": ("用户临时申请停电",),
        "P-RAT-SYS": ("系统电源不足限电",),
        "P-RAT-NET": ("供电网限电",),
    }
)

COARSE_NATURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "F-INT": ("故障停电", "故障", "02"),
        "P-PLAN-MAINT": ("计划停电", "计划", "预安排停电", "预安排", "01"),
        "P-TEMP-MAINT": ("临时停电", "临时"),
        "P-RAT-NET": ("限电",),
    }
)
"""Words that name only the group: taken as the commonest leaf, and said aloud as a warning (1.3)."""

NOT_OPENED = "不拉闸"
"""Word of a record of load shed without opening the feeder (不拉闸限电, R1.13): nobody was without power."""

ACTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"open": ("分", "分闸", "断开", "拉开"), "close": ("合", "合闸", "合上")}
)

OBJECTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "branch": ("支路", "开关", "线段"),
        "transformer": ("配变", "台区", "变压器"),
        "customer": ("用户", "客户", "电表"),
    }
)

MEASURED_OBJECTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: OBJECTS[name] for name in ("branch", "transformer")}
)

KINDS_WITH_VALUE = ("fault_current", "read")
"""Kinds of signal whose value means something."""

SIGNAL_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "trip": ("跳闸",),
        "reclose": ("重合成功", "重合闸成功"),
        "close": ("合闸",),
        "fault_current": ("过流", "故障电流", "过流信号"),
        "off": ("停电", "停电事件"),
        "on": ("上电", "上电事件", "复电"),
        "read": ("召测", "抄读"),
        "call": ("报修", "来电", "95598"),
    }
)

SENSOR_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"ftu": ("配电终端", "馈线终端"), "indicator": ("故障指示器", "指示器")}
)

EXCLUSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "arrears": ("欠费", "欠费停电"),
        "own_fault": ("用户自身故障", "用户内部故障"),
        "own_request": ("用户自停",),
        "closed_account": ("销户",),
        "reclosed": ("重合成功", "重合闸成功", "备自投成功"),
    }
)
"""Why an outage is recorded but not counted (R1.3, R1.4, R1.14)."""

ACTION_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fa": ("馈线自动化", "FA", "FA动作"),
        "remote_control": ("遥控",),
        "remote_signal": ("遥信",),
        "manual": ("人工操作", "现场操作", "就地操作"),
    }
)
"""What an automation action was; a manual operation is one that could have been done by remote control."""

ACTION_RESULTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "correct": ("正确", "正确动作", "成功"),
        "wrong": ("误动", "错误", "失败"),
        "missed": ("拒动", "漏动", "未动作"),
    }
)

TERMINAL_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"three_remote": ("三遥", "三遥终端"), "two_remote": ("二遥", "二遥终端", "两遥")}
)

LIVE_METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stick": ("绝缘杆", "绝缘杆作业法"),
        "glove": ("绝缘手套", "绝缘手套作业法"),
        "combined": ("综合不停电",),
        "bypass": ("旁路", "旁路作业法", "旁路作业"),
        "generator": ("发电车",),
        "mobile_substation": ("移动箱变", "移动箱变车"),
        "low_voltage": ("低压不停电作业", "低压不停电"),
    }
)


ALL = "all_scope"
"""In a report: no class, but all of them together."""

_ALL_WORDS = ("全口径", "全部", "合计", "总计")

REPORT_REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {**REGION_CLASSES, ALL: _ALL_WORDS, "urban_net": ("城网",), "rural_net": ("农网",)}
)
REPORT_PLANNING: Mapping[str, tuple[str, ...]] = MappingProxyType({**PLANNING_CLASSES, ALL: _ALL_WORDS})
REPORT_LINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"public": ("公用", "公用线路", "公线"), "dedicated": ("专用", "专用线路", "专线"), ALL: _ALL_WORDS}
)
