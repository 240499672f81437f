"""What services receive: WeCom, DingTalk and Feishu over TLS, mail over SMTP, MQTT over a broker, each asked what arrived."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from fudian.sending import Channel, NotTakenError, Sender, Services, channel_of
from fudian.store import store_of
from fudian.store.database import IN_MEMORY
from repair.settings import MessageSettings
from tests.fudian.test_messages import INCIDENT, folder_of, opened, stage, until
from tests.mosquitto import broker

TEXT = "【供电公司】T1停电抢修进展：故障定位（12:10）。"
LETTER = {"key": "k", "to": {"customer_id": "C1", "phone": "13900001234"}, "text": TEXT}
HOSTS = ("qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn")


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for the hosts of the services, which vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (folder / "stand-in.pem").write_bytes(made.public_bytes(form))
    plain = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "stand-in.key").write_bytes(plain)
    return folder / "stand-in.pem", folder / "stand-in.key"


class Heard:
    """What the stand-in of three services heard: host, path and body of each request; and what it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.status = 200
        self.answer: dict[str, Any] = {"errcode": 0, "errmsg": "ok", "code": 0, "StatusCode": 0}


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """A proxy at which every way to the services ends: it is them, by its certificate."""
    heard, (chain, key) = Heard(), certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            host = self.path.partition(":")[0]
            self.send_response(200, "Connection established")
            self.end_headers()
            with context.wrap_socket(self.connection, server_side=True) as secure:
                self._serve(host, secure)
            self.close_connection = True

        def _serve(self, host: str, secure: ssl.SSLSocket) -> None:
            read = secure.makefile("rb")
            path = read.readline().split()[1].decode()
            headers = {}
            while (line := read.readline()) not in {b"\r\n", b""}:
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            body = read.read(int(headers.get("content-length", 0)))
            heard.requests.append((host, path, json.loads(body)))
            told = json.dumps(heard.answer).encode()
            head = f"HTTP/1.1 {heard.status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(told)}\r\n"
            secure.sendall(head.encode() + b"Connection: close\r\n\r\n" + told)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(chain))
    yield heard
    server.shutdown()
    server.server_close()


WECOM = "wecombot://11111111-2222-3333-4444-555555555555"
DINGTALK = "dingtalk://1234567890abcdef1234567890abcdef"
FEISHU = "feishu://11111111-2222-3333-4444-555555555555"
AT_NOBODY = {"at": {"atMobiles": [], "isAtAll": False}}


def channel(address: str, folder: Path) -> Channel:
    return channel_of(MessageSettings(to=address), folder, None)


@pytest.mark.parametrize(
    ("address", "host", "path", "body"),
    [
        (WECOM, HOSTS[0], "/cgi-bin/webhook/send?key=11111111-2222-3333-4444-555555555555",
         {"msgtype": "text", "text": {"content": TEXT}}),
        (DINGTALK, HOSTS[1], "/robot/send?access_token=1234567890abcdef1234567890abcdef",
         {"msgtype": "text", "text": {"content": TEXT}} | AT_NOBODY),
        (FEISHU, HOSTS[2], "/open-apis/bot/v2/hook/11111111-2222-3333-4444-555555555555/",
         {"msg_type": "text", "content": {"text": TEXT}}),
    ],
)  # fmt: skip
def test_a_robot_of_a_group_gets_the_words_in_its_form_and_its_refusal_is_told(
    services: Heard, tmp_path: Path, address: str, host: str, path: str, body: dict[str, Any]
) -> None:
    robot = channel(address, tmp_path)
    robot.send(LETTER)
    assert services.requests == [(host, path, body)]
    services.answer = {"errcode": 45009, "errmsg": "api freq out of limit", "code": 9499, "msg": "Bad Request"}
    with pytest.raises(NotTakenError) as refusal:
        robot.send(LETTER)
    assert not refusal.value.is_final, "an answer of 200 that says no"
    services.status = 500
    with pytest.raises(NotTakenError):
        robot.send(LETTER)
    if address != FEISHU:
        services.status, services.answer = 200, {}
        with pytest.raises(NotTakenError):
            robot.send(LETTER)


def test_a_robot_with_a_secret_gets_a_signature_that_holds(services: Heard, tmp_path: Path) -> None:
    """As its maker describes it: HMAC-SHA256 of time and secret under the secret, in base64."""
    secret = "SEC0123456789abcdef"  # noqa: S105
    channel(DINGTALK.replace("//", f"//{secret}@"), tmp_path).send(LETTER)
    ((_, path, _),) = services.requests
    asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    made = hmac.new(secret.encode(), f"{asked['timestamp']}\n{secret}".encode(), hashlib.sha256).digest()
    assert asked["sign"] == base64.b64encode(made).decode()


class Post(socketserver.StreamRequestHandler):
    """A server of mail, as far as one letter needs it."""

    def handle(self) -> None:
        box: list[tuple[list[str], bytes]] = self.server.box  # type: ignore[attr-defined]
        refuses: bool = self.server.refuses  # type: ignore[attr-defined]
        said, whom = self.wfile.write, []
        said(b"220 post\r\n")
        while line := self.rfile.readline():
            word = line.split(None, 1)[0].upper() if line.strip() else b""
            if word == b"RCPT":
                whom.append(line.decode().partition(":")[2].strip().split(">")[0].lstrip("<"))
                said(b"550 nobody\r\n" if refuses else b"250 ok\r\n")
            elif word == b"DATA":
                said(b"354 go on\r\n")
                letter = BytesIO()
                while (line := self.rfile.readline()) != b".\r\n":
                    letter.write(line.removeprefix(b".") if line.startswith(b"..") else line)
                box.append((whom, letter.getvalue()))
                said(b"250 taken\r\n")
            elif word == b"QUIT":
                said(b"221 bye\r\n")
                return
            else:
                said(b"250 ok\r\n")


@contextmanager
def post() -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Post) as server:
        server.daemon_threads = True
        server.box, server.refuses = [], False  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_mail_reaches_the_box_and_a_refusal_is_told() -> None:
    with post() as server:
        port = server.server_address[1]
        box = Services(f"mailto://127.0.0.1:{port}?from=desk@grid.example&to={{id}}@grid.example&mode=insecure")
        box.send(LETTER)
        ((whom, letter),) = server.box
        assert whom == ["C1@grid.example"]
        read = message_from_bytes(letter, policy=policy.default)
        body = read.get_body(("html", "plain"))
        assert body is not None
        assert TEXT in body.get_content()
        server.refuses = True
        with pytest.raises(NotTakenError):
            box.send(LETTER)


def test_mqtt_reaches_whoever_listens_to_the_topic_of_the_addressee(tmp_path: Path) -> None:
    with broker(tmp_path) as served:
        got: list[tuple[str, str]] = []
        listening = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_message = lambda *said: got.append((said[2].topic, said[2].payload.decode()))
        client.on_subscribe = lambda *_: listening.set()
        client.connect("127.0.0.1", served.port)
        client.subscribe("areas/#", qos=1)
        client.loop_start()
        assert listening.wait(20)
        topic = Services(f"mqtt://127.0.0.1:{served.port}/areas/{{id}}?qos=1")
        topic.send(LETTER)
        until(lambda: bool(got))
        assert got == [("areas/C1", TEXT)]
        client.loop_stop()
        client.disconnect()
        served.stop()
        with pytest.raises(NotTakenError):
            topic.send(LETTER)


def test_what_a_robot_refuses_waits_until_it_takes_it(services: Heard, tmp_path: Path) -> None:
    """From the stage on the sheet to the group: more than twenty a minute are refused by an answer of 200, and none is lost."""
    folder = folder_of(tmp_path / "w", DINGTALK)
    store = store_of(IN_MEMORY)
    services.answer = {"errcode": 130101, "errmsg": "send too fast"}
    with opened(folder, store) as desk:
        sender = Sender(desk.outbox, channel(DINGTALK, folder), lambda: desk.utility)
        stage(desk, "dispatched", 12)
        until(lambda: all(each.attempts >= 2 for each in desk.outbox.of(INCIDENT)))
        assert {each.state for each in desk.outbox.of(INCIDENT)} == {"waiting"}
        assert "send too fast" in str(desk.outbox.of(INCIDENT)[0].error)
        services.answer = {"errcode": 0}
        until(lambda: desk.outbox.counts()["sent"] == 5)
        sender.close()
    store.close()
