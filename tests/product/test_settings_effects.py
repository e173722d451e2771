"""What settings do beyond storing a value: references that go, order of one write, values that the server rewrites."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import settings_task
from tests.contract.issuer import Issuer

from .server import Server, refusal, words

QUIET = {"spamPyzor.enable": False}
CANARY = "Sup3rS3cretValue-canary"


def settle(server: Server, settings: dict[str, Any], expected: list[str], **more: Any) -> None:
    """Check mode, a run, and a run that has nothing to do."""
    assert words(server.settings(settings, check=True, **more)) == expected
    assert words(server.settings(settings, **more)) == expected
    assert not server.settings(settings, **more)["changed"]


@pytest.fixture
def ready(server: Server) -> Server:
    server.settings({**QUIET, "domain": {"acme.test": {}, "beta.test": {}}})
    return server


ROLES = {"authentication.defaultUserRoleIds": ["User", "Helper"], "role": {"Helper": {}}}


@pytest.mark.parametrize(
    ("settings", "state", "left"),
    [
        ({"authentication.defaultUserRoleIds": ["Helper"]}, "absent", ["User"]),
        ({"authentication.defaultUserRoleIds": ["User"]}, "present", ["User"]),
    ],
)
def test_a_member_of_a_set_of_references_goes(
    ready: Server, settings: dict[str, Any], state: str, left: list[str]
) -> None:
    ready.settings(ROLES)
    settle(ready, settings, ["update authentication singleton"], state=state)
    assert not ready.settings({"authentication.defaultUserRoleIds": left})["changed"]


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"domain": {"acme.test": {"directoryId": None}}}, {}),
        ({"domain": {"acme.test": {"directoryId": None}}}, {"state": "absent"}),
        ({"domain": {"acme.test": {}}}, {"exclusive": ["domain.acme.test"]}),
    ],
    ids=["null", "absent", "exclusive"],
)
def test_a_reference_is_cleared(
    ready: Server, issuer: Issuer, settings: dict[str, Any], options: dict[str, Any]
) -> None:
    directory = {"@type": "Oidc", "issuerUrl": issuer.url("sme-acme")}
    given = {"directory": {"k": directory}, "domain": {"acme.test": {"directoryId": "k"}}}
    ready.settings(given)
    assert not ready.settings(given)["changed"]
    settle(ready, settings, ["update domain acme.test"], **options)


def test_an_address_in_use_moves_whatever_the_order(ready: Server) -> None:
    ready.settings({"domain": {"acme.test": {"aliases": ["shop.test"]}}})
    moved = {"domain": {"beta.test": {"aliases": ["shop.test"]}, "acme.test": {"aliases": []}}}
    settle(ready, moved, ["update domain beta.test", "update domain acme.test"])


def test_linked_objects_go_together(ready: Server) -> None:
    chain = {f"r{number}": {"roleIds": [f"r{number - 1}"]} if number else {} for number in range(5)}
    ready.settings({"role": chain})
    settle(ready, {"role": {name: {} for name in chain}}, [f"delete role {name}" for name in chain], state="absent")


@pytest.mark.parametrize("check", [True, False])
def test_objects_that_need_each_other_are_refused_before_anything_is_written(ready: Server, check: bool) -> None:
    before = ready.writes()
    failure = refusal(ready.settings, {"role": {"a": {"roleIds": ["b"]}, "b": {"roleIds": ["a"]}}}, check=check)
    assert failure.code == "invalid_value"
    assert "these objects refer to each other: Role a, Role b" in failure.message
    assert ready.writes() == before


@pytest.mark.parametrize("kind", ["allowedIp", "blockedIp"])
def test_what_has_expired_is_not_written(ready: Server, kind: str) -> None:
    warned = ready.settings({kind: {"198.51.100.7": {"expiresAt": "2020-01-01T00:00:00Z"}}})
    assert not warned["changed"]
    assert any("198.51.100.7" in text and "expiresAt" in text for text in warned["warnings"])
    settle(ready, {kind: {"198.51.100.8": {"expiresAt": "2099-01-01T00:00:00Z"}}}, [f"create {kind} 198.51.100.8"])


def test_the_server_forgets_what_has_expired(ready: Server) -> None:
    end = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    entry = {"address": "198.51.100.9", "expiresAt": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
    api = ready.api()
    key = api.create("AllowedIp", **entry)
    api.action("ReloadSettings")
    assert key not in api.query("AllowedIp")


@pytest.mark.parametrize(
    "settings",
    [
        {"allowedIp": {"::ffff:192.0.2.9": {}}},
        {"sieveSystemScript.s": {"contents": 'require "fileinto";\nkeep;\n', "isActive": True}},
        {"domain": {"straße.test": {}}},
    ],
    ids=["an IPv4-mapped address", "a script as a block", "an international name"],
)
def test_what_the_server_stores_in_its_own_form(ready: Server, settings: dict[str, Any]) -> None:
    assert ready.settings(settings)["changed"]
    assert not ready.settings(settings)["changed"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_property_given_twice_is_refused_in_any_order(ready: Server, turned: bool) -> None:
    pairs = [("subAddressing.@type", "Disabled"), ("subAddressing", {"@type": "Enabled"})]
    given = dict(reversed(pairs) if turned else pairs)
    assert "subAddressing.@type: is given twice" in refusal(ready.settings, {"domain": {"acme.test": given}}).message


@pytest.mark.parametrize(
    "settings",
    [
        {"directory.l": {"@type": "Ldap", "bindSecret": {"@type": CANARY}}},
        {"directory.l": {"@type": "Ldap", "bindSecret": {"value": CANARY}}},
        {"mtaRoute.r": {"@type": "Relay", "address": "h.test", "authSecret": [CANARY]}},
        {"mtaRoute.r": {"@type": "Nonsense", "address": "h.test", "authSecret": CANARY}},
        {"webHook.r": {"url": "https://x.test/h", "httpAuth": CANARY}},
    ],
)
def test_a_mistake_around_a_secret_does_not_tell_it(ready: Server, settings: dict[str, Any]) -> None:
    failure = refusal(ready.settings, settings)
    assert CANARY not in f"{failure} {failure.message} {failure.hint} {failure.as_dict()}"


def test_headers_and_secrets_are_masked_in_a_plan(ready: Server) -> None:
    settings = {
        "webHook.r": {"url": "https://x.test/h", "httpHeaders": {"Authorization": f"Bearer {CANARY}"}},
        "mtaRoute.r": {"@type": "Relay", "address": "h.test", "authSecret": CANARY},
    }
    assert CANARY in settings_task.secrets({"settings": settings})
    assert CANARY not in str(ready.settings(settings, check=True))
    assert CANARY not in str(ready.settings(settings))
    assert not ready.settings(settings)["changed"]
