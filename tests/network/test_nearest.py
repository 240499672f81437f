"""A hint is given only where it is convincing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.nearest import nearest, slips


@pytest.mark.parametrize(
    ("unknown", "known", "meant"),
    [
        ("T11", ["T10", "T1", "T12"], []),
        ("T07", ["T06", "T60"], []),
        ("F03-L0X", ["F03-L01", "F03-L02"], []),
        ("F03-S02", ["F03-K02"], []),
        ("T7", ["T07", "T70"], ["T07"]),
        ("f03k02", ["F03-K02", "F03-K20"], ["F03-K02"]),
        ("Ｆ０３－Ｋ０２", ["F03-K02"], ["F03-K02"]),
        ("F03-KO2", ["F03-K02"], ["F03-K02"]),
        ("f03-l1", ["F03-L01", "F03-L11"], ["F03-L01"]),
        ("TR-100l", ["TR-1001"], ["TR-1001"]),
        ("非计划停电", ["planned", "计划停电"], []),
        ("非故障停电", ["外部故障停电", "故障停电"], []),
        ("停电时户数", ["停电户数"], []),
        ("检修停点", ["检修停电", "施工停电"], ["检修停电"]),
        ("支线故障", ["主线故障"], []),
        ("unplanned", ["planned"], []),
        ("planed", ["planned", "plan"], ["planned"]),
        ("strat", ["start", "end"], ["start"]),
        ("region_calss", ["region_class", "planning_class"], ["region_class"]),
        ("rating", ["rating_a"], ["rating_a"]),
        ("line", ["lane"], ["lane"]),
        ("end", ["and"], []),
    ],
)
def test_a_hint_is_convincing_or_not_given(unknown: str, known: list[str], meant: list[str]) -> None:
    assert nearest(unknown, known) == meant


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_slips_are_the_fewest_steps(word: str, meant: str) -> None:
    """Against a search through all words: put in, leave out, replace, swap; what was swapped is not touched again."""

    def fewest(one: str, other: str) -> int:
        if not one or not other:
            return len(one) + len(other)
        steps = [
            fewest(one[1:], other) + 1,
            fewest(one, other[1:]) + 1,
            fewest(one[1:], other[1:]) + (one[0] != other[0]),
        ]
        if len(one) > 1 and len(other) > 1 and one[0] == other[1] and one[1] == other[0]:
            steps.append(fewest(one[2:], other[2:]) + 1)
        return min(steps)

    assert slips(word, meant) == fewest(word, meant)
