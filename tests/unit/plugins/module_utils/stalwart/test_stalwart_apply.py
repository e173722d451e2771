"""Writing: order, references, limits, markers, and the server's refusals."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.driver import SettingsAsk
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.apply import (
    Writer,
    batches,
    gone,
    levels,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.client import JmapClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.differ import Write
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.plan import Op
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.registry import Registry
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import Schema, Type
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.settings import SettingsTask

TEXT = Type("string")
MARKER = {"created": {"m0": {"id": "mark"}}}
DONE = {"created": {"a0": {"id": "x"}}}


def create(name: str, label: str, needs: tuple[tuple[str, str], ...] = (), *writes: Write) -> Op:
    return Op("create", name, label, writes=writes, needs=frozenset(needs))


def test_what_is_needed_comes_first() -> None:
    domain, user = create("Domain", "a.test"), create("Account", "u", (("Account", "g"),))
    group = create("Account", "g", (("Domain", "a.test"),))
    gone = Op("destroy", "Role", "r", "r")
    ordered = levels([gone, user, group, domain])
    assert ordered == [[domain], [group], [user], [gone]]


def test_what_is_referred_to_is_removed_last() -> None:
    gone = [Op("destroy", name, "x", "x") for name in ("Directory", "Domain", "DkimSignature", "Account")]
    assert [op.object for op in levels(gone)[0]] == ["DkimSignature", "Account", "Domain", "Directory"]


def test_a_removal_that_others_need_comes_before_them() -> None:
    """And after what it needs itself; all other removals stay last, and an update may come in two parts."""
    early = Op("update", "Account", "m", "1")
    gone_first = Op("destroy", "Account", "g", "2", needs=frozenset((("Account", "m"),)))
    taker = Op("update", "Account", "m", "1", needs=frozenset((gone("Account", "g"), ("Account", "new"))))
    other, new = Op("destroy", "Account", "x", "3"), create("Account", "new")
    assert levels([taker, other, gone_first, early, new]) == [[early, new], [gone_first], [taker], [other]]


def test_circles_are_refused() -> None:
    with pytest.raises(Failure) as caught:
        levels([create("Role", "a", (("Role", "b"),)), create("Role", "b", (("Role", "a"),))])
    assert "refer to each other" in caught.value.message


def test_no_call_has_more_than_500_items() -> None:
    found = batches([create("Account", f"u{n}") for n in range(1001)])
    assert [len(batch.ops) for batch in found] == [500, 500, 1]


def test_new_objects_are_referred_to_within_a_request(script: Any, client: JmapClient, registry: Registry) -> None:
    script.jmap(
        MARKER,
        {"created": {"c0-0": {"id": "k9"}}},
        {"updated": {"singleton": None}},
        DONE,
    )
    directory = Op("create", "Directory", "kc", variant="Oidc", writes=(Write("issuerUrl", TEXT, "https://x"),))
    login = Op(
        "update",
        "Authentication",
        "singleton",
        "singleton",
        writes=(Write("directoryId", Type("objectId", target="Directory"), "kc"),),
        needs=frozenset({("Directory", "kc")}),
    )
    writer = Writer(client, registry)
    writer.apply([login, directory])
    calls = script.calls()
    assert calls[0] == (
        "x:MemoryLookupKey/set",
        {"create": {"m0": {"namespace": "tenantmail-pending", "key": "ReloadSettings", "isGlobPattern": False}}},
    )
    assert calls[1] == ("x:Directory/set", {"create": {"c0-0": {"@type": "Oidc", "issuerUrl": "https://x"}}})
    assert calls[2] == ("x:Authentication/set", {"update": {"singleton": {"directoryId": "#c0-0"}}})
    assert calls[3] == ("x:Action/set", {"create": {"a0": {"@type": "ReloadSettings"}}})
    assert writer.finished == ["mark"]


def long_write() -> list[Op]:
    """17 ``/set`` calls: 16 roles, each member of the one before, and a setting that needs a reload, in the first."""
    ops = [
        create(
            "Role",
            f"r{n}",
            ((("Role", f"r{n - 1}"),) if n else ()),
            *([Write("roleIds", Type("set", item=Type("objectId", target="Role")), [f"r{n - 1}"])] if n else []),
        )
        for n in range(16)
    ]
    return [
        *ops,
        Op("update", "SpamSettings", "singleton", "singleton", writes=(Write("enable", Type("boolean"), False),)),
    ]


#: The server's answer to the first request of :func:`long_write`.
LONG_FIRST: tuple[Any, ...] = (
    MARKER,
    {"created": {"c0-0": {"id": "id0"}}},
    {"updated": {"singleton": None}},
    *({"created": {f"c{n}-0": {"id": f"id{n - 1}"}}} for n in range(2, 14)),
)


def test_across_requests_ids_take_their_place(script: Any, client: JmapClient, registry: Registry) -> None:
    """More calls than one request takes: marked in the first, run in the last, and references are ids by then."""
    script.jmap(*LONG_FIRST)
    script.jmap(*[{"created": {f"c{n}-0": {"id": f"x{n}"}}} for n in range(3)], DONE)
    writer = Writer(client, registry)
    writer.apply(long_write())
    first, later = script.calls(0), script.calls(1)
    assert len(first) == 15
    assert first[0][0] == "x:MemoryLookupKey/set"
    assert [name for name, _ in later] == ["x:Role/set", "x:Role/set", "x:Role/set", "x:Action/set"]
    assert later[0][1]["create"]["c0-0"] == {"roleIds": {"id12": True}}
    assert writer.finished == ["mark"]


def test_a_controller_that_dies_between_requests_leaves_the_marker(
    script: Any, client: JmapClient, registry: Registry
) -> None:
    """The first request has stored settings that need a reload; only the marker tells the next run of it."""

    def die(_body: Any) -> Any:
        raise KeyboardInterrupt

    script.jmap(*LONG_FIRST)
    script.expect("POST", "/jmap", die)
    with pytest.raises(KeyboardInterrupt):
        Writer(client, registry).apply(long_write())
    first = script.calls(0)
    marked = [index for index, (name, _) in enumerate(first) if name == "x:MemoryLookupKey/set"]
    stored = [index for index, (name, _) in enumerate(first) if name == "x:SpamSettings/set"]
    assert marked == [0]
    assert stored == [2]
    assert first[0][1]["create"]["m0"]["key"] == "ReloadSettings"


def test_a_refused_marker_is_not_tried_again(script: Any, client: JmapClient, registry: Registry) -> None:
    script.jmap(("error", {"type": "forbidden"}), *LONG_FIRST[1:])
    script.jmap(*[{"created": {f"c{n}-0": {"id": f"x{n}"}}} for n in range(3)], DONE)
    writer = Writer(client, registry)
    writer.apply(long_write())
    assert writer.finished == []


def item_error(script: Any, client: JmapClient, registry: Registry, op: Op, answer: dict[str, Any]) -> Failure:
    script.jmap(answer)
    with pytest.raises(Failure) as caught:
        Writer(client, registry).apply([op])
    return caught.value


ERRORS = [
    (
        {"type": "invalidPatch", "description": "Invalid domain name", "properties": ["name"]},
        "invalid_value",
        "Invalid domain name; property name",
    ),
    (
        {"type": "validationFailed", "validationErrors": [{"type": "Required", "property": "name"}]},
        "invalid_value",
        "name: Required",
    ),
    (
        {"type": "validationFailed", "validationErrors": [{"type": "MinValue", "property": "x", "required": 8}]},
        "invalid_value",
        "x: MinValue (8)",
    ),
    (
        {"type": "primaryKeyViolation", "properties": ["name"], "objectId": {"object": "Domain", "id": "b"}},
        "conflict",
        "belongs to domain acme.test",
    ),
    (
        {"type": "primaryKeyViolation", "properties": ["email"], "objectId": {"object": "Account", "id": "c"}},
        "conflict",
        "account alice@acme.test",
    ),
    ({"type": "invalidForeignKey", "objectId": {"object": "Role", "id": "zz"}}, "not_found", "role with id zz"),
    ({"type": "forbidden", "description": "Missing permissions"}, "forbidden", "Missing permissions"),
    ({"type": "overQuota"}, "conflict", "overQuota"),
    ({"type": "somethingNew"}, "server_error", "somethingNew"),
]


@pytest.mark.parametrize(("error", "code", "message"), ERRORS)
def test_refused_items(
    script: Any, client: JmapClient, registry: Registry, error: dict[str, Any], code: str, message: str
) -> None:
    failure = item_error(script, client, registry, create("Domain", "x.test"), {"notCreated": {"c0-0": error}})
    assert (failure.layer, failure.code) == ("stalwart", code)
    assert message in failure.message
    assert "cannot create domain x.test" in failure.message


def test_a_refusal_says_what_is_written(script: Any, client: JmapClient, registry: Registry) -> None:
    refused = {"notCreated": {"c0-1": {"type": "overQuota"}}}
    script.jmap({**refused, "created": {"c0-0": {"id": "n"}}})
    with pytest.raises(Failure) as caught:
        Writer(client, registry).apply([create("Domain", "w.test"), create("Domain", "x.test")])
    assert caught.value.hint == "Written before: domain w.test; the next run continues from there."
    alone = {"notCreated": {"c0-0": {"type": "overQuota"}}}
    assert item_error(script, client, registry, create("Domain", "x.test"), alone).hint == "Nothing was written."


def test_an_item_that_is_not_mentioned_has_failed(script: Any, client: JmapClient, registry: Registry) -> None:
    failure = item_error(script, client, registry, Op("destroy", "Domain", "x.test", "zz!"), {"accountId": "a"})
    assert failure.code == "conflict"
    assert "not there any more" in failure.message


def test_holders_of_a_linked_object_are_named(script: Any, client: JmapClient, registry: Registry) -> None:
    linked = [
        {"object": "Account", "id": "c"},
        {"object": "DkimSignature", "id": "k"},
        {"object": "SystemSettings", "id": "singleton"},
    ]
    script.jmap(
        {
            "notDestroyed": {
                "b": {"type": "objectIsLinked", "objectId": {"object": "Domain", "id": "b"}, "linkedObjects": linked}
            }
        }
    )
    script.jmap(
        {"ids": ["k"], "total": 1},
        {"list": [{"id": "k", "selector": "s1", "domainId": "b"}]},
        {"list": [{"id": "singleton"}]},
    )
    with pytest.raises(Failure) as caught:
        Writer(client, registry).apply([Op("destroy", "Domain", "acme.test", "b")])
    assert "account alice@acme.test, dkimSignature s1._domainkey.acme.test, systemSettings" in caught.value.message


def test_a_refused_reload_names_the_object_and_the_remedy(script: Any, client: JmapClient, registry: Registry) -> None:
    why = {
        "type": "validationFailed",
        "description": "Invalid address: failed to lookup",
        "objectId": {"object": "SpamPyzor", "id": "singleton"},
    }
    script.jmap(MARKER, {"updated": {"singleton": None}}, {"notCreated": {"a0": why}})
    op = Op("update", "SpamSettings", "singleton", "singleton", writes=(Write("enable", Type("boolean"), False),))
    with pytest.raises(Failure) as caught:
        Writer(client, registry).apply([op])
    failure = caught.value
    assert failure.code == "reload_refused"
    assert "spamPyzor: Invalid address: failed to lookup" in failure.message
    assert "disable it (spamPyzor.enable: false)" in failure.hint
    assert failure.details["object"] == {"object": "SpamPyzor", "id": "singleton"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"notCreated": {"a0": {"type": "forbidden"}}}, "forbidden"),
        (("error", {"type": "forbidden", "description": "no"}), "forbidden"),
        (("error", {"type": "serverFail"}), "reload_refused"),
        ({"created": {}}, "protocol"),
    ],
)
def test_other_refusals_of_an_action(
    script: Any, client: JmapClient, registry: Registry, answer: Any, code: str
) -> None:
    script.jmap(answer)
    registry.pending = {"ReloadSettings": "mark"}
    with pytest.raises(Failure) as caught:
        Writer(client, registry).apply([Op("action", "Action", "ReloadSettings", action="ReloadSettings")])
    assert caught.value.code == code


# --- the whole task, as a conversation ---------------------------------------------------------------------------------

SPAM_ON = {"list": [{"id": "singleton", "enable": True}]}
SPAM_OFF = {"list": [{"id": "singleton", "enable": False}]}
NONE = ({"ids": [], "total": 0}, {"list": []})
OWED = (
    {"ids": ["mark"], "total": 1},
    {"list": [{"id": "mark", "namespace": "tenantmail-pending", "key": "ReloadSettings"}]},
)


def task(client: JmapClient, schema: Schema, **settings: Any) -> SettingsTask:
    return SettingsTask(client, schema, SettingsAsk(settings=settings))


def test_a_run_that_finds_nothing_only_reads(script: Any, client: JmapClient, schema: Schema) -> None:
    script.jmap(SPAM_OFF, *NONE)
    outcome = task(client, schema, **{"spamSettings.enable": False}).run(False)
    assert not outcome.plan
    assert outcome.values() == {"spamSettings": {"enable": False}}
    assert client.http.requests == 1


def test_check_mode_only_reads(script: Any, client: JmapClient, schema: Schema) -> None:
    script.jmap(SPAM_ON, *NONE)
    assert task(client, schema, **{"spamSettings.enable": False}).run(True).plan


def test_write_reload_and_read_back(script: Any, client: JmapClient, schema: Schema) -> None:
    script.jmap(SPAM_ON, *NONE)
    script.jmap(MARKER, {"updated": {"singleton": None}}, DONE)
    script.jmap({"destroyed": ["mark"]})
    script.jmap(SPAM_OFF, *NONE)
    outcome = task(client, schema, **{"spamSettings.enable": False}).run(False)
    assert [str(change) for change in outcome.plan.changes] == ["update spamSettings singleton"]
    assert script.calls(2) == [("x:MemoryLookupKey/set", {"destroy": ["mark"]})]


def test_an_owed_reload_is_repeated_and_its_marker_removed(script: Any, client: JmapClient, schema: Schema) -> None:
    script.jmap(SPAM_OFF, *OWED)
    script.jmap(DONE)
    script.jmap({"destroyed": ["mark"]})
    script.jmap(SPAM_OFF, *NONE)
    outcome = task(client, schema, **{"spamSettings.enable": False}).run(False)
    assert [str(change) for change in outcome.plan.changes] == ["update running settings ReloadSettings"]


def test_a_value_that_the_server_rewrites_is_not_converged(script: Any, client: JmapClient, schema: Schema) -> None:
    script.jmap(SPAM_ON, *NONE)
    script.jmap(MARKER, {"updated": {"singleton": None}}, DONE)
    script.jmap({"destroyed": ["mark"]})
    script.jmap(SPAM_ON, *NONE)
    with pytest.raises(Failure) as caught:
        task(client, schema, **{"spamSettings.enable": False}).run(False)
    assert caught.value.code == "not_converged"


def test_a_lost_race_is_planned_anew(script: Any, client: JmapClient, schema: Schema) -> None:
    script.jmap(SPAM_ON, *NONE)
    script.jmap(MARKER, ("error", {"type": "serverUnavailable"}), DONE)
    script.jmap(SPAM_OFF, *OWED)
    script.jmap(DONE)
    script.jmap({"destroyed": ["mark"]})
    script.jmap(SPAM_OFF, *NONE)
    outcome = task(client, schema, **{"spamSettings.enable": False}).run(False)
    assert [str(change) for change in outcome.plan.changes] == ["update spamSettings singleton"]


def test_races_are_not_repeated_for_ever(script: Any, client: JmapClient, schema: Schema) -> None:
    for _ in range(3):
        script.jmap(SPAM_ON, *NONE)
        script.jmap(MARKER, ("error", {"type": "serverUnavailable"}), DONE)
    with pytest.raises(Failure) as caught:
        task(client, schema, **{"spamSettings.enable": False}).run(False)
    assert caught.value.code == "conflict"


def test_a_credential_that_may_not_see_markers_still_works(script: Any, client: JmapClient, schema: Schema) -> None:
    no = ("error", {"type": "forbidden", "description": "no"})
    script.jmap(SPAM_ON, no, no)
    script.jmap(no, {"updated": {"singleton": None}}, DONE)
    script.jmap(SPAM_OFF, no, no)
    assert task(client, schema, **{"spamSettings.enable": False}).run(False).plan
