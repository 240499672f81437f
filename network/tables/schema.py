"""The tables of a workspace: one source for reading, checking and documenting them.

Names, meanings and required columns follow the contract of the project; Chinese headers and codes follow the utilities'
own exports (alias table of the field reference, 9.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

ROW = "row"
"""Name of the column that every table carries besides its own: the row in the file, as a spreadsheet counts it."""

POLARS_TYPES: Mapping[str, type[pl.DataType] | pl.DataType] = MappingProxyType(
    {
        "id": pl.String,
        "text": pl.String,
        "code": pl.String,
        "number": pl.Float64,
        "integer": pl.Int64,
        "boolean": pl.Boolean,
        "time": pl.Datetime("us"),
    }
)


@dataclass(frozen=True)
class Column:
    """One column: its name, kind, Chinese header, meaning, and how a value is understood.

    Attributes:
        name: the contract's name, with its unit as a suffix (``_h``, ``_km``, ``_a``, ``_kva``).
        kind: ``id``, ``text``, ``code``, ``number``, ``integer``, ``boolean`` or ``time``.
        chinese: the Chinese header, accepted when reading and used when writing.
        meaning: what the column says, in one phrase.
        aliases: further headers that utilities use.
        required: a row without a value is left out.
        critical: a row whose value cannot be read is left out, because a blank would mean something else.
        default: what a blank means; ``None`` stays unknown.
        codes: for ``code``: each code with the words that stand for it.
        refers_to: ``table.column`` whose ids this column names.
        minimum: the smallest possible value of a number.
        needs_clock: a day without a time of day says too little here, since hours are counted from it.
        blank_is_open: a blank cell says that it still lasts, so a sign such as ``/`` does not pass for a blank.
    """

    name: str
    kind: str
    chinese: str
    meaning: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    critical: bool = False
    default: bool | float | str | None = None
    codes: Mapping[str, tuple[str, ...]] | None = None
    refers_to: str | None = None
    minimum: float | None = None
    needs_clock: bool = False
    blank_is_open: bool = False

    @property
    def unit(self) -> str | None:
        """The unit in the name: ``length_km`` is in ``km``."""
        suffix = self.name.rsplit("_", 1)[-1]
        return suffix if self.kind == "number" and suffix in {"h", "min", "km", "a", "kva", "kw", "kv", "ohm"} else None

    @property
    def polars_type(self) -> type[pl.DataType] | pl.DataType:
        """The Polars type of a value of this kind."""
        return POLARS_TYPES[self.kind]


@dataclass(frozen=True)
class Table:
    """One table of a workspace: its columns, its key and what a row is.

    Attributes:
        name: the contract's name.
        chinese: the Chinese name, accepted for files.
        meaning: what a row is, in one phrase.
        columns: what it holds.
        key: the columns that tell one row from another.
        aliases: further names for files.
        duration: a column of hours that a sheet may give in place of ``end``; it is read and not kept.
    """

    name: str
    chinese: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    duration: Column | None = None

    def __getitem__(self, column: str) -> Column:
        return next(each for each in self.columns if each.name == column)

    @property
    def names(self) -> list[str]:
        """The column names in order."""
        return [column.name for column in self.columns]

    @property
    def polars_schema(self) -> dict[str, type[pl.DataType] | pl.DataType]:
        """Polars types by column, with :data:`ROW` at the end."""
        return {column.name: column.polars_type for column in self.columns} | {ROW: pl.UInt32}

    def empty(self) -> pl.DataFrame:
        """Return the table without rows."""
        return pl.DataFrame(schema=self.polars_schema)


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
        "city_centre": ("市中心区", "市中心", "中心区"),
        "urban": ("市区",),
        "town": ("城镇",),
        "rural": ("农村", "乡村"),
    }
)

PLANNING_CLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {letter: (f"{letter}类",) for letter in ("A+", "A", "B", "C", "D", "E")}
)

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


def _id(
    name: str, chinese: str, meaning: str, *aliases: str, required: bool = False, refers_to: str | None = None
) -> Column:
    return Column(name, "id", chinese, meaning, aliases, required=required, refers_to=refers_to)


def _text(name: str, chinese: str, meaning: str, *aliases: str, required: bool = False) -> Column:
    return Column(name, "text", chinese, meaning, aliases, required=required)


def _number(
    name: str, chinese: str, meaning: str, *aliases: str, required: bool = False, minimum: float = 0.0
) -> Column:
    return Column(name, "number", chinese, meaning, aliases, required=required, minimum=minimum)


def _time(
    name: str,
    chinese: str,
    meaning: str,
    *aliases: str,
    required: bool = False,
    critical: bool = False,
    needs_clock: bool = False,
    blank_is_open: bool = False,
) -> Column:
    return Column(
        name,
        "time",
        chinese,
        meaning,
        aliases,
        required=required,
        critical=critical,
        needs_clock=needs_clock,
        blank_is_open=blank_is_open,
    )


def _flag(name: str, chinese: str, meaning: str, *aliases: str, default: bool | None = None) -> Column:
    return Column(name, "boolean", chinese, meaning, aliases, default=default)


def _code(
    name: str, chinese: str, meaning: str, codes: Mapping[str, tuple[str, ...]], *aliases: str, required: bool = False
) -> Column:
    return Column(name, "code", chinese, meaning, aliases, required=required, codes=codes)


_UNIT = _text("unit", "供电单位", "unit that operates it", "所属供电所", "运维单位", "所属区局", "所属地市", "所属单位")
_REGION = _code("region_class", "地区特征", "region class", REGION_CLASSES, "地区类别", "地区分类", "region")
_PLANNING = _code("planning_class", "规划特征", "planning class of the supply area", PLANNING_CLASSES, "供电区域")

_TABLES = (
    Table(
        "sources",
        "电源",
        "a node that feeds the network: a 10 kV bus of a substation",
        (
            _id("node", "节点", "node that is fed", "节点编码", required=True),
            _id("station_id", "变电站编码", "substation", "SUBS_ID", "变电站"),
            _text("name", "名称", "name of the source", "变电站名称", "SUBS_NAME", "母线名称"),
            _number("capacity_a", "容量", "current that the source can give", "限额电流"),
            _flag(
                "grid_forming",
                "可孤岛运行",
                "blank: a bus of the grid; false: generation, which feeds nobody alone and is no source; true: generation that "
                "may feed an island alone, within capacity_a, once the grid is gone there",
                "可组网",
            ),
        ),
        key=("node",),
    ),
    Table(
        "branches",
        "支路",
        "a line section or a switching device between two nodes",
        (
            _id("branch_id", "支路编码", "branch", "所属线段编码", "线段编码", "开关编码", required=True),
            _id("from_node", "首端节点", "node at one end", "起点", required=True),
            _id("to_node", "末端节点", "node at the other end", "终点", required=True),
            _code("kind", "支路类型", "line, cable, bus or kind of device", BRANCH_KINDS, "开关类型", required=True),
            _flag("normally_open", "常开", "open in the normal state", "是否常开", default=False),
            _flag("remote", "三遥", "can be operated remotely", "是否三遥", default=False),
            _flag(
                "may_parallel",
                "允许合环",
                "a tie that may be closed while both its sides are live",
                "可合环",
                "是否允许合环",
            ),
            _id(
                "feeder_id",
                "线路编码",
                "feeder",
                "所属馈线编码",
                "LINE_ID",
                "LINE_NO",
                "feederId",
                refers_to="feeders.feeder_id",
            ),
            _text("name", "支路名称", "name", "所属线段名称", "开关名称", "名称"),
            _number("length_km", "长度", "length"),
            _number("rating_a", "额定电流", "current it can carry", "限额电流"),
            _number("r_ohm", "电阻", "resistance"),
            _number("x_ohm", "电抗", "reactance", minimum=-1e9),
            _number("failures_per_km_yr", "故障率", "failures per km and year"),
            _number("repair_h", "修复时间", "mean repair time"),
        ),
        key=("branch_id",),
    ),
    Table(
        "nodes",
        "节点",
        "where a node lies on the map",
        (
            _id("node", "节点", "node", "节点编码", required=True),
            _number("lon", "经度", "longitude in degrees", minimum=-1e9),
            _number("lat", "纬度", "latitude in degrees", minimum=-1e9),
        ),
        key=("node",),
    ),
    Table(
        "transformers",
        "配变",
        "a public distribution transformer, or a customer with its own: one medium-voltage user",
        (
            _id("transformer_id", "台区编号", "transformer", "TG_ID", "TG_NO", "配变编码", "变压器编码", required=True),
            _id("node", "节点", "node that feeds it", "节点编码", "接入节点", required=True),
            _id("second_node", "第二节点", "node of the second supply", "备用节点"),
            _text("name", "台区名称", "name", "TG_NAME", "equipmentNames", "配变名称"),
            _id(
                "feeder_id",
                "线路编码",
                "feeder",
                "所属馈线编码",
                "LINE_ID",
                "LINE_NO",
                "feederId",
                refers_to="feeders.feeder_id",
            ),
            _flag(
                "public",
                "公变",
                "public transformer; false for a customer's own",
                "是否公变",
                "变压器类型",
                "用户性质",
                "PUB_PRIV_FLAG",
                default=True,
            ),
            _number("capacity_kva", "变压器容量", "rated capacity", "TG_CAP", "PLATE_CAP", "容量"),
            _number("load_kw", "负荷", "typical load", "平均负荷"),
            _text(
                "load_class", "用电类别", "class of its load in load_profile; blank means its region class", "负荷类别"
            ),
            _REGION,
            _PLANNING,
            _UNIT,
            _time("in_service", "投运日期", "in service from", "注册日期"),
            _time("retired", "退役日期", "in service until", "注销日期"),
        ),
        key=("transformer_id",),
        aliases=("台区",),
    ),
    Table(
        "customers",
        "用户",
        "a metered low-voltage customer",
        (
            _id("customer_id", "用户编号", "customer", "用户编码", "CONS_NO", "CONS_ID", "户号", required=True),
            _id(
                "transformer_id",
                "台区编号",
                "transformer that feeds it",
                "TG_ID",
                "TG_NO",
                required=True,
                refers_to="transformers.transformer_id",
            ),
            _id(
                "second_transformer_id",
                "第二台区编号",
                "transformer of the second supply",
                refers_to="transformers.transformer_id",
            ),
            _text("name", "用户名称", "name (personal)", "CONS_NAME", "户名"),
            _text("phone", "联系电话", "phone (personal)", "电话", "手机号"),
            _text("address", "用电地址", "address (personal)", "地址"),
            _id("box_id", "表箱编号", "meter box that the meter hangs in", "计量箱编号", "表箱"),
            _text("phase", "相别", "phase or phases of the meter, such as A or ABC", "接入相别"),
            _flag("important", "重要用户", "important customer", "是否重要用户", default=False),
            _flag("sensitive", "敏感用户", "sensitive customer", "是否敏感用户", default=False),
            _flag("verified", "实名认证", "contact is verified", "是否实名认证", default=False),
            _flag("opted_out", "免打扰", "wants no messages", "是否免打扰", "拒收短信", default=False),
            _time("in_service", "投运日期", "in service from", "立户日期", "注册日期"),
            _time("retired", "退役日期", "in service until", "注销日期", "销户日期"),
        ),
        key=("customer_id",),
    ),
    Table(
        "feeders",
        "线路",
        "a medium-voltage feeder",
        (
            _id("feeder_id", "线路编码", "feeder", "所属馈线编码", "LINE_ID", "LINE_NO", "feederId", required=True),
            _text("name", "线路名称", "name", "线路", "所属馈线名称", "所属线路", "LINE_NAME", "feederName"),
            _id("station_id", "变电站编码", "substation", "变电站", "变电站名称", "SUBS_ID"),
            _number("voltage_kv", "电压等级", "nominal voltage", "VOLT_CODE"),
            _flag("public", "公用线路", "public feeder; false for a dedicated one", "线路性质", default=True),
            _text("structure", "接线方式", "form of connection"),
            _text("area_label", "区域", "area that the utility names in its plan", "所属区域"),
        ),
        key=("feeder_id",),
    ),
    Table(
        "outages",
        "停电事件",
        "an outage record: when, why, and what lost supply",
        (
            _id(
                "outage_id",
                "停电编号",
                "outage",
                "outageNumber",
                "工单号",
                "故障主键",
                "事件编号",
                "停电事件编号",
                "停电事件ID",
                "停电单号",
                "outage no",
                "outage number",
                "event id",
                "event number",
                "interruption id",
                "incident id",
                "incident number",
                required=True,
            ),
            _time(
                "start",
                "停电开始时间",
                "supply was lost",
                "起始时间",
                "实际停电时间",
                "停电时间",
                "停电时刻",
                "start_time",
                "去重后停电开始时间",
                "开始停电时间",
                "故障发生时间",
                "beginTime",
                "开始时间",
                "停电起始时间",
                "停电时间起",
                "停电起",
                "outage start",
                "outage start time",
                "outage time",
                "interruption start",
                "interruption start time",
                "start date time",
                "time off",
                "off time",
                "power off time",
                required=True,
                needs_clock=True,
            ),
            _time(
                "end",
                "停电结束时间",
                "supply was back for all; blank while it lasts",
                "终止时间",
                "实际送电时间",
                "复电时间",
                "送电时间",
                "送电时刻",
                "end_time",
                "停电终止时间",
                "去重后停电结束时间",
                "恢复送电时间",
                "endTime",
                "结束时间",
                "停电时间止",
                "停电止",
                "恢复供电时间",
                "送电完成时间",
                "outage end",
                "outage end time",
                "interruption end",
                "interruption end time",
                "end date time",
                "restoration time",
                "restored time",
                "time restored",
                "restored",
                "restored at",
                "time on",
                "on time",
                "power on time",
                critical=True,
                needs_clock=True,
                blank_is_open=True,
            ),
            _code(
                "nature",
                "停电性质",
                "interruption nature",
                NATURES,
                "停电类型",
                "停电类别",
                "outageNature",
                "outage type",
                "outage category",
                "interruption type",
                "interruption nature",
                required=True,
            ),
            _flag("external", "外部影响", "caused outside the utility's own network", "是否外部影响"),
            _text("cause", "停电原因", "cause", "停电原因分析", "原因类型", "outage cause", "reason"),
            _UNIT,
            _id(
                "branch_id",
                "支路编码",
                "branch that lost supply with all below it",
                "所属线段编码",
                refers_to="branches.branch_id",
            ),
            _id(
                "feeder_id",
                "线路编码",
                "feeder that lost supply, by its id or its name",
                "所属馈线编码",
                "feederId",
                "线路名称",
                "所属线路",
                "所属馈线名称",
                "feederName",
                "线路",
                "馈线名称",
                "feeder",
                "feeder no",
                "line name",
                "circuit",
                "circuit name",
                refers_to="feeders.feeder_id",
            ),
            _id(
                "transformer_id",
                "台区编号",
                "transformer that lost supply",
                "TG_ID",
                "TG_NO",
                refers_to="transformers.transformer_id",
            ),
            _id("customer_id", "用户编号", "customer that lost supply", "CONS_NO", refers_to="customers.customer_id"),
            Column(
                "users",
                "integer",
                "停电户数",
                "number of users, where nothing else is known",
                (
                    "总停电数",
                    "影响户数",
                    "停电用户数",
                    "影响用户数",
                    "停电总户数",
                    "户数",
                    "customers",
                    "customers affected",
                    "affected customers",
                    "customers interrupted",
                    "customers off",
                    "number of customers",
                    "no of customers",
                    "customer count",
                    "users affected",
                    "users off",
                ),
                critical=True,
                minimum=1,
            ),
            _REGION,
            _code("exclusion", "不计原因", "why it is recorded but not counted", EXCLUSIONS),
            _time("approved_at", "批准时间", "dispatch approved a prearranged outage", "审批时间", "申请批准时间"),
            _time(
                "approved_end",
                "批准结束时间",
                "a planned outage was to end by then",
                "批准送电时间",
                "批准终止时间",
                "计划送电时间",
            ),
        ),
        key=("outage_id",),
        aliases=("停电记录", "停电明细", "停电台账", "outage_events"),
        duration=_number(
            "duration_h",
            "停电时长",
            "how long it lasted, in place of its end",
            "停电持续时间",
            "持续时间",
            "停电历时",
            "历时",
            "时长",
            "duration",
            "outage duration",
            "interruption duration",
        ),
    ),
    Table(
        "stages",
        "分步送电",
        "a part that came back before the end of its outage",
        (
            _id(
                "outage_id",
                "停电编号",
                "outage",
                "outageNumber",
                "工单号",
                "故障主键",
                required=True,
                refers_to="outages.outage_id",
            ),
            _time(
                "restored_at",
                "送电时间",
                "that part came back",
                "复电时间",
                "恢复送电时间",
                required=True,
                needs_clock=True,
            ),
            _id(
                "branch_id",
                "支路编码",
                "branch that came back with all below it",
                "所属线段编码",
                refers_to="branches.branch_id",
            ),
            _id(
                "transformer_id",
                "台区编号",
                "transformer that came back",
                "TG_ID",
                "TG_NO",
                refers_to="transformers.transformer_id",
            ),
        ),
    ),
    Table(
        "population",
        "用户数",
        "the stated number of users of a region class",
        (
            Column("region_class", "code", "地区特征", "region class", required=True, codes=REGION_CLASSES),
            Column("users", "integer", "用户数", "number of users", ("户数", "等效总用户数"), required=True, minimum=0),
            _time("from", "起始时间", "valid from", "起始日期", critical=True),
            _time("to", "终止时间", "valid until, exclusive", "终止日期", critical=True),
        ),
    ),
    Table(
        "switching",
        "开关操作",
        "one operation of a switching device",
        (
            _time("time", "操作时间", "when", "时间", required=True, needs_clock=True),
            _id("branch_id", "支路编码", "device", "开关编码", required=True, refers_to="branches.branch_id"),
            _code("action", "操作", "open or close", ACTIONS, "动作", required=True),
            _text("reason", "原因", "why"),
        ),
    ),
    Table(
        "signals",
        "信号",
        "one report from a device, a meter or a caller",
        (
            _time("time", "时间", "when", "发生时间", required=True),
            _code("object", "对象", "branch, transformer or customer", OBJECTS, "对象类型", required=True),
            _id("object_id", "对象编码", "which one", required=True),
            _code("kind", "信号类型", "what was reported", SIGNAL_KINDS, required=True),
            Column(
                "value",
                "number",
                "值",
                "fault_current: 1 seen, 0 not seen, -1 seen against the direction",
                critical=True,
                minimum=-1.0,
            ),
            _text("phases", "相别", "phases that are meant, such as A or BC; blank: all of them", "缺相", "相位"),
            _id("event_id", "事件编号", "the sender's own number of the report: told twice, it is one report"),
        ),
    ),
    Table(
        "load_profile",
        "负荷曲线",
        "the load of a class, or of one transformer, in one hour of the day, beside the typical load",
        (
            _text(
                "class",
                "用电类别",
                "class of load, or a region class; all means whoever has no row of their own",
                "负荷类别",
            ),
            _id("transformer_id", "台区编号", "transformer", refers_to="transformers.transformer_id"),
            Column(
                "hour", "integer", "小时", "hour of the day that begins, 0 to 23", ("时段",), required=True, minimum=0
            ),
            _number("factor", "负荷系数", "load in that hour over load_kw", "系数", required=True),
            Column(
                "month", "integer", "月份", "month, 1 to 12; blank means every one", ("月",), critical=True, minimum=1
            ),
            Column(
                "weekday",
                "integer",
                "星期",
                "day of the week, 1 Monday to 7 Sunday; blank means every one",
                critical=True,
                minimum=1,
            ),
        ),
        key=("class", "transformer_id", "hour", "month", "weekday"),
    ),
    Table(
        "measurements",
        "运行量测",
        "what was measured at a branch or a transformer at one time",
        (
            _time("time", "时间", "when", "采集时间", "量测时间", required=True),
            _code("object", "对象", "branch or transformer", MEASURED_OBJECTS, "对象类型", required=True),
            _id("object_id", "对象编码", "which one", required=True),
            _number("current_a", "电流", "current", "A相电流"),
            _number("kw", "有功功率", "active power; below zero it flows backwards", "有功", minimum=-1e9),
            _number(
                "voltage_v", "电压", "voltage of the low-voltage side of a transformer, phase to neutral", "A相电压"
            ),
            _number("voltage_kv", "线电压", "voltage between phases of the medium-voltage side"),
        ),
        aliases=("运行工况",),
    ),
    Table(
        "sensors",
        "传感器",
        "a fault sensor at the source-side end of its branch",
        (
            _id("branch_id", "支路编码", "branch it watches", required=True, refers_to="branches.branch_id"),
            _code("kind", "传感器类型", "ftu or indicator", SENSOR_KINDS),
            _number("miss_rate", "漏报率", "share of faults that it does not report"),
            _number("false_rate", "误报率", "share of faults elsewhere that it reports"),
        ),
        key=("branch_id",),
    ),
    Table(
        "incidents",
        "已结故障",
        "a closed incident: where the crew found the fault",
        (
            _id("incident_id", "故障编号", "its id", required=True),
            _id(
                "branch_id",
                "故障支路编码",
                "branch on which the fault was",
                required=True,
                refers_to="branches.branch_id",
            ),
            _time("start", "故障时间", "when it began", required=True),
            _time("end", "复电时间", "when all were back"),
        ),
        key=("incident_id",),
    ),
    Table(
        "plans",
        "停电计划",
        "a planned outage, applied for or approved",
        (
            _id("plan_id", "停电计划编号", "plan", "计划编号", required=True),
            _time("start", "计划停电时间", "planned start", required=True, needs_clock=True),
            _time("end", "计划送电时间", "planned end", required=True, needs_clock=True),
            _code("nature", "停电性质", "interruption nature", NATURES),
            _id("branch_id", "支路编码", "branch to be opened", refers_to="branches.branch_id"),
            _id("feeder_id", "线路编码", "feeder to be taken out", refers_to="feeders.feeder_id"),
            _id("transformer_id", "台区编号", "transformer to be taken out", refers_to="transformers.transformer_id"),
            _text("work", "作业内容", "the work"),
            _UNIT,
            _flag("connection", "业扩接电", "connects a new customer", default=False),
            Column("live_line_item", "integer", "带电作业项目", "live-line item (1-33) that could do it", minimum=1),
            _time("applied_at", "申请时间", "when it was applied for"),
            _time("notified_at", "通知时间", "when users were told"),
            _text("status", "审核状态", "state of approval"),
            _time("earliest_start", "最早可停时间", "before this the work cannot begin"),
            _time("latest_end", "最晚送电时间", "after this the work must be over"),
            _time("actual_start", "实际停电时间", "when supply was really cut"),
            _time("actual_end", "实际送电时间", "when supply was really back"),
            _time("work_start", "许可开工时间", "when work was permitted to begin", "开工时间"),
            _time("work_end", "工作终结时间", "when work was reported over", "完工时间"),
            _time("open_arrived_at", "停电操作到位时间", "when the crew stood ready to cut supply"),
            _time("close_arrived_at", "送电操作到位时间", "when the crew stood ready to restore supply"),
        ),
        key=("plan_id",),
    ),
    Table(
        "live_jobs",
        "不停电作业",
        "a job done without cutting anyone off",
        (
            _id("job_id", "作业编号", "job", required=True),
            _time("start", "作业时间", "when it began", "作业日期", "作业开始时间", required=True),
            _time("end", "作业结束时间", "when it ended"),
            _UNIT,
            _id("branch_id", "支路编码", "branch that an outage would have opened", refers_to="branches.branch_id"),
            _id("feeder_id", "线路编码", "feeder", refers_to="feeders.feeder_id"),
            Column("item", "integer", "作业项目", "live-line item 1-33", ("项目编号",), minimum=1),
            _code("method", "作业方法", "method", LIVE_METHODS),
            _text("work_class", "作业类别", "class 1-4, LV or GEN", "类别"),
            _flag("connection", "业扩接电", "connects a new customer", default=False),
            _number("outage_h", "停电所需时间", "hours the same work would have needed with an outage"),
            Column(
                "users_off",
                "integer",
                "少停户数",
                "users that would have been off, where the network cannot tell",
                ("减少停电户数",),
                minimum=0,
            ),
        ),
        key=("job_id",),
    ),
    Table(
        "orders",
        "抢修工单",
        "a repair order",
        (
            _id("order_id", "工单编号", "order", "国网工单编号", required=True),
            _id("parent_id", "母单编号", "parent order"),
            _id("outage_id", "停电编号", "outage it repairs", refers_to="outages.outage_id"),
            _text("source", "工单来源", "where it came from", "order_source"),
            _text("fault_type", "故障类型", "kind of fault"),
            _time("accept_time", "受理时间", "reported"),
            _time("dispatch_time", "派单时间", "dispatched"),
            _time("accepted_time", "接单时间", "accepted by the crew"),
            _time("arrive_time", "到达现场时间", "arrived"),
            _time("restore_time", "完成时间", "restored"),
            _id("crew_id", "抢修班组", "crew", "team", refers_to="crews.crew_id"),
            _text("site_class", "现场分类", "urban, rural or remote"),
        ),
        key=("order_id",),
    ),
    Table(
        "crews",
        "抢修班组",
        "a repair crew",
        (
            _id("crew_id", "班组编号", "crew", required=True),
            _text("name", "班组名称", "name"),
            _id("base_id", "驻点编号", "base", refers_to="bases.base_id"),
            _UNIT,
            Column("members", "integer", "人数", "people", minimum=1),
            _flag("live_line", "带电作业", "qualified for live-line work", default=False),
            _flag("cable", "电缆作业", "qualified for cable work", default=True),
            _flag("low_voltage", "低压作业", "does low-voltage work", default=True),
            _text("vehicles", "车辆", "vehicles, with commas: bucket truck, generator car, mobile substation car"),
            _text("zones", "责任网格", "units or grids it works in, with commas; blank: everywhere", "网格"),
            _number("lon", "经度", "where it is now, longitude in degrees; blank: at its base", minimum=-1e9),
            _number("lat", "纬度", "where it is now, latitude in degrees", minimum=-1e9),
        ),
        key=("crew_id",),
    ),
    Table(
        "shifts",
        "值班",
        "a time in which a crew is on duty; a crew that no shift names is always on duty",
        (
            _id("crew_id", "班组编号", "crew", required=True, refers_to="crews.crew_id"),
            _time("start", "值班开始时间", "from then on", "开始时间", required=True, needs_clock=True),
            _time("end", "值班结束时间", "until then", "结束时间", required=True, needs_clock=True),
        ),
        key=("crew_id", "start"),
    ),
    Table(
        "travel",
        "行车时间",
        "how long a crew drives from one place to another, where coordinates say too little",
        (
            _id("from_place", "起点编号", "base, node, branch or feeder", required=True),
            _id("to_place", "终点编号", "base, node, branch or feeder", required=True),
            _number("travel_min", "行车时长", "minutes", required=True),
        ),
        key=("from_place", "to_place"),
    ),
    Table(
        "bases",
        "抢修驻点",
        "where crews wait",
        (
            _id("base_id", "驻点编号", "base", required=True),
            _text("name", "驻点名称", "name"),
            _number("lon", "经度", "longitude in degrees", minimum=-1e9),
            _number("lat", "纬度", "latitude in degrees", minimum=-1e9),
            _UNIT,
        ),
        key=("base_id",),
    ),
    Table(
        "automation_terminals",
        "自动化终端",
        "a terminal of distribution automation at a switching device",
        (
            _id("branch_id", "支路编码", "device it serves", "开关编码", required=True, refers_to="branches.branch_id"),
            _code("kind", "终端类型", "three-remote or two-remote", TERMINAL_KINDS, required=True),
            _time("in_service", "投运日期", "in service since"),
            _time("retired", "退役日期", "out of service since"),
        ),
        aliases=("配电终端",),
    ),
    Table(
        "automation_actions",
        "自动化动作",
        "an action of distribution automation, or one that did not come",
        (
            _id("feeder_id", "线路编码", "feeder", required=True, refers_to="feeders.feeder_id"),
            _time("time", "动作时间", "when", "时间", required=True),
            _code("kind", "动作类型", "what it was; blank means feeder automation", ACTION_KINDS),
            _code("result", "动作结果", "correct, wrong or missed", ACTION_RESULTS, required=True),
        ),
    ),
    Table(
        "automation_outages",
        "自动化离线",
        "a time in which a terminal or the master station was off line",
        (
            _id(
                "branch_id",
                "支路编码",
                "device of the terminal; blank means the master station",
                "开关编码",
                refers_to="branches.branch_id",
            ),
            _time("start", "离线时间", "off line from", "离线开始时间", required=True),
            _time("end", "恢复时间", "until; blank means still off line", "离线结束时间", blank_is_open=True),
        ),
    ),
    Table(
        "applications",
        "停电申请",
        "an application for an outage or a connection, until its outage",
        (
            _id("application_id", "申请编号", "application", required=True),
            _time("applied", "申请时间", "when it was applied for", "受理时间", required=True),
            _time("ready", "具备条件时间", "when the work was ready to begin"),
            _time("outage_date", "停电日期", "day of the outage", "停电时间"),
            _UNIT,
        ),
        key=("application_id",),
    ),
    Table(
        "budget",
        "时户数预算",
        "customer-hours that a unit may spend in a year",
        (
            Column("unit", "text", "供电单位", "unit", ("运维单位",), required=True),
            _text("area_class", "地区特征", "region or planning class"),
            _number("annual_target_ch", "年度目标时户数", "customer-hours of the year"),
            _number("consumed_ch", "已用时户数", "customer-hours used"),
        ),
    ),
    Table(
        "targets",
        "目标",
        "one row of a utility's improvement plan",
        (
            _id("target_id", "目标编号", "target", required=True),
            _id("plan", "方案", "plan", required=True),
            _text(
                "area_scheme", "口径", "region, aggregate, planning, grid, liveline, da, plan or repair", required=True
            ),
            _text("area_label", "区域", "area as the plan names it", required=True),
            _text("metric", "指标", "what is measured", required=True),
            _text("op", "比较", "<= or >=", required=True),
            Column("value", "number", "目标值", "the limit", required=True),
            _text("unit", "单位", "unit of the limit", required=True),
            _time("deadline", "期限", "to be met by"),
            _text("alt_rule", "替代规则", "another way to pass, such as yoy<=-8%"),
            _text("note", "备注", "where it stands in the plan"),
            Column("base_year", "integer", "基准年", "year that a reduction or gain is counted from", minimum=1900),
        ),
        key=("target_id",),
    ),
    Table(
        "reliability_report",
        "可靠性统计报表",
        "a row of the reliability system's own report; only compared with, never counted",
        (
            _text("prefecture", "所属地市", "utility of the prefecture"),
            _text("county", "所属区县", "utility of the county"),
            _text("unit", "供电单位", "unit that operates it", "所属供电所", "运维单位"),
            _text("admin_property", "管理属性", "form of management; shown, not filtered by"),
            _text("unit_kind", "单位性质", "kind of unit; shown, not filtered by"),
            _time("start", "起始时间", "first moment of the period", "统计开始时间", required=True),
            _time(
                "end",
                "终止时间",
                "last day or moment of the period; the hours say which",
                "统计结束时间",
                required=True,
            ),
            _number("period_h", "统计期间小时", "hours of the period"),
            _number("period_days", "统计期间天数", "days of the period"),
            _text("voltage", "电压等级", "voltage of the users; blank means 10 kV"),
            Column(
                "region_class",
                "code",
                "地区特征",
                "region class or aggregate; blank means all",
                critical=True,
                codes=REPORT_REGIONS,
            ),
            Column(
                "planning_class",
                "code",
                "规划特征",
                "planning class; blank means all",
                ("供电区域",),
                critical=True,
                codes=REPORT_PLANNING,
            ),
            Column(
                "line_kind",
                "code",
                "线路性质",
                "public or dedicated feeders; blank means both",
                critical=True,
                codes=REPORT_LINES,
            ),
            _number("equivalent_users", "等效总用户数", "N_T of the report"),
            _number("total_customer_hours", "停电总时户数", "CH of the report"),
            _number("saidi_1_h", "系统平均停电时间SAIDI-1", "SAIDI-1 of the report", "SAIDI-1"),
            _number("saidi_f_h", "系统平均停电时间SAIDI-F", "SAIDI-F of the report", "SAIDI-F"),
            _number("saidi_s_h", "系统平均停电时间SAIDI-S", "SAIDI-S of the report", "SAIDI-S"),
            _number("asai_1_percent", "平均供电可靠率ASAI-1", "ASAI-1 of the report", "ASAI-1"),
        ),
    ),
    Table(
        "area_map",
        "区域对应",
        "which users an area label of a plan means",
        (
            _id("plan", "方案", "plan; blank for all"),
            _text("area_label", "区域", "area as the plan names it", required=True),
            _text(
                "column", "字段", "region_class, planning_class, aggregate, feeder_id or transformer_id", required=True
            ),
            _text("value", "值", "value of that column", required=True),
        ),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _TABLES})
"""Every table of a workspace by name."""
