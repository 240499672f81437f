"""Messages go out: an own small loop over the outbox, and the channels that it hands them to.

A message is handed over at least once, each time under the same key; it is marked once the channel has taken it. Between the two
the program may be killed: then the same message is handed over again, and whoever takes it knows the key. The file does so; a
gateway has to keep the keys that it was given for as long as a message is tried (``give_up_h``).
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import polars as pl

from fudian.live import LiveQuestions
from fudian.outbox import Outbox, Outcome, Outgoing
from fudian.store.tables import utc_now
from network import FudianError, text
from network.texts import showing
from repair.desk.message_texts import text_of
from repair.settings import MessageSettings

TOKEN = "FUDIAN_MESSAGES_TOKEN"  # noqa: S105 (the name of a variable)
"""What the gateway knows this sender by: a bearer token in the environment, never in a file."""

NOTICES = "FUDIAN_MESSAGES_NOTICES"
"""The address of the channel for notices, where it holds a secret and shall not stand in a file."""

REFUSED = frozenset({400, 410, 413, 422})
"""Answers of a gateway that will never take this message; after any other it is tried again."""

LOOK_S = 30.0
"""After how many seconds the outbox is looked into, though nothing was heard of it."""

_log = logging.getLogger("fudian")


class NotTakenError(Exception):
    """A channel did not take a message.

    Attributes:
        is_final: whether it never will.
        after_s: after how many seconds it may be tried again; ``None`` where nobody said.
    """

    def __init__(self, reason: str, is_final: bool = False, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.is_final, self.after_s = is_final, after_s


class Channel(Protocol):
    """Takes messages; called by several threads at once."""

    def send(self, letter: Mapping[str, Any]) -> None:
        """Take one message, or none of it.

        Raises:
            NotTakenError: it was not taken, or nobody knows whether it was.
        """

    def close(self) -> None:
        """Take no more."""


class _Stay(HTTPRedirectHandler):
    """A message that is sent elsewhere was not taken."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


class Gateway:
    """A gateway that takes one message as JSON by HTTP POST, with its key in ``Idempotency-Key``.

    It answers 2xx once it has taken the message, and the same for a key that it knows, without telling the customer again.

    Args:
        url: its address.
        timeout_s: within which it answers.
        token: of this sender; ``None`` sends none.

    Raises:
        FudianError: the address is none of HTTP.
    """

    def __init__(self, url: str, timeout_s: float, token: str | None = None) -> None:
        place = urlsplit(url)
        if place.scheme not in {"http", "https"} or not place.hostname or place.username:
            raise FudianError(
                text("This is no address of a gateway for messages."),
                text("Write it as https://host/path; a token stands in {name} of the environment.", name=TOKEN),
            )
        self._url, self._timeout_s = url, timeout_s
        self._headers = {"Content-Type": "application/json; charset=utf-8"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._opener = build_opener(_Stay(), HTTPSHandler(context=ssl.create_default_context()))

    def send(self, letter: Mapping[str, Any]) -> None:
        """Hand over one message; see :class:`Channel`."""
        headers = self._headers | {"Idempotency-Key": letter["key"]}
        self.post(self._url, letter, headers, 1)

    def post(self, url: str, content: Mapping[str, Any], headers: Mapping[str, str], most: int) -> bytes:
        """Post something as JSON, and return so many bytes of the answer at most.

        Raises:
            NotTakenError: the answer was none of 2xx, or none came in time.
        """
        body = json.dumps(content, ensure_ascii=False).encode()
        request = Request(url, body, dict(headers), method="POST")  # noqa: S310 (the scheme was looked at)
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                return bytes(answer.read(most))
        except HTTPError as refusal:
            with refusal:
                wait = refusal.headers.get("Retry-After", "")
                after_s = float(wait) if wait.isdecimal() else None
                raise NotTakenError(f"HTTP {refusal.code}", refusal.code in REFUSED, after_s) from None
        except TimeoutError:
            raise NotTakenError("no answer in time") from None
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            said = getattr(reason, "strerror", None) or type(reason).__name__
            raise NotTakenError("no answer in time" if isinstance(reason, TimeoutError) else said) from None

    def close(self) -> None:
        """Nothing is held."""


class Lines:
    """A file with one message a line, for a trial; it holds each key once.

    Args:
        path: made where it is not there; only its owner reads it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        whole = 0
        with path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    whole += len(line)
                    self._known.add(json.loads(line)["key"])
        os.ftruncate(self._file, whole)  # of a line that a kill cut off nothing was marked as sent

    def send(self, letter: Mapping[str, Any]) -> None:
        """Write one message; see :class:`Channel`."""
        line = json.dumps(letter, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            if letter["key"] in self._known:
                return
            size = os.fstat(self._file).st_size
            try:
                if os.write(self._file, line) != len(line):
                    raise OSError(None, "not all of it could be written")
                os.fsync(self._file)
            except OSError as error:
                with suppress(OSError):
                    os.ftruncate(self._file, size)
                raise NotTakenError(error.strerror or type(error).__name__) from None
            self._known.add(letter["key"])

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class Services:
    """Services that apprise knows: WeCom, DingTalk, Feishu, mail, MQTT and many more.

    None of them knows keys: a message that was handed over and not marked yet, since the program was killed between, comes again.

    Args:
        address: of apprise; ``{id}`` in it is the customer or transformer, ``{phone}`` the telephone number.

    Raises:
        FudianError: apprise is not installed, or does not know the address.
    """

    def __init__(self, address: str) -> None:
        try:
            from apprise import Apprise
        except ImportError as missing:
            raise FudianError(
                text("Messages over services need the package apprise."),
                text("Install it: pip install 'fudian[messages]'."),
            ) from missing
        self._make, self._address = Apprise, address
        if not Apprise().add(self._of({"customer_id": "1", "phone": "1"})):
            raise FudianError(
                text("This is no address of a service for messages."),
                text("The documents of apprise list how each is written, such as dingtalk://token or wecombot://key."),
            )

    def _of(self, to: Mapping[str, str]) -> str:
        named = to.get("customer_id") or to.get("transformer_id", "")
        filled = self._address.replace("{id}", quote(named, safe=""))
        return filled.replace("{phone}", quote(to.get("phone", ""), safe=""))

    def read(self, to: Mapping[str, str]) -> Any:
        """Return the service as apprise reads the address of an addressee.

        Raises:
            NotTakenError: it cannot be read with what is known of the addressee.
        """
        found = self._make.instantiate(self._of(to))
        if found is None:
            raise NotTakenError("no address of the service")
        return found

    def send(self, letter: Mapping[str, Any]) -> None:
        """Hand over one message; see :class:`Channel`."""
        service = self._make()
        service.add(self._of(letter["to"]))
        try:
            is_taken = service.notify(body=letter["text"])
        except Exception as error:  # noqa: BLE001 (a service of somebody else's: whatever it is, nothing was taken)
            raise NotTakenError(type(error).__name__) from None
        if not is_taken:
            raise NotTakenError("not taken by the service")

    def close(self) -> None:
        """Nothing is held."""


ROBOTS = ("wecombot", "dingtalk")
"""Services whose refusal is an answer of 200 that says so, which apprise takes for a yes."""


class Robot:
    """A robot of a group of WeCom or DingTalk, by its address in apprise.

    It takes twenty messages a minute, and refuses the others, and words without its keyword, by ``errcode`` in an answer of 200.

    Args:
        address: of apprise, which reads it.
        timeout_s: within which it answers.

    Raises:
        FudianError: apprise is not installed, or does not know the address.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        self._addresses = Services(address)
        self._post = Gateway("https://localhost", timeout_s).post

    def send(self, letter: Mapping[str, Any]) -> None:
        """Hand over one message; see :class:`Channel`."""
        said: dict[str, Any] = {"msgtype": "text", "text": {"content": letter["text"]}}
        known = self._addresses.read(letter["to"])
        url = getattr(known, "api_url", "")
        if not url:
            url = known.notify_url.format(token=known.token)
            said["at"] = {"atMobiles": known.targets, "isAtAll": False}
            if known.secret:
                timestamp, signature = known.get_signature()
                url += f"&timestamp={timestamp}&sign={signature}"
        answer = self._post(url, said, {"Content-Type": "application/json; charset=utf-8"}, 10_000)
        try:
            told = json.loads(answer)
            code, why = told["errcode"], told.get("errmsg")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NotTakenError("the answer of the robot cannot be read") from None
        if code != 0:
            raise NotTakenError(f"errcode {code}: {why}"[:200])

    def close(self) -> None:
        """Nothing is held."""


class Apart:
    """Two channels: one for customers in person, one for notices to transformers.

    Args:
        in_person, notices: the channels.
    """

    def __init__(self, in_person: Channel, notices: Channel) -> None:
        self._in_person, self._notices = in_person, notices

    def send(self, letter: Mapping[str, Any]) -> None:
        """Hand over one message; see :class:`Channel`."""
        (self._in_person if "customer_id" in letter["to"] else self._notices).send(letter)

    def close(self) -> None:
        """Close both."""
        self._in_person.close()
        self._notices.close()


def channel_of(rules: MessageSettings, folder: Path | None, token: str | None) -> Channel:
    """Return the channel that the settings name, with another one for notices where they name one.

    Args:
        rules: of the workspace.
        folder: of the workspace, from which a file is seen.
        token: for a gateway.

    Raises:
        FudianError: it cannot be used.
    """
    in_person = _channel(rules.to, rules, folder, token)
    notices = os.environ.get(NOTICES) or rules.notices
    if not notices or notices == rules.to:
        return in_person
    try:
        return Apart(in_person, _channel(notices, rules, folder, token))
    except FudianError:
        in_person.close()
        raise


def _channel(to: str, rules: MessageSettings, folder: Path | None, token: str | None) -> Channel:
    """Return one channel by its address, or by the name of its file."""
    scheme, is_address, _ = to.partition("://")
    if is_address:
        if scheme in ROBOTS:
            return Robot(to, rules.timeout_s)
        return Gateway(to, rules.timeout_s, token) if scheme in {"http", "https"} else Services(to)
    path = (folder or Path()) / to
    try:
        return Lines(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FudianError(
            text("Messages cannot be written to {path}: {reason}.", path=path, reason=error),
            text("Name another file, or the address of a gateway."),
        ) from error


class Sender:
    """Sends what waits in an outbox until it is closed.

    Args:
        outbox: the messages; one sender works on it at a time.
        channel: takes them.
        utility: gives the workspace as it is now: names, telephone numbers, and who wants no messages.
        refresh: lets messages wait that are asked for since; called before the outbox is looked into.
    """

    def __init__(
        self,
        outbox: Outbox,
        channel: Channel,
        utility: Callable[[], LiveQuestions],
        refresh: Callable[[], object] = lambda: None,
    ) -> None:
        self.outbox, self.channel, self._utility, self._refresh = outbox, channel, utility, refresh
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="messages", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait for what is under way, and send no more; the rest waits in the outbox."""
        self._closing.set()
        self.outbox.woken.set()
        self._thread.join()
        self.channel.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            self.outbox.woken.clear()
            try:
                self._refresh()
                count = send_due(self.outbox, self.channel, self._utility(), utc_now())
                wait = 0.0 if count else self._until_next()
            except Exception:  # noqa: BLE001 (the loop outlives whatever it meets; nothing is marked, so it is tried again)
                _log.exception("Messages could not be sent; they are tried again")
                wait = LOOK_S / 10
            if wait:
                self.outbox.woken.wait(wait)

    def _until_next(self) -> float:
        due = self.outbox.next_due()
        return LOOK_S if due is None else min(max((due - utc_now()).total_seconds(), 0.01), LOOK_S)


def sender_of(
    outbox: Outbox,
    utility: Callable[[], LiveQuestions],
    token: str | None,
    refresh: Callable[[], object] = lambda: None,
) -> Sender | None:
    """Return what sends over the channel of the settings; ``None`` where they name none.

    Args:
        outbox: the messages.
        utility: gives the workspace as it is now.
        token: for a gateway.
        refresh: see :class:`Sender`.

    Raises:
        FudianError: the channel cannot be used.
    """
    workspace = utility().workspace
    rules = MessageSettings.of(workspace.settings)
    return Sender(outbox, channel_of(rules, workspace.folder, token), utility, refresh) if rules.to else None


def send_due(outbox: Outbox, channel: Channel, utility: LiveQuestions, now: datetime) -> int:
    """Try some of the messages that are due, and mark what came of each; return how many there were."""
    rules = MessageSettings.of(utility.workspace.settings)
    due = outbox.due(now, rules.at_once)
    if due:
        contacts = _contacts(utility.network.customers, due)
        by_the_wall = partial(showing.set, utility.workspace.reading.written)
        with ThreadPoolExecutor(rules.at_once, "message", initializer=by_the_wall) as several:
            outcomes = list(several.map(lambda each: _tried(each, channel, contacts, rules, now), due))
        outbox.mark(outcomes)
        for each, came in zip(due, outcomes, strict=True):
            if came.error:
                _log.warning("Message %s (%s) is %s: %s", each.number, each.message.kind, came.state, came.error)
    return len(due)


def _contacts(customers: pl.DataFrame, due: list[Outgoing]) -> dict[str, dict[str, Any]]:
    """Return the rows of the customers that may be told in person, by id."""
    wanted = [each.message.to.id for each in due if each.message.to.kind == "customer"]
    may = pl.col("verified") & ~pl.col("opted_out") & (pl.col("phone").str.strip_chars() != "")
    rows = customers.filter(pl.col("customer_id").is_in(wanted) & may).select("customer_id", "name", "phone")
    return {row["customer_id"]: row for row in rows.to_dicts()}


def _tried(
    each: Outgoing, channel: Channel, contacts: Mapping[str, Mapping[str, Any]], rules: MessageSettings, now: datetime
) -> Outcome:
    """Hand one message to the channel, and return what came of it."""
    to = each.message.to
    contact = contacts.get(to.id) if to.kind == "customer" else {}
    if contact is None:
        return Outcome(each.number, "withdrawn", now, each.due_at, "no contact any more", tried=False)
    last = each.queued_at + timedelta(hours=rules.give_up_h)
    if now >= last:
        return Outcome(each.number, "failed", now, each.due_at, each.error or "too old", tried=False)
    try:
        channel.send(letter_of(each, contact, rules))
    except NotTakenError as refusal:
        wait = min(rules.first_wait_s * 2.0 ** min(each.attempts, 30), rules.longest_wait_s)
        again = now + timedelta(seconds=max(wait, min(refusal.after_s or 0.0, rules.longest_wait_s)))
        state = "failed" if refusal.is_final else "waiting"
        return Outcome(each.number, state, now, again, str(refusal))
    return Outcome(each.number, "sent", utc_now(), each.due_at)


def letter_of(each: Outgoing, contact: Mapping[str, Any], rules: MessageSettings) -> dict[str, Any]:
    """Return a message as a channel takes it.

    Args:
        each: the message.
        contact: ``name`` and ``phone`` of a customer; blank for a notice.
        rules: of the workspace.

    Returns:
        ``key``, ``kind``, ``about`` (the incident or plan), ``to`` (``customer_id`` and ``phone``, or ``transformer_id``),
        ``language`` and ``text``.
    """
    message, to = each.message, each.message.to
    whom = (
        {"customer_id": to.id, "phone": contact["phone"].strip()}
        if to.kind == "customer"
        else {"transformer_id": to.id}
    )
    return {
        "key": message.key,
        "kind": message.kind,
        "about": message.subject,
        "to": whom,
        "language": rules.language,
        "text": text_of(message, contact.get("name"), rules),
    }
