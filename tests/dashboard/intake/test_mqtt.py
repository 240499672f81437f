"""Reports from a real broker: acknowledged once they are kept, whatever is killed or stopped meanwhile."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from dashboard.intake.mqtt import DEFAULT_TOPICS, IN_FLIGHT, MqttIntake, TopicMap
from fudian.desk import Desk
from fudian.ledger import Ledger
from fudian.store import store_of
from network import FudianError
from tests.fudian.test_desk import TRIP, report, utility
from tests.mosquitto import Broker, broker


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as found:
        yield found


class Sender:
    """Publishes with QoS 1."""

    def __init__(self, port: int) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def send(self, topic: str, payload: Any) -> None:
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.client.publish(topic, text, qos=1).wait_for_publish(30)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def until(count: int, url: str, seconds: float = 60) -> list[str]:
    """Wait until so many events stand in a ledger, and return their ids."""
    deadline = time.monotonic() + seconds
    store = store_of(url)
    while True:
        found = [each.event_id for each in Ledger(store).since()]
        if len(found) >= count or time.monotonic() > deadline:
            store.close()
            return found
        time.sleep(0.1)


def test_topics_and_payloads_say_what_is_reported(mosquitto: Broker, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    store = store_of(url)
    topics = (*DEFAULT_TOPICS, TopicMap("grid/{unit}/terminals/{object_id}/{kind}", {"object": "transformer"}))
    with Desk(utility(), store) as desk:
        intake = MqttIntake(desk, mosquitto.url, topics)
        sender = Sender(mosquitto.port)
        sender.send("fudian/signals", TRIP[:2])
        sender.send("grid/west/terminals/T2/off", {"time": TRIP[2]["time"], "event_id": "3"})
        sender.send("fudian/signals/transformer/T3/off", {"time": TRIP[3]["time"]})
        sender.send("fudian/signals", b"\xff not json")
        sender.send("fudian/signals", TRIP[4])
        assert len(until(5, url)) == 5
        desk.wait()
        assert [(outage.object_id, outage.dark) for outage in desk.utility.told().outages] == [("K1", 5)]
        assert desk.counts["malformed"] >= 1
        sender.close()
        intake.close()
    store.close()


def test_the_broker_keeps_what_comes_while_the_desk_is_stopped(mosquitto: Broker, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    store = store_of(url)
    with Desk(utility(), store) as desk:
        MqttIntake(desk, mosquitto.url).close()
    sender = Sender(mosquitto.port)
    for row in TRIP:
        sender.send("fudian/signals", row)
    sender.close()
    mosquitto.stop()
    mosquitto.start()
    with Desk(utility(), store) as desk:
        intake = MqttIntake(desk, mosquitto.url)
        assert sorted(until(6, url)) == sorted(f"mqtt:{row['event_id']}" for row in TRIP)
        intake.close()
    store.close()


def test_more_than_the_desk_takes_waits_at_the_broker(mosquitto: Broker, tmp_path: Path) -> None:
    """While nothing is judged, no more than so many messages are under way; in the end each is kept once."""
    url, many = f"sqlite:///{tmp_path / 's.sqlite'}", IN_FLIGHT + 500
    store = store_of(url)
    with Desk(utility(), store, most_waiting=20) as desk:
        intake = MqttIntake(desk, mosquitto.url)
        sender = Sender(mosquitto.port)
        with desk.utility._hearing:  # the judge is held up
            desk.accept([report("T1", "off", each, f"first{each}") for each in range(20)], "head end")
            for each in range(many):
                sender.send("fudian/signals", report("T2", "off", each / 100, str(each)))
            time.sleep(1)
            assert 0 < intake._arrived.qsize() <= IN_FLIGHT
            assert len(until(20, url)) == 20
        names = until(20 + many, url)
        assert sorted(names) == sorted(
            [f"head end:first{each}" for each in range(20)] + [f"mqtt:{each}" for each in range(many)]
        )
        sender.close()
        intake.close()
    store.close()


def test_what_a_broker_sends_beyond_what_it_was_asked_for_waits_at_the_line(mosquitto: Broker, tmp_path: Path) -> None:
    """Of what it kept for a session that comes back a broker may send all at once; a stop meanwhile ends, and nothing is lost."""
    url, many = f"sqlite:///{tmp_path / 's.sqlite'}", 5 * IN_FLIGHT
    store = store_of(url)
    with Desk(utility(), store, most_waiting=2 * IN_FLIGHT) as desk:
        MqttIntake(desk, mosquitto.url).close()
        sender = Sender(mosquitto.port)
        sent = [
            sender.client.publish("fudian/signals", json.dumps(report("T2", "off", each / 100, str(each))), qos=1)
            for each in range(many)
        ]
        for each in sent:
            each.wait_for_publish(60)
        sender.close()
        with desk.utility._hearing:  # the judge is held up: some are kept and acknowledged, and then no more
            intake = MqttIntake(desk, mosquitto.url)
            time.sleep(5)
            assert 0 < desk.counts["accepted"] < many
            assert 0 < intake._arrived.qsize() <= IN_FLIGHT
            intake.close()
        intake = MqttIntake(desk, mosquitto.url)
        assert sorted(until(many, url)) == sorted(f"mqtt:{each}" for each in range(many))
        intake.close()
    store.close()


def test_a_broker_that_comes_back_goes_on(mosquitto: Broker, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    store = store_of(url)
    with Desk(utility(), store) as desk:
        intake = MqttIntake(desk, mosquitto.url)
        mosquitto.stop()
        mosquitto.start()
        sender = Sender(mosquitto.port)
        for row in TRIP:
            sender.send("fudian/signals", row)
        assert len(until(6, url)) == 6
        sender.close()
        intake.close()
    store.close()


@pytest.mark.parametrize("url", ["127.0.0.1:1883", "http://127.0.0.1", "mqtt://127.0.0.1:1"])
def test_a_broker_that_is_not_there_is_said(url: str) -> None:
    store = store_of("sqlite://")
    with Desk(utility(), store) as desk, pytest.raises(FudianError):
        MqttIntake(desk, url)
    store.close()


def test_a_topic_is_read_by_its_map() -> None:
    found = TopicMap("grid/{unit}/terminals/{object_id}/{kind}", {"object": "transformer"})
    assert found.subscription == "grid/+/terminals/+/+"
    assert found.columns_of("grid/west/terminals/T1/off") == {
        "unit": "west", "object_id": "T1", "kind": "off", "object": "transformer",
    }  # fmt: skip
    assert found.columns_of("grid/west/terminals/T1/off/more") is None
    assert found.columns_of("grids/west/terminals/T1/off") is None


DESK = """
import sys, time
from dashboard.intake.mqtt import MqttIntake
from fudian.desk import Desk
from fudian.store import store_of
from tests.fudian.test_desk import utility

intake = MqttIntake(Desk(utility(), store_of(sys.argv[1])), sys.argv[2])
print("ready", flush=True)
time.sleep(3600)
"""


def test_what_messages_say_beside_their_payload_is_each_one_s_own() -> None:
    """The tables of properties are shared, what they say is not."""
    said = []
    for number in (1, 2):
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = ("part", str(number))
        properties.MessageExpiryInterval = number
        said.append(properties)
    blank = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    assert blank.isEmpty()  # type: ignore[no-untyped-call]
    for number, properties in enumerate(said, 1):
        read, _ = Properties(PacketTypes.PUBLISH).unpack(properties.pack())  # type: ignore[no-untyped-call]
        assert read.json() == {"MessageExpiryInterval": number, "UserProperty": [("part", str(number))]}
        assert read.names is blank.names
    with pytest.raises(Exception, match="does not apply to packet type"):
        blank.ReceiveMaximum = 3


def test_a_desk_that_is_killed_loses_nothing_of_the_broker(mosquitto: Broker, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    chance = random.Random(11)
    rows = [report(f"T{1 + i % 5}", "off" if (i // 5) % 2 == 0 else "on", 12 * (i // 5), str(i)) for i in range(300)]
    sender = Sender(mosquitto.port)
    sent = threading.Event()

    def send() -> None:
        for row in rows:
            sender.client.publish("fudian/signals", json.dumps(row), qos=1).wait_for_publish(60)
            time.sleep(0.002)
        sent.set()

    thread = threading.Thread(target=send)
    for attempt in range(4):
        process = subprocess.Popen([sys.executable, "-c", DESK, url, mosquitto.url], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if attempt == 0:
            thread.start()
        if attempt < 3:
            time.sleep(chance.uniform(0.02, 0.4))
        else:
            until(len(rows), url)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    thread.join()
    sender.close()
    assert sent.is_set()
    assert sorted(until(len(rows), url)) == sorted(f"mqtt:{row['event_id']}" for row in rows)
