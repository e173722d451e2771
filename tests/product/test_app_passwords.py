"""App passwords on live servers of both generations: made by their owner's token, listed and revoked by the administrator."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from tests.contract.issuer import Issuer

from .server import Server, counted, refusal, words
from .test_principals_oidc import mail

__all__ = ["mail"]

ALICE, BOB = "alice@acme.test", "bob@acme.test"


@pytest.fixture
def tokens(mail: Server, issuer: Issuer) -> dict[str, str]:
    """Two people, who were there before their first login, and a token of each."""
    mail.principals({"name": ALICE}, {"name": BOB})
    return {name: issuer.token("sme-acme", name.partition("@")[0], email=name) for name in (ALICE, BOB)}


def status(mail: Server, user: str, password: str) -> int:
    url = f"{mail.target.base_url}/jmap/session"
    return requests.get(url, auth=(user, password), timeout=10, allow_redirects=False).status_code


def login_name(mail: Server, address: str) -> str:
    return address if mail.generation == "0.16" else address.partition("@")[0]


def test_its_owner_makes_one_and_it_is_told_once(mail: Server, tokens: dict[str, str]) -> None:
    phone: dict[str, Any] = {"api_token": tokens[ALICE], "description": "phone"}
    writes = mail.writes()
    planned = mail.app_passwords(check=True, **phone)
    assert (planned["changed"], "secret" in planned, mail.writes()) == (True, False, writes)
    made = mail.app_passwords(**phone)
    assert words(made) == words(planned) == ["create app password phone"]
    assert [entry["description"] for entry in made["app_passwords"]] == ["phone"]
    assert status(mail, login_name(mail, ALICE), made["secret"]) == 200
    assert status(mail, login_name(mail, ALICE), made["secret"] + "x") == 401
    assert made["secret"] not in str({key: value for key, value in made.items() if key != "secret"})
    writes = mail.writes()
    again, cost = counted(mail, mail.app_passwords, **phone)
    assert (again["changed"], "secret" in again, mail.writes()) == (False, False, writes)
    assert cost == again["requests"] <= 2


def test_the_administrator_lists_and_revokes(mail: Server, tokens: dict[str, str]) -> None:
    made = {
        (who, what): mail.app_passwords(api_token=tokens[who], description=what)["secret"]
        for who in (ALICE, BOB)
        for what in ("phone", "phone 2")
    }
    listed = mail.app_passwords(account="*")
    assert not listed["changed"]
    found = [(entry["account"], entry["description"]) for entry in listed["app_passwords"]]
    assert found == [(ALICE, "phone"), (ALICE, "phone 2"), (BOB, "phone"), (BOB, "phone 2")]
    planned = mail.app_passwords(account=ALICE, description="phone", state="absent", check=True)
    assert words(planned) == [f"delete app password {ALICE} phone"]
    assert len(mail.app_passwords(account=ALICE)["app_passwords"]) == 2
    assert words(mail.app_passwords(account=ALICE, description="phone", state="absent")) == words(planned)
    expected = {(ALICE, "phone"): 401, (ALICE, "phone 2"): 200, (BOB, "phone"): 200, (BOB, "phone 2"): 200}
    assert {key: status(mail, login_name(mail, key[0]), secret) for key, secret in made.items()} == expected
    assert len(mail.app_passwords(account="*", state="absent")["changes"]) == 3
    assert {status(mail, login_name(mail, who), secret) for (who, _what), secret in made.items()} == {401}
    writes = mail.writes()
    assert not mail.app_passwords(account="*", state="absent")["changed"]
    assert mail.writes() == writes


def test_its_owner_revokes_one_and_not_those_that_begin_alike(mail: Server, tokens: dict[str, str]) -> None:
    for what in ("phone", "phone 2", "tablet"):
        mail.app_passwords(api_token=tokens[ALICE], description=what)
    gone = mail.app_passwords(api_token=tokens[ALICE], description="phone", state="absent")
    assert [entry["description"] for entry in gone["app_passwords"]] == ["phone 2", "tablet"]
    assert mail.app_passwords(api_token=tokens[ALICE], state="absent")["app_passwords"] == []


def test_a_suspended_owner_s_app_password_is_refused_until_he_is_resumed(mail: Server, tokens: dict[str, str]) -> None:
    secret = mail.app_passwords(api_token=tokens[ALICE], description="phone")["secret"]
    for state, expected in (("suspended", 403), ("present", 200)):
        mail.principals({"name": ALICE, "state": state})
        assert status(mail, login_name(mail, ALICE), secret) == expected


def test_what_cannot_be_done_is_told(mail: Server, tokens: dict[str, str]) -> None:
    assert "owner's own token" in refusal(mail.app_passwords, account=ALICE, description="phone").message
    told = refusal(mail.app_passwords, account="alice", description="a$b", state="absent")
    assert (told.code, len(told.details)) == ("invalid_value", 2)
    assert refusal(mail.app_passwords, account="nobody@acme.test").code == "not_found"
    assert refusal(mail.app_passwords, account=BOB, state="absent", api_token=tokens[ALICE]).code == "forbidden"
    assert refusal(mail.app_passwords, api_token="no-token-at-all").code == "unauthorized"


def test_a_tenant_without_app_passwords_makes_none(mail: Server, tokens: dict[str, str]) -> None:
    if mail.generation == "0.15":
        pytest.skip("0.15 cannot forbid app passwords")
    none = {"role": {"User": {"disabledPermissions": ["sysAppPasswordCreate"]}}}
    assert words(mail.settings(none)) == ["update role User"]
    assert not mail.settings(none)["changed"]
    told = refusal(mail.app_passwords, api_token=tokens[ALICE], description="phone")
    assert told.code == "forbidden"
    assert "tenant_password_clients" in told.hint
    mail.settings({"role": {"User": {"disabledPermissions": []}}})
    assert mail.app_passwords(api_token=tokens[ALICE], description="phone")["secret"]


def test_an_account_has_no_more_of_them_than_the_server_allows(mail: Server, tokens: dict[str, str]) -> None:
    if mail.generation == "0.15":
        pytest.skip("0.15 does not count them")
    for number in range(5):
        mail.app_passwords(api_token=tokens[ALICE], description=f"program {number}")
    told = refusal(mail.app_passwords, api_token=tokens[ALICE], description="phone")
    assert told.code == "forbidden"
    assert "quota of 5 app passwords" in told.message
    assert "maxAppPasswords" in told.hint
