"""From the start of the server to its end reports come in by every way that the settings name; then the desk is closed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, closing
from pathlib import Path

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from fudian.announcing import Announcing
from fudian.auto_dispatch import AutoDispatch, automatic
from fudian.desk import Desk
from fudian.intake_settings import IntakeSettings
from fudian.retention import Retention
from fudian.retention_settings import RetentionSettings
from fudian.sending import TOKEN, sender_of
from network import FudianError, text

BROKER = "FUDIAN_MQTT"
"""Address of the broker with its password, where it shall not stand in a file."""


def taking_in(desk: Desk) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return what runs while a server does: the ways by which reports come in; at its end the desk is closed."""
    rules = IntakeSettings.of(desk.utility.workspace.settings)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as ways:
            ways.callback(desk.close)
            await run_in_threadpool(_open, desk, rules, ways)
            yield
            await run_in_threadpool(ways.close)

    return running


def _open(desk: Desk, rules: IntakeSettings, ways: ExitStack) -> None:
    retention = RetentionSettings.of(desk.utility.workspace.settings)
    if retention.personal_days or retention.signals_days:
        ways.enter_context(closing(Retention(desk)))
    announcing = Announcing(desk)

    def refresh() -> None:
        desk.tell_more()
        announcing.announce_due()

    sender = sender_of(desk.outbox, lambda: desk.utility, os.environ.get(TOKEN), refresh)
    if sender is not None:
        ways.enter_context(closing(sender))
    if automatic(desk.utility):
        ways.enter_context(closing(AutoDispatch(desk)))
    if rules.folder:
        from dashboard.intake.folder import FolderIntake

        place = desk.utility.workspace.folder
        ways.enter_context(closing(FolderIntake(desk, (place or Path()) / rules.folder)))
    address = os.environ.get(BROKER) or rules.mqtt
    if address:
        try:
            from dashboard.intake.mqtt import DEFAULT_TOPICS, MqttIntake, TopicMap
        except ImportError as error:
            raise FudianError(
                text("Reports from a broker need the package paho-mqtt."),
                text("Install it: pip install 'fudian[mqtt]'."),
            ) from error
        topics = [TopicMap(pattern, fixed) for pattern, fixed in rules.topics.items()]
        ways.enter_context(closing(MqttIntake(desk, address, topics or DEFAULT_TOPICS, rules.session)))
