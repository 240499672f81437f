"""Reports from an MQTT broker: acknowledged to it only once they are kept.

The session outlasts a stop, so that the broker keeps what comes meanwhile; of what it delivers again, each report counts once.
The broker is asked to send no more than :data:`IN_FLIGHT` messages before the first is acknowledged; of what it had kept for a
session that comes back it may send more, which waits at the line, so that nothing piles up here.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from fudian.desk import RETRY_S, Desk
from network import FudianError, text

IN_FLIGHT = 2_000
"""Messages that the broker sends before the first of them is acknowledged."""

GATHERED_S = 0.05
"""Messages that come within so long are kept together, each batch being a transaction and a table of its own."""

SESSION_S = 7 * 24 * 3600
"""For how long the broker keeps what comes while the desk is stopped."""

SUBSCRIBED_WITHIN_S = 20.0
"""From then on the broker keeps what comes, whether the desk runs or not."""

_PLACE = re.compile(r"\{(\w+)\}")
_log = logging.getLogger("fudian")


@dataclass(frozen=True)
class TopicMap:
    """What the levels of a topic say of a report.

    Attributes:
        pattern: ``grid/{unit}/terminals/{object_id}/{kind}``: a name in braces is a column, any other level stands as it is.
        fixed: columns that all its reports have, such as ``object``.
    """

    pattern: str
    fixed: Mapping[str, Any]

    @property
    def subscription(self) -> str:
        """The topic filter of it."""
        return _PLACE.sub("+", self.pattern)

    @cached_property
    def _shape(self) -> re.Pattern[str]:
        parts = _PLACE.split(self.pattern)
        shape = "".join(
            re.escape(part) if place % 2 == 0 else f"(?P<{part}>[^/]+)" for place, part in enumerate(parts)
        ).replace(re.escape("#"), ".*").replace(re.escape("+"), "[^/]+")  # fmt: skip
        return re.compile(shape)

    def columns_of(self, topic: str) -> dict[str, Any] | None:
        """Return what a topic says; ``None`` where it is another one."""
        found = self._shape.fullmatch(topic)
        return None if found is None else {**self.fixed, **found.groupdict()}


DEFAULT_TOPICS = (TopicMap("fudian/signals", {}), TopicMap("fudian/signals/{object}/{object_id}/{kind}", {}))


def _share_tables() -> None:
    """Have the properties of all messages share what each makes anew: half of the time of the thread that reads the line."""
    tables = vars(Properties(PacketTypes.PUBLISH))  # type: ignore[no-untyped-call]
    for name in tables.keys() - {"packetType"}:
        setattr(Properties, name, tables[name])

    def begin(self: Properties, packetType: int) -> None:  # noqa: N803 (the library's own word)
        object.__setattr__(self, "packetType", packetType)

    Properties.__init__ = begin  # type: ignore[method-assign]


_share_tables()


class MqttIntake:
    """Takes reports from a broker into a desk until it is closed.

    Args:
        desk: keeps them.
        url: ``mqtt://user:password@host:1883``, or ``mqtts://`` for an encrypted line.
        topics: which, and what they say.
        name: of the session at the broker; two desks never share one.

    Raises:
        FudianError: the address is none, the broker cannot be reached, or it takes no subscription.
    """

    def __init__(
        self, desk: Desk, url: str, topics: Iterable[TopicMap] = DEFAULT_TOPICS, name: str = "fudian-desk"
    ) -> None:
        self.desk = desk
        self.topics = tuple(topics)
        self._arrived: queue.Queue[tuple[int, MQTTMessage] | None] = queue.Queue(IN_FLIGHT)
        self._line = 0
        self._closing = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5, manual_ack=True, reconnect_on_failure=True
        )
        self._subscribed = threading.Event()
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._arrives
        self._client.reconnect_delay_set(1, 30)
        self._connect(url)
        self._worker = threading.Thread(target=self._work, name="intake-mqtt", daemon=True)
        self._worker.start()
        self._client.loop_start()
        if not self._subscribed.wait(SUBSCRIBED_WITHIN_S):
            self.close()
            raise FudianError(
                text("The broker takes no subscription."),
                text("Look into its log: user, password, and rights to the topics."),
            )

    def _connect(self, url: str) -> None:
        place = urlsplit(url)
        if place.scheme not in {"mqtt", "mqtts"} or not place.hostname:
            raise FudianError(
                text("This is no address of an MQTT broker."), text("Write it as mqtt://user:password@host:1883.")
            )
        if place.username:
            self._client.username_pw_set(unquote(place.username), unquote(place.password or ""))
        if place.scheme == "mqtts":
            self._client.tls_set()
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = SESSION_S
        session.ReceiveMaximum = IN_FLIGHT
        port = place.port or (8883 if place.scheme == "mqtts" else 1883)
        try:
            self._client.connect(place.hostname, port, keepalive=30, clean_start=False, properties=session)
        except OSError as error:
            raise FudianError(
                text(
                    "The broker {host} cannot be reached: {reason}.",
                    host=place.hostname,
                    reason=error.strerror or error,
                ),
                text("Start it, or name another."),
            ) from error

    def close(self) -> None:
        """Keep and acknowledge what arrived, and leave the broker; it keeps what comes from now on."""
        self._closing.set()
        self._arrived.put(None)
        self._worker.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(
        self, client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.warning("The broker refuses: %s", reason)
            return
        del flags
        self._line += 1  # what came over an earlier line is not acknowledged on this one: the broker sends it again
        client.subscribe([(topic.subscription, SubscribeOptions(qos=1)) for topic in self.topics])

    def _arrives(self, _: Client, __: Any, message: MQTTMessage) -> None:
        """Take a message once there is room: a broker that sends more than it was told waits at its line meanwhile."""
        while not self._closing.is_set():  # what comes later is not acknowledged: the broker keeps it
            with suppress(queue.Full):
                self._arrived.put((self._line, message), timeout=RETRY_S)
                return

    def _work(self) -> None:
        while True:
            first = self._arrived.get()
            if first is None:
                return
            if self._arrived.qsize() < IN_FLIGHT // 2:
                self._closing.wait(GATHERED_S)
            messages = [first]
            is_last = False
            while len(messages) < IN_FLIGHT and not self._arrived.empty():
                message = self._arrived.get()
                if message is None:
                    is_last = True
                    break
                messages.append(message)
            self._keep(messages)
            if is_last:
                return

    def _keep(self, messages: list[tuple[int, MQTTMessage]]) -> None:
        """Keep the reports of some messages, however often that is tried, and acknowledge them."""
        rows = [row for _, message in messages for row in self.rows_of(message.topic, message.payload)]
        while True:
            try:
                self.desk.accept(rows, "mqtt")
                break
            except (FudianError, TimeoutError) as later:
                _log.warning("Reports from the broker wait: %s", later)
                if self._closing.wait(RETRY_S):
                    return  # not acknowledged: the broker sends them again
        for line, message in messages:
            if line == self._line:
                self._client.ack(message.mid, message.qos)

    def rows_of(self, topic: str, payload: bytes | bytearray) -> list[dict[str, Any]]:
        """Return the reports of one message; what cannot be read is one row that says so, and ends on the list of problems."""
        said = next((found for each in self.topics if (found := each.columns_of(topic)) is not None), {})
        try:
            read = orjson.loads(payload) if payload.strip() else {}
        except ValueError:
            read = None
        rows = read if isinstance(read, list) else [read]
        unread = {"time": bytes(payload[:80]).decode(errors="replace")}
        return [said | (row if isinstance(row, dict) else unread) for row in rows]
