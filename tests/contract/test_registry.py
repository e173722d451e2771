"""Reading, writing and finding objects: patches, references, errors, limits (contract 3 and 11)."""

from __future__ import annotations

from typing import Any

import pytest

from .api import Api


def _type(error: dict[str, Any]) -> tuple[str, list[str]]:
    return error["type"], error.get("properties", [])


# -- encodings and patches -------------------------------------------------------------------------------------------


def test_defaults_and_normal_forms(api: Api, name: str) -> None:
    key = api.create("Domain", name=f" {name.upper()}", dkimManagement={"@type": "Manual"})
    domain = api.get("Domain", key)
    assert domain["name"] == name
    assert (domain["aliases"], domain["description"], domain["isEnabled"]) == ({}, None, True)
    assert domain["reportAddressUri"] == "mailto:postmaster"
    assert domain["subAddressing"] == {"@type": "Enabled"}


def test_set_pointers(api: Api, domain: str) -> None:
    api.update("Domain", domain, {"aliases": {"a.test": True, "b.test": True}})
    api.update("Domain", domain, {"aliases/c.test": True, "aliases/a.test": False})
    assert api.get("Domain", domain, "aliases")["aliases"] == {"b.test": True, "c.test": True}
    api.update("Domain", domain, {"aliases": {"c.test": True}})
    assert api.get("Domain", domain, "aliases")["aliases"] == {"c.test": True}


def test_lists_are_renumbered(api: Api, domain: str, name: str) -> None:
    aliases = {str(index): {"name": f"alias{index}", "domainId": domain} for index in range(3)}
    key = api.create("Account", type_="User", name="someone", domainId=domain, aliases=aliases)
    api.update("Account", key, {"aliases/0": None})
    account = api.get("Account", key, "aliases", "emailAddress")
    assert [account["aliases"][index]["name"] for index in ("0", "1")] == ["alias1", "alias2"]
    assert account["emailAddress"] == f"someone@{name}"
    api.update("Account", key, {"aliases/1/description": "second"})
    assert api.get("Account", key, "aliases")["aliases"]["1"]["description"] == "second"


def test_nested_objects_merge_and_variants_replace(api: Api, domain: str) -> None:
    settings = {"count": 7, "period": 1000}
    rate = {"enable": False, "key": {"remoteIp": True}, "rate": settings}
    throttle = api.create("MtaInboundThrottle", description="contract", **rate)
    api.update("MtaInboundThrottle", throttle, {"rate": {"count": 8}})
    assert api.get("MtaInboundThrottle", throttle, "rate")["rate"] == {"count": 8, "period": 1000}
    api.update("Domain", domain, {"subAddressing": {"@type": "Custom", "customRule": {"else": "false"}}})
    api.update("Domain", domain, {"subAddressing": {"@type": "Disabled"}})
    assert api.get("Domain", domain, "subAddressing")["subAddressing"] == {"@type": "Disabled"}


def test_null_clears_what_is_nullable(api: Api, domain: str) -> None:
    api.update("Domain", domain, {"description": "x"})
    api.update("Domain", domain, {"description": None})
    assert api.get("Domain", domain, "description")["description"] is None
    assert _type(api.not_updated("Domain", domain, {"isEnabled": None})) == ("invalidPatch", ["isEnabled"])


def test_no_op_update_answers_like_a_real_one(api: Api, domain: str, name: str) -> None:
    api.update("Domain", domain, {"name": name})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"aliases": ["a.test"]}, ("invalidPatch", ["aliases"])),
        ({"aliases": {"a.test": 1}}, ("invalidPatch", ["aliases"])),
        ({"isEnabled": "yes"}, ("invalidPatch", ["isEnabled"])),
        ({"description": ""}, ("invalidPatch", ["description"])),
        ({"dnsZoneFile": "x"}, ("invalidPatch", ["dnsZoneFile"])),
        ({"id": "b"}, ("invalidPatch", ["id"])),
        ({"nosuchproperty": 1}, ("invalidPatch", ["nosuchproperty"])),
        ({"dkimManagement": {}}, ("invalidPatch", ["dkimManagement"])),
        ({"dkimManagement": {"@type": "Nope"}}, ("invalidPatch", ["dkimManagement"])),
        ({"name": "bad name"}, ("invalidPatch", ["name"])),
    ],
)
def test_wrong_updates(api: Api, domain: str, values: dict[str, Any], expected: tuple[str, list[str]]) -> None:
    before = api.get("Domain", domain)
    assert _type(api.not_updated("Domain", domain, values)) == expected
    assert api.get("Domain", domain) == before


@pytest.mark.parametrize("name", ["acme example", "localhost", "acme.example", "acme.invalid", "acme.test."])
def test_refused_domain_names(api: Api, name: str) -> None:
    error = api.not_created("Domain", name=name)
    assert (error["type"], error["description"]) == ("invalidPatch", "Invalid domain name")


def test_create_only_properties(api: Api) -> None:
    key = api.create("MtaRoute", type_="Relay", name="contract-relay", address="relay.test", port=587)
    assert _type(api.not_updated("MtaRoute", key, {"name": "contract-relay"})) == ("invalidPatch", ["name"])
    api.update("MtaRoute", key, {"port": 25})
    assert api.get("MtaRoute", key)["port"] == 25


def test_required_and_limits(api: Api) -> None:
    error = api.not_created("Directory", type_="Oidc", description="x")
    assert error["validationErrors"] == [{"type": "Required", "property": "issuerUrl"}]
    error = api.not_created("MtaRoute", type_="Relay", name="bad-port", address="relay.test", port=70000)
    assert error["type"] == "validationFailed"
    assert error["validationErrors"] == [{"type": "MaxValue", "property": "port", "required": 65535}]


def test_unknown_ids(api: Api) -> None:
    """Unknown ones are named, syntactically wrong ones are dropped by `/set`."""
    assert api.not_updated("Domain", "zzzz", {"description": "x"}) == {"type": "notFound"}
    result = api.call("x:Domain/set", update={"no-id": {"description": "x"}}, destroy=["no-id"])
    assert not {"updated", "notUpdated", "destroyed", "notDestroyed"} & set(result)
    assert api.call("x:Domain/get", ids=["no-id"])["notFound"] == ["no-id"]


def test_update_and_destroy_of_one_object(api: Api, domain: str) -> None:
    result = api.call("x:Domain/set", update={domain: {"description": "x"}}, destroy=[domain])
    assert result["notUpdated"][domain]["type"] == "willDestroy"
    assert result["destroyed"] == [domain]


# -- singletons ------------------------------------------------------------------------------------------------------


def test_singletons(api: Api) -> None:
    assert api.call("x:SpamSettings/get", ids=None)["list"] == []
    assert api.get("SpamSettings", "singleton", "scoreSpam") == {"scoreSpam": 5.0, "id": "singleton"}
    assert api.call("x:SpamSettings/set", destroy=["singleton"])["notDestroyed"]["singleton"]["type"] == "singleton"
    assert api.not_updated("SpamSettings", "b", {"enable": True}) == {"type": "notFound"}


# -- keys and links --------------------------------------------------------------------------------------------------


def test_domain_names_are_unique(api: Api, domain: str, name: str) -> None:
    error = api.not_created("Domain", name=name)
    assert error == {
        "type": "primaryKeyViolation",
        "properties": ["name"],
        "objectId": {"object": "Domain", "id": domain},
    }


def test_one_address_namespace(api: Api, domain: str) -> None:
    """Users, groups, lists and all their aliases share it; the error names the holder."""
    alias = {"0": {"name": "info", "domainId": domain}}
    user = api.create("Account", type_="User", name="user", domainId=domain, aliases=alias)
    expected = {"type": "primaryKeyViolation", "properties": ["email"], "objectId": {"object": "Account", "id": user}}
    assert api.not_created("Account", type_="Group", name="info", domainId=domain) == expected
    assert api.not_created("MailingList", name="user", domainId=domain) == expected
    holder = api.create("MailingList", name="all", domainId=domain, recipients={"x@y.test": True})
    error = api.not_updated("Account", user, {"aliases/1": {"name": "all", "domainId": domain}})
    assert error["objectId"] == {"object": "MailingList", "id": holder}


def test_lookup_keys_are_unique(api: Api) -> None:
    first = {"namespace": "contract", "key": "a@b.test:c@d.test"}
    key = api.create("MemoryLookupKey", **first)
    assert api.not_created("MemoryLookupKey", **first)["objectId"] == {"object": "MemoryLookupKey", "id": key}
    assert api.query("MemoryLookupKey", filter={"namespace": "contract"}) == [key]


def test_links_block_destroy(api: Api, domain: str) -> None:
    user = api.create("Account", type_="User", name="user", domainId=domain)
    error = api.destroy("Domain", domain)["notDestroyed"][domain]
    assert error["type"] == "objectIsLinked"
    assert error["linkedObjects"] == [{"object": "Account", "id": user}]
    assert api.destroy("Account", user)["destroyed"] == [user]
    assert api.destroy("Domain", domain)["destroyed"] == [domain]


def test_membership_must_be_of_a_group(api: Api, domain: str) -> None:
    user = api.create("Account", type_="User", name="user", domainId=domain)
    error = api.not_created("Account", type_="User", name="other", domainId=domain, memberGroupIds={user: True})
    assert error == {"type": "invalidForeignKey", "objectId": {"object": "Account", "id": user}}


# -- references ------------------------------------------------------------------------------------------------------


def test_creation_references(api: Api, name: str) -> None:
    """As values and as keys, across the calls of one request and inside one set."""
    manual = {"@type": "Manual"}
    group = {"@type": "Group", "name": "team", "domainId": "#d"}
    user = {"@type": "User", "name": "user", "domainId": "#d", "memberGroupIds": {"#g": True}}
    responses = api.responses(
        ("x:Domain/set", {"create": {"d": {"name": name, "dkimManagement": manual}}}),
        ("x:Account/set", {"create": {"g": group, "u": user}}),
        ("x:Account/get", {"ids": ["#u"], "properties": ["memberGroupIds", "domainId"]}),
    )
    created = responses[1][1]["created"]
    found = responses[2][1]["list"][0]
    assert found["memberGroupIds"] == {created["g"]["id"]: True}
    assert found["domainId"] == responses[0][1]["created"]["d"]["id"]


def test_siblings_are_created_in_the_order_given(api: Api, domain: str) -> None:
    """The one referred to must come first: the server does not sort them."""
    group = {"@type": "Group", "name": "team", "domainId": domain}
    user = {"@type": "User", "name": "user", "domainId": domain, "memberGroupIds": {"#g": True}}
    result = api.call("x:Account/set", create={"u": user, "g": group})
    assert set(result["created"]) == {"g"}
    assert _type(result["notCreated"]["u"]) == ("invalidPatch", ["memberGroupIds"])


def test_unknown_references(api: Api, domain: str) -> None:
    """As the value of an id property it fails the call, as an id to get as well."""
    user = {"@type": "User", "name": "user", "domainId": "#nope"}
    assert api.error("x:Account/set", create={"u": user})["type"] == "invalidResultReference"
    assert api.error("x:Domain/set", update={domain: {"directoryId": "#nope"}})["type"] == "invalidResultReference"
    assert api.error("x:Domain/get", ids=["#nope"])["type"] == "invalidResultReference"


def test_unknown_properties_asked_for(api: Api, domain: str, name: str) -> None:
    """Ignored beside known ones; alone they ask for everything."""
    asked = api.call("x:Domain/get", ids=[domain], properties=["name", "nosuchproperty"])["list"][0]
    assert asked == {"name": name, "id": domain}
    assert "dnsZoneFile" in api.call("x:Domain/get", ids=[domain], properties=["nosuchproperty"])["list"][0]


def test_references_do_not_outlive_the_request(api: Api, domain: str) -> None:
    api.create("Account", type_="Group", name="team", domainId=domain)
    error = api.not_created("Account", type_="User", name="user", domainId=domain, memberGroupIds={"#it2": True})
    assert _type(error) == ("invalidPatch", ["memberGroupIds"])


def test_result_references(api: Api, domain: str, name: str) -> None:
    path = {"resultOf": "0", "name": "x:Domain/query", "path": "/ids"}
    responses = api.responses(
        ("x:Domain/query", {"filter": {"name": name}}),
        ("x:Domain/get", {"#ids": path, "properties": ["name"]}),
        ("x:Domain/get", {"#ids": path | {"resultOf": "9"}}),
    )
    assert responses[1][1]["list"] == [{"name": name, "id": domain}]
    assert responses[2] == ("error", responses[2][1])
    assert responses[2][1]["type"] == "invalidResultReference"


# -- query and limits ------------------------------------------------------------------------------------------------


@pytest.fixture
def users(api: Api, domain: str) -> list[str]:
    create = {f"u{index}": {"@type": "User", "name": f"user{index}", "domainId": domain} for index in range(5)}
    created = api.call("x:Account/set", create=create)["created"]
    return [created[name]["id"] for name in create]


def test_query_order_and_pages(api: Api, domain: str, users: list[str]) -> None:
    """The default order is descending, and a limit without a total cuts before it sorts."""
    only = {"filter": {"domainId": domain}}
    ascending = {"sort": [{"property": "id", "isAscending": True}]}
    assert api.query("Account", **only) == users[::-1]
    assert api.query("Account", **only, **ascending) == users
    page = api.call("x:Account/query", **only, **ascending, position=2, limit=2, calculateTotal=True)
    assert (page["ids"], page["total"], page["position"]) == (users[2:4], 5, 2)
    cut = api.call("x:Account/query", **only, limit=2)
    assert cut["ids"] == [users[1], users[0]]
    assert "limit" not in cut


@pytest.mark.parametrize(
    "filter_",
    [{"name": "user3"}, {"name": "user3", "@type": "User"}, {"operator": "AND", "conditions": [{"name": "user3"}]}],
)
def test_query_filters(api: Api, domain: str, users: list[str], filter_: dict[str, Any]) -> None:
    found = set(api.query("Account", filter=filter_)) & set(users)
    assert found == {users[3]}


def test_unsupported_filters(api: Api) -> None:
    assert api.error("x:Directory/query", filter={"description": "x"})["type"] == "unsupportedFilter"
    either = {"operator": "OR", "conditions": [{"name": "a.test"}]}
    assert api.error("x:Domain/query", filter=either)["type"] == "unsupportedFilter"


def test_at_most_500_objects(api: Api, domain: str) -> None:
    """501 in one set are refused as a whole; a get of everything returns 500 and does not say so."""
    create = {f"u{index}": {"@type": "User", "name": f"bulk{index}", "domainId": domain} for index in range(501)}
    assert api.error("x:Account/set", create=create)["type"] == "requestTooLarge"
    last = create.popitem()
    created = api.call("x:Account/set", create=create)["created"]
    api.call("x:Account/set", create=dict([last]))
    assert len(created) == 500
    everything = api.call("x:Account/get", ids=None, properties=["name"])
    assert (len(everything["list"]), everything["notFound"]) == (500, [])
    ids = api.query("Account", filter={"domainId": domain}, sort=[{"property": "id", "isAscending": True}])
    assert len(ids) == 501
    assert api.error("x:Account/get", ids=ids)["type"] == "requestTooLarge"
    assert len(api.call("x:Account/set", destroy=ids[:500])["destroyed"]) == 500
    api.destroy("Account", ids[500])


# -- expressions -----------------------------------------------------------------------------------------------------


def test_expressions(api: Api) -> None:
    """A single `=` is accepted, an unknown variable is not; `match` stays unless it is sent."""
    before = api.get("MtaStageAuth", "singleton")
    rule = {"if": "key_exists('sender-allow', authenticated_as + ':' + sender)", "then": "false"}
    try:
        api.update("MtaStageAuth", "singleton", {"mustMatchSender": {"match": {"0": rule}, "else": "true"}})
        api.update("MtaStageAuth", "singleton", {"mustMatchSender": {"else": "sender = 'x'"}})
        stored = api.get("MtaStageAuth", "singleton")["mustMatchSender"]
        assert stored == {"match": {"0": rule}, "else": "sender = 'x'"}
        wrong = {"mustMatchSender": {"else": "nonexistent_var == 'x'"}}
        error = api.not_updated("MtaStageAuth", "singleton", wrong)
        assert _type(error) == ("validationFailed", ["mustMatchSender"])
        assert "nonexistent_var" in error["validationErrors"][0]["value"]
    finally:
        api.update("MtaStageAuth", "singleton", {"mustMatchSender": before["mustMatchSender"]})


# -- other objects of the roles --------------------------------------------------------------------------------------


def test_tracer_and_listener(api: Api) -> None:
    tracer = api.create("Tracer", type_="Stdout", level="info", ansi=False)
    assert api.get("Tracer", tracer)["@type"] == "Stdout"
    bind = {"127.0.0.1:10587": True}
    listener = api.create("NetworkListener", name="contract", bind=bind, protocol="smtp")
    assert api.get("NetworkListener", listener, "bind", "tlsImplicit")["bind"] == bind
    assert _type(api.not_updated("NetworkListener", listener, {"name": "other"})) == ("invalidPatch", ["name"])
    assert api.not_created("NetworkListener", name="contract", bind=bind)["type"] == "primaryKeyViolation"


def test_allowed_address(api: Api) -> None:
    key = api.create("AllowedIp", address="10.99.0.1", reason="contract")
    stored = api.get("AllowedIp", key)
    assert (stored["address"], stored["expiresAt"]) == ("10.99.0.1", None)
    assert api.query("AllowedIp", filter={"address": "10.99.0.1"}) == [key]


def test_roles_are_seeded(api: Api) -> None:
    roles = {role["id"]: role["description"] for role in api.call("x:Role/get", ids=None)["list"]}
    defaults = api.get("Authentication", "singleton")
    assert {roles[key] for key in defaults["defaultAdminRoleIds"]} == {"System Administrator", "User"}
    assert {roles[key] for key in defaults["defaultGroupRoleIds"]} == {"Group"}
