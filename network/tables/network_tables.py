"""The tables of the network: where supply comes from, what carries it, and who hangs on it."""

from __future__ import annotations

from network.tables.code_words import BRANCH_KINDS
from network.tables.shared_columns import PLANNING, REGION, UNIT
from network.tables.table_form import (
    Table,
    code_column,
    flag_column,
    id_column,
    number_column,
    text_column,
    time_column,
)

NETWORK_TABLES = (
    Table(
        "sources",
        "电源",
        "a node that feeds the network: a 10 kV bus of a substation",
        (
            id_column("node", "节点", "node that is fed", "节点编码", required=True),
            id_column("station_id", "变电站编码", "substation", "SUBS_ID", "变电站"),
            text_column("name", "名称", "name of the source", "变电站名称", "SUBS_NAME", "母线名称"),
            number_column("capacity_a", "容量", "current that the source can give", "限额电流"),
            flag_column(
                "grid_forming",
                "可孤岛运行",
                "blank: a bus of the grid; false: generation, which feeds nobody alone and is no source; true: generation that "
                "may feed an island alone, within capacity_a, once the grid is gone there",
                "可组网",
            ),
            number_column(
                "generation_kw",
                "发电出力",
                "power that generation gives at most while the grid is there; for weak spots alone",
                "装机容量kW",
                "光伏容量",
            ),
        ),
        key=("node",),
    ),
    Table(
        "branches",
        "支路",
        "a line section or a switching device between two nodes",
        (
            id_column("branch_id", "支路编码", "branch", "所属线段编码", "线段编码", "开关编码", required=True),
            id_column("from_node", "首端节点", "node at one end", "起点", required=True),
            id_column("to_node", "末端节点", "node at the other end", "终点", required=True),
            code_column(
                "kind", "支路类型", "line, cable, bus or kind of device", BRANCH_KINDS, "开关类型", required=True
            ),
            flag_column("normally_open", "常开", "open in the normal state", "是否常开", default=False),
            flag_column("remote", "三遥", "can be operated remotely", "是否三遥", default=False),
            flag_column(
                "may_parallel",
                "允许合环",
                "a tie that may be closed while both its sides are live",
                "可合环",
                "是否允许合环",
            ),
            id_column(
                "feeder_id",
                "线路编码",
                "feeder",
                "所属馈线编码",
                "LINE_ID",
                "LINE_NO",
                "feederId",
                refers_to="feeders.feeder_id",
            ),
            text_column("name", "支路名称", "name of the branch", "所属线段名称", "开关名称", "名称"),
            number_column("length_km", "长度", "length"),
            number_column("rating_a", "额定电流", "current it can carry", "限额电流"),
            number_column("r_ohm", "电阻", "resistance"),
            number_column("x_ohm", "电抗", "reactance", minimum=-1e9),
            number_column("failures_per_km_yr", "故障率", "failures per km and year"),
            number_column("repair_h", "修复时间", "mean repair time"),
        ),
        key=("branch_id",),
    ),
    Table(
        "nodes",
        "节点",
        "where a node lies on the map",
        (
            id_column("node", "节点", "node", "节点编码", required=True),
            number_column("lon", "经度", "longitude in degrees", minimum=-1e9),
            number_column("lat", "纬度", "latitude in degrees", minimum=-1e9),
        ),
        key=("node",),
    ),
    Table(
        "transformers",
        "配变",
        "a public distribution transformer, or a customer with its own: one medium-voltage user",
        (
            id_column(
                "transformer_id", "台区编号", "transformer", "TG_ID", "TG_NO", "配变编码", "变压器编码", required=True
            ),
            id_column("node", "节点", "node that feeds it", "节点编码", "接入节点", required=True),
            id_column("second_node", "第二节点", "node of the second supply", "备用节点"),
            text_column("name", "台区名称", "name of the transformer", "TG_NAME", "equipmentNames", "配变名称"),
            id_column(
                "feeder_id",
                "线路编码",
                "feeder",
                "所属馈线编码",
                "LINE_ID",
                "LINE_NO",
                "feederId",
                refers_to="feeders.feeder_id",
            ),
            flag_column(
                "public",
                "公变",
                "public transformer; false for a customer's own",
                "是否公变",
                "变压器类型",
                "用户性质",
                "PUB_PRIV_FLAG",
                default=True,
            ),
            number_column("capacity_kva", "变压器容量", "rated capacity", "TG_CAP", "PLATE_CAP", "容量"),
            number_column("load_kw", "负荷", "typical load", "平均负荷"),
            text_column(
                "load_class", "用电类别", "class of its load in load_profile; blank means its region class", "负荷类别"
            ),
            REGION,
            PLANNING,
            UNIT,
            id_column(
                "concentrator_id",
                "集中器编号",
                "concentrator that passes on its reports and those of its meters",
                "集中器",
                "集中器地址",
                "CONCENTRATOR_ID",
            ),
            time_column("in_service", "投运日期", "in service from", "注册日期"),
            time_column("retired", "退役日期", "in service until", "注销日期"),
        ),
        key=("transformer_id",),
        aliases=("台区",),
    ),
    Table(
        "customers",
        "用户",
        "a metered low-voltage customer",
        (
            id_column("customer_id", "用户编号", "customer", "用户编码", "CONS_NO", "CONS_ID", "户号", required=True),
            id_column(
                "transformer_id",
                "台区编号",
                "transformer that feeds it",
                "TG_ID",
                "TG_NO",
                required=True,
                refers_to="transformers.transformer_id",
            ),
            id_column(
                "second_transformer_id",
                "第二台区编号",
                "transformer of the second supply",
                refers_to="transformers.transformer_id",
            ),
            text_column("name", "用户名称", "name (personal)", "CONS_NAME", "户名"),
            text_column("phone", "联系电话", "phone (personal)", "电话", "手机号"),
            text_column("address", "用电地址", "address (personal)", "地址"),
            id_column("box_id", "表箱编号", "meter box that the meter hangs in", "计量箱编号", "表箱"),
            text_column("phase", "相别", "phase or phases of the meter, such as A or ABC", "接入相别"),
            flag_column("important", "重要用户", "important customer", "是否重要用户", default=False),
            flag_column("sensitive", "敏感用户", "sensitive customer", "是否敏感用户", default=False),
            flag_column("verified", "实名认证", "contact is verified", "是否实名认证", default=False),
            flag_column("opted_out", "免打扰", "wants no messages", "是否免打扰", "拒收短信", default=False),
            time_column("in_service", "投运日期", "in service from", "立户日期", "注册日期"),
            time_column("retired", "退役日期", "in service until", "注销日期", "销户日期"),
        ),
        key=("customer_id",),
    ),
    Table(
        "feeders",
        "线路",
        "a medium-voltage feeder",
        (
            id_column(
                "feeder_id", "线路编码", "feeder", "所属馈线编码", "LINE_ID", "LINE_NO", "feederId", required=True
            ),
            text_column(
                "name", "线路名称", "name of the feeder", "线路", "所属馈线名称", "所属线路", "LINE_NAME", "feederName"
            ),
            id_column("station_id", "变电站编码", "substation", "变电站", "变电站名称", "SUBS_ID"),
            number_column("voltage_kv", "电压等级", "nominal voltage", "VOLT_CODE"),
            flag_column("public", "公用线路", "public feeder; false for a dedicated one", "线路性质", default=True),
            text_column("structure", "接线方式", "form of connection"),
            text_column("area_label", "区域", "area that the utility names in its plan", "所属区域"),
        ),
        key=("feeder_id",),
    ),
)
