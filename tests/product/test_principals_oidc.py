"""Principals where an OIDC issuer checks logins, on live servers of both generations."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from tests.contract.issuer import Issuer
from tests.contract.mail import bearer, submission

from .server import Server, refusal, words
from .test_principals_both import SETTINGS, settled
from .test_provision import directory

EMAIL = {"email": "carol@acme.test"}


@pytest.fixture
def mail(both: Server, issuer: Issuer) -> Server:
    both.settings(SETTINGS)
    login = directory(issuer)
    if both.generation == "0.15":
        # That generation asks the issuer about a token and looks at nothing else in it.
        wanted = ("@type", "issuerUrl", "claimUsername", "claimName")
        login["directory"]["keycloak"] = {key: login["directory"]["keycloak"][key] for key in wanted}
    both.settings(login)
    return both


def login(mail: Server, issuer: Issuer, username: str, **claims: Any) -> int:
    token = issuer.token("sme-acme", username, **claims)
    url = f"{mail.target.base_url}/jmap/session"
    return requests.get(
        url, headers={"Authorization": f"Bearer {token}"}, timeout=10, allow_redirects=False
    ).status_code


def test_passwords_are_refused(mail: Server) -> None:
    before = mail.writes()
    failure = refusal(mail.principals, {"name": "carol@acme.test", "password": "Str0ng-pass-77123"})
    assert failure.code == "invalid_value"
    assert "so the server takes no passwords" in failure.message
    assert "app password" in failure.message
    assert "password_clients" in failure.message
    assert mail.writes() == before


def test_an_account_that_was_there_before_the_first_login(mail: Server, issuer: Issuer) -> None:
    """It is the login's account, and nothing of the inventory is undone by the login, or the other way round."""
    carol: dict[str, Any] = {
        "name": "carol@acme.test",
        "description": "Carol",
        "aliases": ["c@acme.test"],
        "quota": 1000,
        "member_of": ["sales@acme.test"],
        "send_as": ["noreply@shop.test"],
    }
    sales = {"name": "sales@acme.test", "type": "group"}
    mail.principals(carol, sales)
    settled(mail, carol, sales)
    claims = {**EMAIL, "name": "Carol C.", "groups": ["sales"]}
    assert login(mail, issuer, "carol", **claims) == 200
    settled(mail, carol, sales)
    found = mail.principals(carol, sales)["principals"][0]
    assert (found["description"], found["member_of"]) == ("Carol C.", ["sales@acme.test"])


def test_suspended_accounts_do_not_log_in(mail: Server, issuer: Issuer) -> None:
    mail.principals({"name": "carol@acme.test"})
    assert login(mail, issuer, "carol", **EMAIL) == 200
    mail.principals({"name": "carol@acme.test", "state": "suspended"})
    assert login(mail, issuer, "carol", **EMAIL) == 403
    mail.principals({"name": "carol@acme.test"})
    assert login(mail, issuer, "carol", **EMAIL) == 200


def test_the_groups_claim_and_the_inventory_do_not_fight(mail: Server, issuer: Issuer) -> None:
    sales: dict[str, Any] = {
        "name": "sales@acme.test",
        "type": "group",
        "members": ["carol@acme.test"],
        "members_from_claims": True,
    }
    carol = {"name": "carol@acme.test"}
    first = mail.principals(sales, carol)
    assert words(first) == ["create group sales@acme.test", "create individual carol@acme.test"]
    assert first["principals"][1]["member_of"] == ["sales@acme.test"]
    assert not [warning for warning in first["warnings"] if "members_from_claims" in warning]
    assert login(mail, issuer, "carol", **EMAIL, groups=["staff"]) == 200
    settled(mail, sales, carol)
    # 0.15 knows no groups claim, so there the inventory's word stands.
    expected = ["staff@acme.test"] if mail.generation == "0.16" else ["sales@acme.test"]
    assert mail.principals(carol)["principals"][0]["member_of"] == expected


def test_a_fight_is_announced(mail: Server) -> None:
    done = mail.principals(
        {"name": "sales@acme.test", "type": "group", "members": ["carol@acme.test"]}, {"name": "carol@acme.test"}
    )
    announced = [warning for warning in done["warnings"] if "members_from_claims: true" in warning]
    assert len(announced) == (1 if mail.generation == "0.16" else 0)


def test_the_account_has_the_claim_s_name(mail: Server, issuer: Issuer) -> None:
    """0.15 finds accounts by name, and the realm's user name need not be the local part of the address; 0.16 by address."""
    principal = {"name": "carol@acme.test", "login_name": "carol.c"}
    mail.principals(principal)
    assert login(mail, issuer, "carol.c" if mail.generation == "0.15" else "carol", **EMAIL) == 200
    settled(mail, principal)
    found = mail.principals({"name": "carol@acme.test"})["principals"][0]
    assert found.get("login_name") == ("carol.c" if mail.generation == "0.15" else None)


def senders(mail: Server, token: str, user: str, *addresses: str) -> list[int]:
    """What SMTP answers to each of these envelope senders."""
    with submission(mail.target) as smtp:
        assert smtp.docmd("AUTH", bearer("XOAUTH2", user, token))[0] == 235
        codes = []
        for address in addresses:
            codes.append(smtp.docmd("MAIL", f"FROM:<{address}>")[0])
            smtp.rset()
        return codes


def test_senders_on_the_wire(mail: Server, issuer: Issuer) -> None:
    carol: dict[str, Any] = {"name": "carol@acme.test", "aliases": ["c@acme.test"]}
    token = issuer.token("sme-acme", "carol", **EMAIL)
    asked = ("carol@acme.test", "c@acme.test", "noreply@shop.test", "x@news.shop.test", "boss@acme.test")
    user = "carol" if mail.generation == "0.15" else "carol@acme.test"
    mail.principals(carol)
    assert senders(mail, token, user, *asked) == [250, 250, 501, 501, 501]
    mail.principals({**carol, "send_as": ["noreply@shop.test", "*@news.shop.test"]})
    assert senders(mail, token, user, *asked) == [250, 250, 250, 250, 501]
    mail.principals({**carol, "send_as": ["*@news.shop.test"]})
    assert senders(mail, token, user, *asked) == [250, 250, 501, 250, 501]
    mail.principals({**carol, "send_as": []})
    assert senders(mail, token, user, *asked) == [250, 250, 501, 501, 501]
