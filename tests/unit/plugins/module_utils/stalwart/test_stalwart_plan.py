"""Settings against a server's state: what would be done, and what is refused before anything is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.reconcile import Plan
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.absent import make_absent_plan
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.actions import actions_for
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.exclusive import parse_exclusive
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.grammar import parse
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.plan import (
    Request,
    make_plan,
    stored_issuer,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.registry import Registry

OIDC = {"@type": "Oidc", "description": "Keycloak", "issuerUrl": "https://k.test/realms/a"}


def plan(
    registry: Registry,
    settings: dict[str, Any],
    exclusive: tuple[str, ...] = (),
    known: bool = True,
    rewrite: bool = False,
) -> Plan:
    items = tuple(parse(registry.schema, settings))
    request = Request(items, parse_exclusive(registry.schema, exclusive, items), known=known)
    return make_plan(registry, request, rewrite_secrets=rewrite)


def absent(registry: Registry, settings: dict[str, Any]) -> Plan:
    return make_absent_plan(registry, settings, known=True)


def words(found: Plan) -> list[str]:
    return [str(change) for change in found.changes]


def test_nothing_to_do(registry: Registry) -> None:
    settings = {
        "domain": {"ACME.test": {"dkimManagement": {"@type": "Automatic"}}},
        "authentication": {"defaultUserRoleIds": ["User"]},
    }
    assert not plan(registry, settings)


def test_creates_what_is_missing_and_refers_to_it(registry: Registry) -> None:
    found = plan(registry, {"authentication.directoryId": "kc", "directory": {"kc": OIDC}})
    assert words(found) == ["update authentication singleton", "create directory kc"]
    assert found.changes[0].payload.needs == {("Directory", "kc")}
    assert found.changes[0].before == {"directoryId": None}
    assert found.changes[0].after == {"directoryId": "kc"}


def test_one_object_under_two_names(registry: Registry) -> None:
    registry.objects["Directory"]["k1"] = {**OIDC, "id": "k1", "requireScopes": {"openid": True}}
    registry.objects["Authentication"]["singleton"]["directoryId"] = "k1"
    for name in ("kc", "Keycloak"):
        assert not plan(registry, {"directory": {"kc": OIDC}, "authentication.directoryId": name})
    assert not plan(registry, {"authentication.directoryId": "Keycloak"})


def test_duplicates_on_the_server_are_a_conflict(registry: Registry) -> None:
    registry.objects["Directory"] = {i: {**OIDC, "id": i} for i in ("k1", "k2")}
    with pytest.raises(Failure) as caught:
        plan(registry, {"directory": {"kc": OIDC}})
    assert caught.value.code == "conflict"
    assert "k1, k2" in caught.value.message


REFUSED = [
    (
        {"authentication.directoryId": "nope"},
        "authentication.directoryId",
        "names the directory 'nope', which does not exist; there is none.",
    ),
    ({"authentication.defaultUserRoleIds": ["Usr"]}, "authentication.defaultUserRoleIds", "did you mean 'User'"),
    ({"systemSettings.defaultDomainId": "acme.tst"}, "systemSettings.defaultDomainId", "did you mean 'acme.test'"),
    ({"directory": {"kc": {"issuerUrl": "https://x"}}}, "directory.kc.@type", "accepted: Ldap, Oidc"),
    ({"directory": {"kc": {"@type": "Oidc"}}}, "directory.kc.issuerUrl", "is needed to create it"),
    ({"domain": {"b.test": {"dkimManagement.rotateAfter": 5}}}, "domain.b.test.dkimManagement.@type", "is missing"),
    (
        {"domain": {"acme.test": {"subAddressing.customRule": "sender"}}},
        "domain.acme.test.subAddressing.customRule",
        "no such property",
    ),
    (
        {"dkimSignature": {"s._domainkey.x.test": {"@type": "Dkim1RsaSha256"}}},
        "dkimSignature.s._domainkey.x.test.domainId",
        "domain 'x.test'",
    ),
]


@pytest.mark.parametrize(("settings", "key", "message"), REFUSED)
def test_refuses_before_any_write(registry: Registry, settings: dict[str, Any], key: str, message: str) -> None:
    registry.objects.setdefault("SystemSettings", {"singleton": {"id": "singleton", "defaultDomainId": "b"}})
    with pytest.raises(Failure) as caught:
        plan(registry, settings)
    found = {problem["key"]: problem["message"] for problem in caught.value.details}
    assert key in found, found
    assert message in found[key]


def test_create_only_properties(registry: Registry) -> None:
    registry.objects["MtaRoute"] = {"r": {"id": "r", "@type": "Relay", "name": "out", "address": "a.test", "port": 25}}
    assert words(plan(registry, {"mtaRoute.out.port": 26})) == ["update mtaRoute out"]
    changed = plan(registry, {"mtaRoute.out": {"@type": "Mx", "maxMxHosts": 3}})
    assert changed.changes[0].payload.variant == "Mx"


def test_exclusive_types_objects_and_maps(registry: Registry) -> None:
    registry.objects["AllowedIp"] = {
        i: {"id": i, "address": a, "reason": "r"} for i, a in (("x", "192.0.2.1"), ("y", "192.0.2.2"))
    }
    assert not plan(registry, {"allowedIp": {"192.0.2.1": {}}})
    assert words(plan(registry, {"allowedIp": {"192.0.2.1": {}}}, ("allowedIp",))) == ["delete allowedIp 192.0.2.2"]
    reset = plan(registry, {"allowedIp": {"192.0.2.1": {}}}, ("allowedIp.192.0.2.1",))
    assert reset.changes[0].after == {"reason": None}
    registry.objects["SystemSettings"] = {
        "singleton": {"id": "singleton", "providerInfo": {"providerName": "a", "providerUrl": "b"}}
    }
    kept = {"systemSettings.providerInfo": {"providerName": "a"}}
    assert not plan(registry, kept)
    assert [w.pointer for w in plan(registry, kept, ("systemSettings.providerInfo",)).changes[0].payload.writes] == [
        "providerInfo/providerUrl"
    ]


def test_exclusive_singletons_go_back_to_defaults(registry: Registry) -> None:
    registry.objects["SpamSettings"] = {
        "singleton": {"id": "singleton", "enable": False, "scoreSpam": 9.0, "rulesUrl": "https://x"}
    }
    found = plan(registry, {"spamSettings.enable": False}, ("spamSettings",))
    assert found.changes[0].after == {"scoreSpam": 5.0, "rulesUrl": None}


@pytest.mark.parametrize("prefix", ["nope", "allowedIp.192.0.2.9", "spamSettings.enable", "role"])
def test_exclusive_prefixes_that_mean_nothing(registry: Registry, prefix: str) -> None:
    with pytest.raises(Failure) as caught:
        plan(registry, {"allowedIp": {"192.0.2.1": {}}}, (prefix,))
    assert "exclusive" in caught.value.message


def test_exclusive_never_removes_markers(registry: Registry) -> None:
    registry.objects["MemoryLookupKey"] = {"m": {"id": "m", "namespace": "tenantmail-pending", "key": "ReloadSettings"}}
    assert not plan(registry, {"memoryLookupKey": {}}, ("memoryLookupKey",))


def test_secrets_are_written_on_creation_or_always(registry: Registry) -> None:
    settings = {
        "mtaRoute.out": {
            "@type": "Relay",
            "address": "a.test",
            "authSecret": {"@type": "Value", "secret": "geheim-geheim"},
        }
    }
    created = plan(registry, settings)
    assert "geheim" not in str(created.changes) + str(created.diff())
    assert created.changes[0].after["authSecret"]["secret"] == "********"
    registry.objects["MtaRoute"] = {
        "r": {
            "id": "r",
            "@type": "Relay",
            "name": "out",
            "address": "a.test",
            "authSecret": {"@type": "Value", "secret": "****"},
        }
    }
    assert not plan(registry, settings)
    again = plan(registry, settings, rewrite=True)
    assert words(again) == ["update mtaRoute out"]
    assert again.changes[0].before != again.changes[0].after


def test_a_server_that_does_not_exist_yet(registry: Registry) -> None:
    empty = Registry(registry.schema)
    settings = {
        "domain": {"acme.test": {}},
        "spamSettings.enable": False,
        "directory": {"kc": OIDC},
        "authentication": {"directoryId": "kc", "defaultUserRoleIds": ["User"]},
    }
    found = plan(empty, settings, known=False)
    assert words(found) == [
        "create domain acme.test",
        "update spamSettings singleton",
        "create directory kc",
        "update authentication singleton",
    ]


def test_what_runs_differs_from_what_is_stored(registry: Registry) -> None:
    registry.objects["Directory"]["k1"] = {**OIDC, "id": "k1"}
    registry.objects["Authentication"]["singleton"]["directoryId"] = "k1"
    settings = {"authentication.directoryId": "Keycloak"}
    registry.running_issuer = "https://k.test/realms/a"
    assert not plan(registry, settings)
    registry.running_issuer = ""
    found = plan(registry, settings)
    assert words(found) == ["update running directory issuer"]
    assert found.changes[0].payload.action == "ReloadSettings"
    registry.running_issuer = "https://old.test"
    assert found.changes[0].before == {"issuer": "internal"}


def test_ldap_has_no_issuer_to_compare(registry: Registry) -> None:
    registry.objects["Directory"]["k1"] = {"@type": "Ldap", "id": "k1", "description": "ldap"}
    registry.objects["Authentication"]["singleton"]["directoryId"] = "k1"
    registry.running_issuer = ""
    assert stored_issuer(registry) is None
    assert not plan(registry, {"authentication.directoryId": "ldap"})


def test_an_owed_action_is_repeated(registry: Registry) -> None:
    registry.pending = {"ReloadSettings": "m"}
    assert words(plan(registry, {"authentication.maxApiKeys": 5})) == ["update running settings ReloadSettings"]


def test_absent_objects_and_properties(registry: Registry) -> None:
    registry.objects["AllowedIp"] = {"x": {"id": "x", "address": "192.0.2.1", "reason": "r"}}
    registry.objects["SpamSettings"] = {"singleton": {"id": "singleton", "enable": False, "scoreSpam": 5.0}}
    registry.objects["SystemSettings"] = {
        "singleton": {
            "id": "singleton",
            "services": {"imap": {"cleartext": True}},
            "proxyTrustedNetworks": {"10.0.0.0/8": True, "192.0.2.1": True},
        }
    }
    assert words(absent(registry, {"allowedIp": {"192.0.2.1": {}}})) == ["delete allowedIp 192.0.2.1"]
    assert words(absent(registry, {"allowedIp": {"192.0.2.9": None}})) == []
    assert words(absent(registry, {"domain": {"ACME.test": {}}})) == ["delete domain acme.test"]
    assert absent(registry, {"allowedIp": {"192.0.2.1": {"reason": None}}}).changes[0].after == {"reason": None}
    assert absent(registry, {"spamSettings": {"enable": None, "scoreSpam": None}}).changes[0].after == {"enable": True}
    assert (
        absent(registry, {"systemSettings.services": {"imap": None, "jmap": None}}).changes[0].payload.writes[0].pointer
        == "services/imap"
    )
    gone = absent(registry, {"systemSettings.proxyTrustedNetworks": ["10.1.2.3/8"]})
    assert gone.changes[0].after == {"proxyTrustedNetworks": ["192.0.2.1"]}
    assert not absent(registry, {"systemSettings.proxyTrustedNetworks": ["172.16.0.0/12"]})


def test_absent_finds_by_given_identity(registry: Registry) -> None:
    registry.objects["Directory"]["k1"] = {**OIDC, "id": "k1"}
    assert words(absent(registry, {"directory": {"kc": {"description": "Keycloak"}}})) == ["delete directory Keycloak"]


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({"nope": {}}, "nope", "unknown key"),
        ({"spamSettings": {"enabel": None}}, "spamSettings.enabel", "did you mean 'enable'"),
        ({"spamSettings": {"enable": True}}, "spamSettings.enable", "give null"),
        ({"systemSettings": {"defaultHostname": None}}, "systemSettings.defaultHostname", "no default that is known"),
        ({"systemSettings.services": {"imap": {"cleartext": None}}}, "systemSettings.services.imap", "removed whole"),
    ],
)
def test_absent_refuses(registry: Registry, settings: dict[str, Any], key: str, message: str) -> None:
    registry.objects["SpamSettings"] = {"singleton": {"id": "singleton", "enable": False}}
    registry.objects["SystemSettings"] = {"singleton": {"id": "singleton", "services": {"imap": {}}}}
    with pytest.raises(Failure) as caught:
        absent(registry, settings)
    found = {problem["key"]: problem["message"] for problem in caught.value.details}
    assert message in found[key]


@pytest.mark.parametrize(
    ("name", "operation", "properties", "actions"),
    [
        ("Domain", "update", ["aliases"], set()),
        ("Account", "create", [], set()),
        ("Directory", "create", [], {"ReloadSettings"}),
        ("Authentication", "update", ["directoryId"], {"ReloadSettings"}),
        ("Authentication", "update", ["defaultUserRoleIds"], {"ReloadSettings", "InvalidateCaches"}),
        ("Role", "create", [], set()),
        ("Role", "update", ["enabledPermissions"], {"InvalidateCaches"}),
        ("MemoryLookupKey", "create", [], {"ReloadLookupStores"}),
        ("Certificate", "create", [], {"ReloadTlsCertificates"}),
        ("NetworkListener", "create", [], {"ReloadSettings"}),
    ],
)
def test_actions(name: str, operation: str, properties: list[str], actions: set[str]) -> None:
    assert actions_for(name, operation, properties) == actions
