"""What goes wrong, what the user is told, and what the next run makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.issuer import Issuer

from .server import Server, refusal, words
from .test_provision import ADMIN, SETTINGS, directory

NAMED = {key: value for key, value in SETTINGS.items() if key in ("domain", "systemSettings", "tracer")}


def test_a_reload_that_pyzor_prevents(simulated: Server) -> None:
    assert simulated.simulator
    simulated.simulator.faults("resolution")
    failure = refusal(simulated.settings, NAMED)
    assert failure.code == "reload_refused"
    assert "spamPyzor" in failure.message
    assert "spamPyzor.enable: false" in failure.hint
    # Everything is stored, so only the marker keeps the next run from calling this done.
    assert words(simulated.settings(NAMED, check=True)) == ["update running settings ReloadSettings"]
    assert refusal(simulated.settings, NAMED).code == "reload_refused"
    healed = simulated.settings(SETTINGS)
    assert "update spamPyzor singleton" in words(healed)
    assert "update running settings ReloadSettings" in words(healed)
    assert not simulated.settings(SETTINGS)["changed"]
    assert not simulated.settings(NAMED)["changed"]


def test_spam_switches_and_the_rest_need_one_reload(simulated: Server) -> None:
    assert simulated.simulator
    simulated.simulator.faults("resolution")
    simulated.settings(SETTINGS)
    assert [entry for entry in simulated.writes() if entry[0] == "Action"] == [("Action", "create")]


def test_an_issuer_that_is_down_while_the_directory_is_made(simulated: Server, issuer: Issuer) -> None:
    simulated.settings(SETTINGS)
    login = directory(issuer)
    issuer.stop()
    for _ in range(2):
        failure = refusal(simulated.settings, login)
        assert failure.code == "reload_refused"
        assert "directory keycloak" in failure.message
        assert "reach the issuer" in failure.hint
    assert simulated.info(gather=["directory"])["info"]["running_issuer"] == ""
    issuer.start()
    assert words(simulated.settings(login)) == [
        "update running directory issuer",
        "update running settings ReloadSettings",
    ]
    assert not simulated.settings(login)["changed"]


def test_a_server_that_started_while_its_issuer_was_down_is_healed(simulated: Server, issuer: Issuer) -> None:
    assert simulated.simulator
    login = directory(issuer)
    simulated.settings({**SETTINGS, **login})
    issuer.stop()
    simulated.simulator.restart()
    issuer.start()
    assert not simulated.settings(SETTINGS)["changed"]
    planned = simulated.settings(login, check=True)
    assert words(planned) == ["update running directory issuer"]
    assert planned["diff"][0]["before"] == {"issuer": "internal"}
    healed = simulated.settings(login)
    assert words(healed) == words(planned)
    assert healed["running_issuer"] == issuer.url("sme-acme")
    assert not simulated.settings(login)["changed"]


def test_a_directory_that_runs_with_an_old_issuer(simulated: Server, issuer: Issuer) -> None:
    simulated.settings({**SETTINGS, **directory(issuer)})
    api = simulated.api()
    keycloak = api.call("x:Directory/get", ids=None)["list"][0]["id"]
    api.call("x:Directory/set", update={keycloak: {"issuerUrl": issuer.url("other")}})
    moved = directory(issuer, "other")
    assert words(simulated.settings(moved)) == ["update running directory issuer"]
    assert simulated.info(gather=["directory"])["info"]["running_issuer"] == issuer.url("other")


@pytest.mark.parametrize("fault", ["exit-after-write", "exit-before-answer"])
def test_a_server_that_dies_on_the_first_write(simulated: Server, issuer: Issuer, fault: str) -> None:
    assert simulated.simulator
    simulated.settings(SETTINGS, check=True)
    simulated.simulator.faults(fault)
    failure = refusal(simulated.settings, SETTINGS)
    assert (failure.layer, failure.code) == ("stalwart", "unreachable")
    simulated.simulator.restart()
    simulated.settings(SETTINGS)
    assert not simulated.settings(SETTINGS)["changed"]
    domains = simulated.api().call("x:Domain/get", ids=None)["list"]
    assert [entry["name"] for entry in domains] == ["acme.test"], "nothing was made twice"
    tracers = simulated.api().call("x:Tracer/get", ids=None)["list"]
    assert len([entry for entry in tracers if entry["@type"] == "Stdout"]) == 1


def test_a_server_that_dies_while_the_directory_is_made(simulated: Server, issuer: Issuer) -> None:
    assert simulated.simulator
    simulated.settings(SETTINGS)
    login = directory(issuer)
    simulated.settings(login, check=True)
    simulated.simulator.faults("exit-after-write")
    assert refusal(simulated.settings, login).code == "unreachable"
    simulated.simulator.restart()
    simulated.settings(login)
    assert not simulated.settings(login)["changed"]
    assert len(simulated.api().call("x:Directory/get", ids=None)["list"]) == 1


def test_a_wrong_password_is_tried_once(server: Server) -> None:
    for call in (
        lambda **more: server.settings(SETTINGS, **more),
        lambda **more: server.principals(ADMIN, **more),
        server.info,
    ):
        before = server.simulator.requests() if server.simulator else 0
        failure = refusal(call, api_password="this-is-not-it")
        assert failure.code == "unauthorized"
        assert "tried once" in failure.hint
        assert "this-is-not-it" not in str(failure.as_dict())
        if server.simulator:
            assert server.simulator.requests() - before == 2, "one of them asks for the number"


def test_nobody_answers(simulated: Server) -> None:
    assert simulated.simulator
    simulated.simulator.kill()
    failure = refusal(simulated.settings, SETTINGS, check=True)
    # A server that exists but does not answer is a failure in check mode, too.
    assert (failure.layer, failure.code) == ("stalwart", "unreachable")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"directroy": {}}, "did you mean 'directory'"),
    ({"directory": {"k": {"@type": "Oidc", "issuerURL": "x"}}}, "did you mean 'issuerUrl'"),
    ({"directory": {"k": {"@type": "OIDC"}}}, "did you mean 'Oidc'"),
    ({"spamSettings.enable": "perhaps"}, "expected true or false"),
    ({"mtaStageMail.isSenderAllowed": "sender = 'x'"}, "single '='"),
    ({"mtaStageAuth.mustMatchSender": "sender_domian == 'x'"}, "did you mean 'sender_domain'"),
    ({"authentication.directoryId": "nope"}, "does not exist"),
    ({"systemSettings.mailExchangers": [{"priority": 0}]}, "from 1 to 65535"),
    ({"domain": {"acme.test": {"createdAt": "2026-01-01T00:00:00Z"}}}, "set by the server"),
    (
        {
            "dkimSignature": {
                "s._domainkey.acme.test": {
                    "@type": "Dkim1RsaSha256",
                    "privateKey": {"@type": "Text", "secret": "1234567"},
                }
            }
        },
        "at least 8",
    ),
]


@pytest.mark.parametrize(("settings", "message"), BAD, ids=[message for _s, message in BAD])
def test_bad_settings_write_nothing(server: Server, settings: dict[str, Any], message: str) -> None:
    before = server.writes()
    failure = refusal(server.settings, {**settings, "spamPyzor.enable": False})
    assert failure.code == "invalid_value"
    assert message in failure.message
    assert server.writes() == before


def test_what_only_the_server_knows_is_refused_by_it(server: Server) -> None:
    failure = refusal(server.settings, {"domain": {"acme.example": {}}})
    assert failure.code == "invalid_value"
    assert "cannot create domain acme.example: Invalid domain name" in failure.message


def test_a_permission_that_is_missing(simulated: Server) -> None:
    simulated.settings(SETTINGS)
    simulated.principals({"name": "eve@acme.test", "password": "Str0ng-pass-77123"})
    login = {"api_username": "eve@acme.test", "api_password": "Str0ng-pass-77123"}
    failure = refusal(simulated.settings, {"spamSettings.enable": False}, **login)
    assert failure.code == "forbidden"
    assert "sysSpamSettingsGet" in failure.hint
