"""Charts: the house style, nothing that leaves the machine, and labels that do not lie on each other."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fudian
from dashboard.parts.address import Address
from dashboard.parts.charts import ABNORMAL, LINK, cumulative_chart, graph, graph_config, house_figure, spread
from dashboard.parts.diagram import Event, feeder_diagram
from network import Network

COUNTY = Path(__file__).parents[2] / "data_samples" / "county"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_chart_can_upload_itself(language: str) -> None:
    config = graph(house_figure(200), "any", language, "label").children[0].config
    assert config == graph_config(language)
    assert config["displayModeBar"] is False
    assert "sendChartToCloud" in config["modeBarButtonsToRemove"]
    assert config["plotlyServerURL"] == ""
    assert config["locale"] == {"zh": "zh-CN", "en": "en"}[language]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=5), st.floats(0.1, 10))
def test_labels_stand_apart_below_the_top(values: list[float], gap: float) -> None:
    placed = spread(values, gap, 100)
    assert max(placed) <= 100
    assert all(after - before >= gap - 1e-9 for before, after in pairwise(sorted(placed)))


def test_the_curve_ends_with_its_value_and_opens_each_day() -> None:
    days = [date(2022, 1, 1) + timedelta(days=number) for number in range(365)]
    hours = [number * 0.01 for number in range(365)]
    figure = cumulative_chart(days, hours, [1.0] * 365, [], (9.0, "9 h"), [], Address.read("/", "?year=2022"))
    line = figure.data[0]
    assert line.x[-1] == 365
    assert line.customdata[31][0] == "?year=2022&rows=ledger&rows.day=2022-02-01"
    assert [note.text for note in figure.layout.annotations] == ["<b>3.64 h</b>", "目标 9 h"]


def test_the_diagram_shows_what_is_fed_again_over_a_tie() -> None:
    net = Network.from_text("=s -[B1]- a -L1- b -(K2)- c -L3- d /(T)/ e -[B2]- =r; T1 @ b; T2 @ d")
    event = Event(dead=["L1"], opened=["B1", "K2"], back=["L3"], closed=["T"])
    figure = feeder_diagram(net.energise(), 2, event, "en")
    again = [trace for trace in figure.data if trace.mode == "lines" and trace.line.color == LINK and trace.x]
    assert len(again) == 3  # the line, the tie and the foot of its transformer
    circles = {trace.marker.line.color: len(trace.x) for trace in figure.data if trace.mode == "markers" and trace.x}
    assert (circles[ABNORMAL], circles[LINK]) == (1, 1)
    squares = next(trace for trace in figure.data if trace.marker.symbol == "square")
    tie = [data[1] for data in squares.customdata].index(" T")
    assert (squares.marker.color[tie], squares.customdata[tie][2]) == ("#1d2730", "closed")


def test_the_diagram_shows_what_is_off_open_and_unknown() -> None:
    net = Network.from_text("=s name=bus -[B1]- a -L1- b -(K2)- c -L3- d; T1 @ b; T2 @ d")
    supply = net.energise()
    figure = feeder_diagram(supply, 2, Event(dead=["L3"], opened=["K2"], suspected=True), "en")
    dashed = [trace for trace in figure.data if trace.mode == "lines" and trace.line.dash == "dash"]
    assert len(dashed[0].x) > 0
    squares = next(trace for trace in figure.data if trace.marker.symbol == "square")
    assert sorted(squares.marker.color) == ["#1d2730", "white"]
    circles = [trace for trace in figure.data if trace.mode == "markers" and trace.marker.symbol is None]
    assert [len(trace.x) for trace in circles if trace.x] == [1, 1]


def test_no_name_of_a_device_stands_on_a_number_of_customers() -> None:
    """On every feeder of the sample county: texts are told apart by a column, or by a third of a row (48 pixels)."""
    supply = fudian.open(COUNTY).network.energise()
    heads = np.unique(supply.head_above[supply.head_above >= 0])
    for head in heads.tolist():
        figure = feeder_diagram(supply, head, Event(), "en")
        numbers = [
            (x, y + (-0.19 if where.startswith("bottom") else 0.19))
            for trace in figure.data
            if trace.mode == "text"
            for x, y, where in zip(trace.x, trace.y, trace.textposition, strict=True)
        ]
        assert numbers, head
        for name in figure.layout.annotations:
            x, y = name.x, name.y + (0.32 if name.yshift > 0 else -0.32)
            assert not [number for number in numbers if abs(number[0] - x) < 0.9 and abs(number[1] - y) < 0.3], (
                head,
                name.text,
            )
