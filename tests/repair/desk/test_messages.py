"""What customers are told: texts as the trade writes them, and rules against a slow oracle for one customer."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.settings import ReliabilitySettings
from repair.desk.message_texts import text_of
from repair.desk.messages import (
    Addressee,
    Announced,
    Message,
    Standing,
    addressees,
    due_at,
    incident_messages,
    notified,
    plan_messages,
    plan_notice,
)
from repair.desk.work import STAGES, Line, Sheet
from repair.settings import MessageSettings

NOON = datetime(2022, 7, 20, 12)
RULES = MessageSettings(unit="复源供电公司")
ALL = (
    Addressee("customer", "C1", "河东台区"),
    Addressee("customer", "C2", "河东台区", True),
    Addressee("transformer", "T2", "河西台区"),
)


def hours(count: float) -> str:
    return (NOON + timedelta(hours=count)).isoformat()


def message(kind: str, **facts: Any) -> Message:
    return Message("X", kind, ALL[0], {"area": "河东台区"} | facts)


# Texts ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "chinese", "english"),
    [
        (
            message("fault", cause="line", start=hours(0), crew=True, estimate=hours(3)),
            (
                "【复源供电公司】尊敬的王芳：因线路故障，河东台区于7月20日12:00发生停电，抢修人员已出动。"
                "预计7月20日15:00恢复供电。咨询请拨95598。"
            ),
            (
                "[复源供电公司] Dear 王芳: 河东台区 lost power at 2022-07-20 12:00 through a "
                "fault of the line; a crew is on its way. "
                "Power is expected back at 2022-07-20 15:00. For questions call 95598."
            ),
        ),
        (
            message("fault", cause="upstream", start=hours(0), crew=False),
            "【复源供电公司】尊敬的王芳：因上级电网停电，河东台区于7月20日12:00发生停电，正在安排抢修。咨询请拨95598。",
            (
                "[复源供电公司] Dear 王芳: 河东台区 lost power at 2022-07-20 12:00 through a loss of the grid above; "
                "the repair is being prepared. For questions call 95598."
            ),
        ),
        (
            message("progress", stage="located", time=hours(1), estimate=hours(5), moved=True),
            "【复源供电公司】河东台区停电抢修进展：故障定位（13:00）。预计7月20日17:00恢复供电，较前次预计有调整。",
            (
                "[复源供电公司] Repair in 河东台区: fault located (13:00). Power is expected back at 2022-07-20 17:00, "
                "which differs from the time given before."
            ),
        ),
        (
            message("restored", end=hours(4.5)),
            "【复源供电公司】河东台区已于7月20日16:30恢复供电。如您家中仍无电请拨95598。感谢您的理解与支持。",
            (
                "[复源供电公司] 河东台区 has power again since 2022-07-20 16:30. If you are still without power, call 95598. "
                "Thank you for your patience."
            ),
        ),
        (
            message("planned", start=hours(0), end=hours(5), reason="更换变压器", line="东郊线"),
            "【复源供电公司】计划停电通知：因更换变压器，东郊线河东台区将于7月20日12:00至17:00停电，请提前做好准备。",
            (
                "[复源供电公司] Planned outage: for 更换变压器, 东郊线 河东台区 will be without power "
                "from 2022-07-20 12:00 to 17:00. "
                "Please prepare for it."
            ),
        ),
        (
            message("temporary", start=hours(0), end=hours(20), reason="", line=""),
            "【复源供电公司】临时停电通知：因电网检修，河东台区将于7月20日12:00至7月21日08:00停电，不便之处敬请谅解。",
            (
                "[复源供电公司] Temporary outage: for work on the network, 河东台区 will be "
                "without power from 2022-07-20 12:00 to "
                "2022-07-21 08:00. We apologise."
            ),
        ),
        (
            message("change", change="postponed", old_start=hours(0), old_end=hours(2), start=hours(24), end=hours(26)),
            "【复源供电公司】停电延期：河东台区原定7月20日12:00的停电调整为7月21日12:00至14:00。",
            (
                "[复源供电公司] Outage postponed: the outage of 河东台区 announced for "
                "2022-07-20 12:00 is now from 2022-07-21 12:00 "
                "to 14:00."
            ),
        ),
        (
            message("change", change="cancelled", old_start=hours(0), old_end=hours(2), start=hours(0), end=hours(2)),
            "【复源供电公司】停电取消：河东台区原定7月20日12:00的停电已取消，正常供电。",
            "[复源供电公司] Outage cancelled: the outage of 河东台区 announced for 2022-07-20 12:00 will not take place.",
        ),
    ],
)
def test_texts_as_the_trade_writes_them(told: Message, chinese: str, english: str) -> None:
    assert text_of(told, "王芳", RULES) == chinese
    assert text_of(told, "王芳", RULES.model_copy(update={"language": "en"})) == english


def test_a_notice_and_a_nameless_customer_are_spoken_to_too() -> None:
    told = message("fault", cause="line", start=hours(0), crew=True)
    assert text_of(told, None, RULES).startswith("【复源供电公司】尊敬的用户：")
    notice = Message("X", "fault", ALL[2], told.facts)
    assert text_of(notice, None, RULES).startswith("【复源供电公司】尊敬的各位用户：")


# Who ------------------------------------------------------------------------------------------------------------------

CUSTOMER = st.fixed_dictionaries(
    {
        "transformer_id": st.sampled_from(["T1", "T2", "T3"]),
        "phone": st.sampled_from([None, "", " ", "13800000000"]),
        "verified": st.booleans(),
        "opted_out": st.booleans(),
        "important": st.booleans(),
    }
)
TRANSFORMERS = pl.DataFrame({"transformer_id": ["T1", "T2", "T3"], "name": ["河东台区", None, "河西台区"]})
_SCHEMA = {"customer_id": pl.String, "transformer_id": pl.String, "phone": pl.String, "verified": pl.Boolean,
           "opted_out": pl.Boolean, "important": pl.Boolean}  # fmt: skip


@given(st.lists(CUSTOMER, max_size=12))
def test_who_is_told_in_person_and_where_a_notice_goes(rows: list[dict[str, Any]]) -> None:
    rows = [{"customer_id": f"C{number}"} | row for number, row in enumerate(rows)]
    told = addressees(pl.DataFrame(rows, _SCHEMA), TRANSFORMERS)
    reachable = [each for each in rows if each["phone"] == "13800000000" and each["verified"] and not each["opted_out"]]
    assert [each.id for each in told if each.kind == "customer"] == [each["customer_id"] for each in reachable]
    notices = {each.id: each.important for each in told if each.kind == "transformer"}
    for transformer in ("T1", "T2", "T3"):
        own = [each for each in rows if each["transformer_id"] == transformer]
        others = [each for each in own if each not in reachable]
        assert (transformer in notices) == bool(others or not own)
        assert notices.get(transformer, False) == any(other["important"] for other in others)
    assert len({(each.kind, each.id) for each in told}) == len(told)
    reached = {(each.kind, each.id) for each in told if each.kind == "customer" or each.id == "T1"}
    counted = notified(pl.DataFrame(rows, _SCHEMA), reached)
    assert counted.in_person == len(reachable)
    assert counted.by_notice == sum(each not in reachable and each["transformer_id"] == "T1" for each in rows)
    assert counted.ratio == (len(reachable) / len(rows) if rows else None)


# An incident ----------------------------------------------------------------------------------------------------------

STEP = st.one_of(
    st.tuples(st.just("stage"), st.sampled_from(STAGES)),
    st.tuples(st.just("estimate"), st.integers(0, 12).map(lambda each: each * 10)),
    st.tuples(st.just("back"), st.sets(st.sampled_from(range(3)))),
    st.tuples(st.just("who"), st.sets(st.sampled_from(range(3)))),
    st.tuples(st.just("reopen"), st.just(0)),
    st.tuples(st.just("note"), st.just(0)),
)


def slowly(steps: list[tuple[str, Any]], one: int) -> list[str]:
    """What one addressee should be told, one step after the other, in words: the rules as a person would apply them."""
    heard: list[str] = []
    reached: list[str] = []
    back = present = knows = False
    present = True
    estimate: int | None = None
    told_estimate: int | None = None
    told_stage = -1
    for kind, value in steps:
        if kind == "stage" and value not in reached:
            reached.append(value)
        elif kind == "estimate":
            estimate = value
        elif kind == "back":
            back = one in value
        elif kind == "who":
            present = one in value
        elif kind == "reopen":
            reached, estimate = [], None
        going = any(each not in {"accepted"} for each in reached)
        if not going or not present:
            continue
        news = max((STAGES.index(each) for each in reached if each in RULES.progress_stages), default=-1)
        if "restored" in reached or back:
            if (not heard or knows) and ("restored" in reached or "partly_restored" in reached):
                heard.append("restored")
                knows = False
            continue
        if not knows:
            heard.append("fault" if estimate is None else f"fault {estimate}")
            knows, told_estimate, told_stage = True, estimate, news
            continue
        moved = estimate is not None and (told_estimate is None or abs(estimate - told_estimate) > 30)
        if moved or news > told_stage:
            changed = " moved" if moved and told_estimate is not None else ""
            heard.append("progress" + ("" if estimate is None else f" {estimate}") + changed)
            told_estimate = estimate if estimate is not None else told_estimate
            told_stage = max(told_stage, news)
    return heard


def minutes(said: str) -> int:
    return round((datetime.fromisoformat(said) - NOON) / timedelta(minutes=1))


@given(st.lists(STEP, max_size=25))
def test_everybody_is_told_what_one_should_be_told(steps: list[tuple[str, Any]]) -> None:
    sheet, back, who, earlier = Sheet("X"), set[tuple[str, str]](), list(ALL), list[Message]()
    for number, (kind, value) in enumerate(steps, 1):
        if kind == "stage":
            sheet = sheet.after(Line(number, "w", "stage", {"stage": value, "at": hours(number)}))
        elif kind == "estimate":
            until = (NOON + timedelta(minutes=value)).isoformat()
            sheet = sheet.after(Line(number, "w", "estimate", {"until": until}))
        elif kind == "back":
            back = {(ALL[each].kind, ALL[each].id) for each in value}
        elif kind == "who":
            who = [ALL[each] for each in sorted(value)]
        else:
            sheet = sheet.after(Line(number, "w", kind, {"reason": "off"}))
        standing = Standing.of(sheet, "line", NOON)
        new = incident_messages(standing, who, back, earlier, RULES)
        assert incident_messages(standing, who, back, [*earlier, *new], RULES) == [], (
            "asked again, nothing is left to tell"
        )
        earlier += new
    for place, each in enumerate(ALL):
        said = [
            " ".join(
                [told.kind]
                + ([str(minutes(told.facts["estimate"]))] if "estimate" in told.facts else [])
                + (["moved"] if told.facts.get("moved") else [])
            )
            for told in earlier
            if told.to == each
        ]
        assert said == slowly(steps, place)
        assert all(text_of(told, "王芳", RULES) for told in earlier)
    assert len({told.key for told in earlier}) == len(earlier)


def test_the_limit_of_a_change_is_a_setting() -> None:
    first = Standing("X", "line", NOON, {"dispatched": NOON}, NOON + timedelta(hours=2))
    told = incident_messages(first, ALL[:1], (), (), RULES)
    an_hour = RULES.model_copy(update={"estimate_change_min": 60})
    for change, rules, count in ((30, RULES, 0), (31, RULES, 1), (31, an_hour, 0)):
        later = Standing("X", "line", NOON, {"dispatched": NOON}, NOON + timedelta(minutes=120 + change))
        assert len(incident_messages(later, ALL[:1], (), told, rules)) == count


# A plan ---------------------------------------------------------------------------------------------------------------

PLAN_STEP = st.tuples(
    st.integers(1, 30),  # hours that pass
    st.integers(20, 60),  # hour of its start
    st.integers(1, 3),  # hours that it lasts
    st.sampled_from(["approved", "approved", "approved", "pending", "cancelled"]),
)


@given(st.lists(PLAN_STEP, max_size=12), st.booleans())
def test_a_plan_is_told_once_and_each_change_of_it(steps: list[tuple[int, int, int, str]], temporary: bool) -> None:
    now, earlier, heard = NOON, list[Message](), list[str]()
    known: tuple[int, int] | None = None
    clock = 0
    for passed, start, length, status in steps:
        clock += passed
        now = NOON + timedelta(hours=clock)
        plan = Announced("plan:P", NOON + timedelta(hours=start), NOON + timedelta(hours=start + length), temporary,
                         status == "approved", status == "cancelled")  # fmt: skip
        earlier += plan_messages(plan, ALL[:1], earlier, now)
        if known is None:
            if status == "approved" and start > clock:
                heard.append("temporary" if temporary else "planned")
                known = (start, start + length)
        elif known[0] > clock:
            if status == "cancelled":
                heard.append("change cancelled")
                known = None
            elif status == "approved" and known != (start, start + length):
                heard.append("change postponed" if start > known[0] else "change changed")
                known = (start, start + length)
    assert [" ".join(filter(None, [each.kind, each.facts.get("change")])) for each in earlier] == heard
    assert all(text_of(each, None, RULES) for each in earlier)


@given(st.lists(st.one_of(st.none(), st.floats(0, 300)), min_size=1, max_size=3), st.booleans())
def test_the_lead_is_that_of_whoever_was_told_last(leads: list[float | None], temporary: bool) -> None:
    """168 hours for a planned outage, 24 for a temporary one; where one was not told, there is no lead."""
    start = NOON + timedelta(hours=400)
    plan = Announced("plan:P", start, start + timedelta(hours=2), temporary, True, False)
    who = ALL[: len(leads)]
    told = [
        (each, start - timedelta(hours=lead))
        for lead, to in zip(leads, who, strict=True)
        if lead is not None
        for each in plan_messages(plan, [to], (), NOON)
    ]
    notice = plan_notice(plan, who, told, start, ReliabilitySettings())
    if None in leads:
        assert notice.lead_h is None
    else:
        assert notice.lead_h == pytest.approx(min(each for each in leads if each is not None), abs=1e-6)
    lead = notice.lead_h
    assert (notice.state == "given") == (lead is not None and lead >= (24 if temporary else 168))
    moved = Announced("plan:P", start + timedelta(hours=1), plan.end, temporary, True, False)
    assert plan_notice(moved, who, told, start, ReliabilitySettings()).lead_h is None, "of another start"


# Quiet hours ----------------------------------------------------------------------------------------------------------


@given(st.times(), st.times(), st.integers(0, 1439), st.sampled_from(["fault", "progress", "restored"]), st.booleans())
def test_quiet_hours_hold_back_all_but_faults_of_important_customers(
    begins: time, ends: time, minute: int, kind: str, important: bool
) -> None:
    rules = MessageSettings(quiet_from=f"{begins:%H:%M}", quiet_until=f"{ends:%H:%M}")
    now = NOON.replace(hour=0) + timedelta(minutes=minute)
    told = Message("X", kind, Addressee("customer", "C1", "河东台区", important))

    def is_quiet(at: datetime) -> bool:
        clock, first, last = f"{at:%H:%M}", rules.quiet_from, rules.quiet_until
        return first <= clock < last if first <= last else clock >= first or clock < last

    expected = now
    while is_quiet(expected) and not (kind == "fault" and important):
        expected += timedelta(minutes=1)
    assert due_at(told, now, rules) == expected
    assert due_at(told, now, rules.model_copy(update={"quiet_from": ""})) == now
