"""Listeners are stored objects, opened when the process starts (contract 1.6, 4.9 and 11.9); 587 and 143 with STARTTLS."""

from __future__ import annotations

import imaplib
import smtplib
import socket
import ssl
from collections.abc import Iterator

import pytest

from .api import Api, Target
from .mail import TIMEOUT, User, plain, reply, text

PROTOCOLS = {"submission": "smtp", "imap": "imap"}
CONTEXT = ssl._create_unverified_context()


def is_open(target: Target, name: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", target.starttls_ports[name]), TIMEOUT).close()
    except ConnectionRefusedError:
        return False
    return True


def restart(target: Target) -> None:
    assert target.restart is not None
    target.restart()


def create(api: Api, name: str) -> str:
    if api.target.restart is None:
        pytest.skip("this server may not be restarted")
    bind = {f"127.0.0.1:{api.target.starttls_ports[name]}": True}
    return api.create("NetworkListener", name=name, protocol=PROTOCOLS[name], bind=bind)


@pytest.fixture
def opened(target: Target, reloadable: None) -> Iterator[None]:
    """Both listeners, stored and open; neither afterwards."""
    api = Api(target)
    keys = [create(api, name) for name in PROTOCOLS]
    restart(target)
    yield
    for key in keys:
        api.destroy("NetworkListener", key)
    restart(target)


def test_a_listener_opens_and_closes_at_the_next_start_only(api: Api, reloadable: None) -> None:
    keys = {name: create(api, name) for name in PROTOCOLS}
    stored = api.get("NetworkListener", keys["submission"])
    assert (stored["protocol"], stored["useTls"], stored["tlsImplicit"]) == ("smtp", True, False)
    assert "created" in api.action("ReloadSettings")
    assert not any(is_open(api.target, name) for name in PROTOCOLS)
    restart(api.target)
    assert all(is_open(api.target, name) for name in PROTOCOLS)
    for key in keys.values():
        api.destroy("NetworkListener", key)
    assert "created" in api.action("ReloadSettings")
    assert all(is_open(api.target, name) for name in PROTOCOLS)
    restart(api.target)
    assert not any(is_open(api.target, name) for name in PROTOCOLS)


def test_submission_takes_no_password_and_no_mail_before_tls(opened: None, api: Api, alice: User) -> None:
    with smtplib.SMTP("127.0.0.1", api.target.starttls_ports["submission"], timeout=TIMEOUT) as client:
        client.ehlo("client.test")
        assert client.has_extn("starttls")
        assert set(client.esmtp_features["auth"].split()) == {"XOAUTH2", "OAUTHBEARER"}
        refusal = "554 5.7.8 Authentication mechanism not supported."
        assert reply(client.docmd("AUTH", plain(*alice.login))) == refusal
        assert reply(client.docmd("AUTH", "LOGIN")) == refusal
        assert reply(client.mail(alice.address)) == "503 5.5.1 You must authenticate first."
        client.starttls(context=CONTEXT)
        client.ehlo("client.test")
        assert not client.has_extn("starttls")
        assert set(client.esmtp_features["auth"].split()) == {"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"}
        client.login(*alice.login)
        client.sendmail(alice.address, [alice.address], text(alice.address, alice.address))


def test_imap_refuses_login_before_tls_and_nothing_else(opened: None, api: Api, alice: User) -> None:
    """``AUTHENTICATE PLAIN`` in the clear is taken, and LOGINDISABLED is not said, against RFC 9051 section 6.2.3."""
    port = api.target.starttls_ports["imap"]
    with imaplib.IMAP4("127.0.0.1", port, TIMEOUT) as client:
        offered = {"STARTTLS", "AUTH=PLAIN", "AUTH=OAUTHBEARER", "AUTH=XOAUTH2"}
        assert offered <= set(client.capabilities)
        assert "LOGINDISABLED" not in client.capabilities
        with pytest.raises(imaplib.IMAP4.error, match="LOGIN is disabled on the clear-text port"):
            client.login(*alice.login)
        client.starttls(CONTEXT)
        assert offered - set(client.capabilities) == {"STARTTLS"}
        client.login(*alice.login)
    with imaplib.IMAP4("127.0.0.1", port, TIMEOUT) as client:
        client.authenticate("PLAIN", lambda _challenge: "\0".join(("", *alice.login)).encode())
        assert client.state == "AUTH"


@pytest.mark.parametrize("bind", ["587", "[::]", "127.0.0.1:99999"])
def test_what_a_listener_binds_is_an_address_and_a_port(api: Api, bind: str) -> None:
    error = api.not_created("NetworkListener", name="other", protocol="smtp", bind={bind: True})
    assert (error["type"], error["properties"]) == ("invalidPatch", ["bind"])
