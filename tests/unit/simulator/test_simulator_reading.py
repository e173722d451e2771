"""Reading mail on the simulator where no real server is asked: clear text, restarts, masters, and odd messages."""

from __future__ import annotations

import imaplib
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pysasl.creds.external import ExternalVerificationRequired
from pysasl.exception import InvalidResponse
from pysasl.mechanism import ChallengeResponse
from tests.simulator.fixture import CONFIG_0_15, Simulator, free_port
from tests.simulator.imap_login import OAuthBearerMechanism
from tests.simulator.jmap_email import Email
from tests.simulator.mailstore import Message

PASSWORD = "Zeta-Pass-7731-xx"
RAW = b"From: anna@sender.test\r\nSubject: hi\r\n\r\nhi\r\n"


def _insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _client(server: Simulator) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL("127.0.0.1", server.imap_port, ssl_context=_insecure(), timeout=10)


def _alice(server: Simulator) -> None:
    domain = server.call(("x:Domain/set", {"create": {"d": {"name": "acme.test"}}}))[0]["created"]["d"]["id"]
    alice: dict[str, Any] = {"@type": "User", "name": "alice", "domainId": domain}
    alice["credentials"] = {"0": {"@type": "Password", "secret": PASSWORD}}
    assert "created" in server.call(("x:Account/set", {"create": {"a": alice}}))[0]


def test_mail_survives_a_killed_server(simulator: Simulator) -> None:
    _alice(simulator)
    with _client(simulator) as client:
        client.login("alice@acme.test", PASSWORD)
        client.append("INBOX", r"(\Flagged)", "", RAW)
        validity = client.status("INBOX", "(UIDVALIDITY UIDNEXT)")
    simulator.kill()
    simulator.start()
    with _client(simulator) as client:
        client.login("alice@acme.test", PASSWORD)
        assert client.status("INBOX", "(UIDVALIDITY UIDNEXT)") == validity
        client.select()
        assert client.fetch("1", "(FLAGS BODY.PEEK[])")[1][0][1] == RAW


def test_the_recovery_administrator_reads_for_somebody_else(simulator: Simulator) -> None:
    _alice(simulator)
    with _client(simulator) as client:
        client.login(f'"alice@acme.test%{simulator.username}"', simulator.password)
        assert client.append("INBOX", "", "", RAW)[0] == "OK"


def test_idle_tells_of_new_mail(simulator: Simulator) -> None:
    _alice(simulator)
    with _client(simulator) as idle, _client(simulator) as other:
        for client in (idle, other):
            client.login("alice@acme.test", PASSWORD)
        idle.select()
        idle.send(b"i IDLE\r\n")
        assert idle.readline().startswith(b"+")
        other.append("INBOX", "", "", RAW)
        assert idle.readline() == b"* 1 EXISTS\r\n"
        idle.send(b"DONE\r\n")
        while not idle.readline().startswith(b"i OK"):
            pass


def test_clear_text(tmp_path: Path) -> None:
    """LOGIN is refused before STARTTLS; mechanisms are not, as on the real servers."""
    http, imap = free_port(), free_port()
    ports = f"http={http} imap={imap} imaps=- smtp=- submission=- submissions=-"
    toml = CONFIG_0_15.replace('lookup = "db"', 'lookup = "db"\ndirectory = "internal"')
    server = Simulator(tmp_path, {"SIMULATOR_PORTS": ports}, http_port=http, generation="0.15", toml=toml).start()
    try:
        server.request(
            "POST",
            "/api/principal/deploy",
            {"type": "individual", "name": "bob", "secrets": [PASSWORD], "roles": ["user"]},
        )
        with imaplib.IMAP4("127.0.0.1", imap, timeout=10) as client:
            with pytest.raises(imaplib.IMAP4.error, match="LOGIN is disabled on the clear-text port"):
                client.login("bob", PASSWORD)
            client.starttls(_insecure())
            assert "STARTTLS" not in client.capabilities
            client.login("bob", PASSWORD)
        with imaplib.IMAP4("127.0.0.1", imap, timeout=10) as client:
            client.authenticate("PLAIN", lambda _: f"\0bob\0{PASSWORD}".encode())
            assert client.select() == ("OK", [b"0"])
    finally:
        server.stop()


@pytest.mark.parametrize(
    "message",
    [
        b"n,a=alice@acme.test,\x01host=mail\x01port=993\x01auth=Bearer abc.def\x01\x01",
        b"n,,\x01auth=bearer abc.def\x01\x01",
    ],
)
def test_oauthbearer(message: bytes) -> None:
    credentials, _ = OAuthBearerMechanism().server_attempt([ChallengeResponse(b"", message)])
    with pytest.raises(ExternalVerificationRequired) as raised:
        credentials.verify(None)
    assert raised.value.token == "abc.def"


def test_oauthbearer_wants_a_token() -> None:
    with pytest.raises(InvalidResponse):
        OAuthBearerMechanism().server_attempt([ChallengeResponse(b"", b"n,,\x01host=mail\x01\x01")])


# -- messages of Email/get ---------------------------------------------------------------------------------------


def _shown(raw: bytes, *properties: str, **arguments: Any) -> dict[str, Any]:
    mail = Email("a", "b", Message(1, raw, 0.0, frozenset({r"\Seen", "$Forwarded"}), 7), lambda part: f"blob-{part}")
    return mail.render(properties, arguments)


def test_an_alternative_has_two_bodies() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Grüße"
    mail.set_content("plain\n")
    mail.add_alternative("<p>html</p>\n", subtype="html")
    shown = _shown(
        mail.as_bytes(), "subject", "textBody", "htmlBody", "bodyValues", "bodyStructure", fetchAllBodyValues=True
    )
    assert shown["subject"] == "Grüße"
    assert [part["partId"] for part in (*shown["textBody"], *shown["htmlBody"])] == ["1", "2"]
    assert {key: value["value"] for key, value in shown["bodyValues"].items()} == {"1": "plain\n", "2": "<p>html</p>\n"}
    structure = shown["bodyStructure"]
    assert (structure["type"], "partId" in structure) == ("multipart/alternative", False)
    assert [part["type"] for part in structure["subParts"]] == ["text/plain", "text/html"]


def test_headers_in_every_form() -> None:
    raw = (
        b"Received: one\r\nReceived: two\r\nTo: Team: a@x.test, B <b@x.test>;\r\nReferences: <1@x> <2@x>\r\n"
        b"Date: Fri, 02 Jan 2026 04:04:05 +0100\r\nSubject:  two  blanks\r\nList-Help: <https://x.test/>\r\n\r\n"
    )
    assert _shown(raw, "header:received", "header:Received:all", "references", "sentAt", "to", "header:Subject") == {
        "header:received": " two",
        "header:Received:all": [" one", " two"],
        "references": ["1@x", "2@x"],
        "sentAt": "2026-01-02T04:04:05+01:00",
        "to": [{"name": None, "email": "a@x.test"}, {"name": "B", "email": "b@x.test"}],
        "header:Subject": "  two  blanks",
    }
    assert _shown(raw, "header:To:asGroupedAddresses")["header:To:asGroupedAddresses"][0]["name"] == "Team"
    assert _shown(raw, "header:List-Help:asURLs", "cc") == {"header:List-Help:asURLs": ["https://x.test/"], "cc": None}


def test_odd_messages_are_shown_all_the_same() -> None:
    raw = b"Subject: =?nope?q?x?=\r\nContent-Type: text/plain; charset=nope\r\n\r\n\xff\xfe caf\xc3\xa9\r\n"
    shown = _shown(raw, "keywords", "bodyValues", "preview", fetchTextBodyValues=True, maxBodyValueBytes=8)
    (value,) = shown["bodyValues"].values()
    assert (value["isEncodingProblem"], value["isTruncated"]) == (True, True)
    assert "café" in shown["preview"]
    assert shown["keywords"] == {"$forwarded": True, "$seen": True}
    assert _shown(b"", "subject", "textBody", "size")["size"] == 0
