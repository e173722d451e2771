"""Generation, image, store, capacity and settings of the server."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.redact import MASK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import server
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.overlay import Inputs
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Invalid, Problems

DIGEST = "sha256:" + "0123456789abcdef" * 4


def resolve(**options: t.Any) -> tuple[server.Server, list[tuple[str, t.Any]]]:
    problems = Problems()
    found = server.resolve(Inputs(options, problems), problems)
    return found, [(problem.variable, problem.value) for problem in problems]


def test_defaults_are_the_original_capacity() -> None:
    found, problems = resolve()
    assert problems == []
    assert found.generation == "0.16"
    assert found.image == {
        "repository": "docker.io/stalwartlabs/stalwart",
        "tag": "v0.16.18",
        "digest": None,
        "pull_policy": "IfNotPresent",
    }
    assert found.store == {"@type": "RocksDb"}
    assert found.replicas == 1
    assert found.resources == {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }
    assert found.storage == {"size": "20Gi", "class": None}
    assert found.spam_filter is False


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("docker.io/stalwartlabs/stalwart:v0.16.18", ("docker.io/stalwartlabs/stalwart", "v0.16.18", None)),
        ("localhost:5000/stalwart:0.16", ("localhost:5000/stalwart", "0.16", None)),
        (f"stalwart:v0.16.18-abc@{DIGEST}", ("stalwart", "v0.16.18-abc", DIGEST)),
    ],
)
def test_image(text: str, parts: tuple[str, str, str | None]) -> None:
    assert server.image(text) == dict(zip(("repository", "tag", "digest"), parts))


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (server.image, ""),
        (server.image, "stalwart"),
        (server.image, f"stalwart@{DIGEST}"),
        (server.image, "localhost:5000/stalwart"),
        (server.image, "stalwart:latest"),
        (server.image, "stalwart:v0.16@sha256:12"),
        (server.image, "Stalwart Labs:v0.16"),
        (server.image, {"repository": "x"}),
        (server.image_digest, "sha512:00"),
        (server.image_repository, "a b"),
        (server.pull_policy, "always"),
        (server.generation, "0.14"),
        (server.generation, "0.150"),
        (server.generation, "v0.16"),
        (server.generation, 1),
        (server.generation, True),
        (server.quantity, "20 Gi"),
        (server.quantity, "20GB"),
        (server.quantity, "-1"),
        (server.quantity, True),
        (server.quantity, ["1"]),
        (server.quantity, "1Eie3"),
        (server.quantity, "1e100"),
        (server.quantity, "\u0661"),
        (server.quantity, "1Gi\n"),
        (server.quantity, float("nan")),
        (server.size, 20),
        (server.size, "20"),
        (server.size, "20m"),
        (server.size, "20e9"),
        (server.size, "20GB"),
        (server.size, ["20Gi"]),
        (server.store, "RocksDb"),
        (server.store_type, "rocksdb"),
        (server.store_type, ["RocksDb"]),
        (server.store_type, None),
        (server.replicas, 2),
        (server.replicas, 0),
        (server.replicas, "2"),
        (server.replicas, True),
        (server.boolean, "maybe"),
        (server.boolean, 2),
    ],
)
def test_refused(parse: t.Callable[[t.Any], t.Any], value: t.Any) -> None:
    with pytest.raises(Invalid) as caught:
        parse(value)
    assert caught.value.accepted


@pytest.mark.parametrize(
    ("value", "normal"), [("100m", "100m"), (1, "1"), (0.5, "0.5"), ("1.5Gi", "1.5Gi"), ("1e3", "1e3"), ("1Pi", "1Pi")]
)
def test_quantity(value: t.Any, normal: str) -> None:
    assert server.quantity(value) == normal


@pytest.mark.parametrize("value", ["20Gi", "1.5Ti", "500G", "1Pi", "1E"])
def test_size(value: str) -> None:
    assert server.size(value) == value


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"tenant_storage": {"size": 20}}, "tenant_storage.size"),
        ({"tenant_overlay": {"persistence": {"size": 20}}}, "tenant_overlay.persistence.size"),
    ],
)
def test_a_size_without_unit_is_refused(given: dict[str, t.Any], variable: str) -> None:
    assert resolve(**given)[1] == [(variable, 20)]


def test_a_second_replica_is_refused_with_the_reason() -> None:
    with pytest.raises(Invalid, match="single-writer"):
        server.replicas(2)
    assert resolve(tenant_overlay={"replicas": 2})[1] == [("tenant_overlay.replicas", 2)]


def test_the_generation_may_be_a_number() -> None:
    assert resolve(tenant_generation=0.16)[0].generation == "0.16"


def test_the_image_follows_the_generation() -> None:
    found, problems = resolve(tenant_generation=0.15)
    assert (problems, found.generation, found.image["tag"]) == ([], "0.15", "v0.15.5")
    found, problems = resolve(tenant_generation="0.15", tenant_image="mirror.test/s:v0.15.4-alpine")
    assert (problems, found.image["tag"]) == ([], "v0.15.4-alpine")


@pytest.mark.parametrize(
    ("options", "mistakes"),
    [
        ({"tenant_generation": "0.14"}, [("tenant_generation", "0.14")]),
        ({"tenant_generation": "0.15", "tenant_image": "s:v0.16.18"}, [("tenant_image", "s:v0.16.18")]),
        ({"tenant_store": {"@type": "PostgreSql", "host": "db"}}, [("tenant_store.@type", "PostgreSql")]),
        ({"tenant_generation": "0.15", "tenant_store": {"@type": "MySql"}}, [("tenant_store.@type", "MySql")]),
        ({"tenant_overlay": {"store": {"@type": "FoundationDb"}}}, [("tenant_overlay.store.@type", "FoundationDb")]),
        ({"tenant_store": {"path": "/x"}}, [("tenant_store.@type", None)]),
        ({"tenant_store": "RocksDb"}, [("tenant_store", "RocksDb")]),
        ({"tenant_image": "stalwart:v0.15.5"}, [("tenant_image", "stalwart:v0.15.5")]),
        ({"tenant_image": "stalwart:v0.160.1"}, [("tenant_image", "stalwart:v0.160.1")]),
        ({"tenant_overlay": {"image": {"tag": "v0.15.5"}}}, [("tenant_overlay.image.tag", "v0.15.5")]),
        ({"tenant_overlay": {"image": {"tga": "v0.16.1"}}}, [("tenant_overlay.image.tga", "v0.16.1")]),
        ({"tenant_resources": {"limit": {}}}, [("tenant_resources.limit", {})]),
        ({"tenant_resources": {"limits": "1"}}, [("tenant_resources.limits", "1")]),
        ({"tenant_resources": {"limits": {"cpu": "one"}}}, [("tenant_resources.limits.cpu", "one")]),
        (
            {"tenant_overlay": {"resources": {"limits": {"cpu": "one"}}}},
            [("tenant_overlay.resources.limits.cpu", "one")],
        ),
        (
            {"tenant_storage": {"size": "big", "clas": "x"}},
            [("tenant_storage.size", "big"), ("tenant_storage.clas", "x")],
        ),
        ({"tenant_storage": "20Gi"}, [("tenant_storage", "20Gi")]),
        ({"tenant_spam_filter": "perhaps"}, [("tenant_spam_filter", "perhaps")]),
        (
            {"tenant_overlay": {"mailboxProvisioner": {"enabled": True}}},
            [("tenant_overlay.mailboxProvisioner.enabled", True)],
        ),
        ({"tenant_settings": ["x"]}, [("tenant_settings", ["x"])]),
        ({"tenant_settings": {"spamSettings.enable": True}}, [("tenant_settings.spamSettings.enable", True)]),
        ({"tenant_settings": {"storage": {"directory": "x"}}}, [("tenant_settings.storage.directory", "x")]),
        # A scalar or another variant in the place of what the role owns; each is named once.
        ({"tenant_settings": {"systemSettings": "x"}}, [("tenant_settings.systemSettings", "x")]),
        ({"tenant_settings": {"authentication": None}}, [("tenant_settings.authentication", None)]),
        ({"tenant_settings": {"directory": "kc"}}, [("tenant_settings.directory", "kc")]),
        ({"tenant_settings": {"spamSettings.@type": "X"}}, [("tenant_settings.spamSettings.@type", "X")]),
        # The form of the rest, though no server is there.
        ({"tenant_settings": {"mtaRoute": "x"}}, [("tenant_settings.mtaRoute", "x")]),
        ({"tenant_settings": {"dataStore": {}}}, [("tenant_settings.dataStore", {})]),
        ({"tenant_settings": {"mtaRoute.a.key.@type": "file"}}, [("tenant_settings.mtaRoute.a.key.@type", "file")]),
        ({"tenant_settings": {"a.b.else": "x = 1"}}, [("tenant_settings.a.b.else", "x = 1")]),
        ({"tenant_settings": {"a.b": 1, "a": {"b": 2}}}, [("tenant_settings.a.b", 2)]),
        ({"tenant_settings": {"a..b": 1}}, [("tenant_settings.a..b", 1)]),
        (
            {"tenant_settings": {"systemSettings.defaultHostname": "a.test"}},
            [("tenant_settings.systemSettings.defaultHostname", "a.test")],
        ),
        (
            {"tenant_store": {"@type": "Sqlite", "authSecret": {"@type": "Value", "secret": "canary-secret"}}},
            [("tenant_store.authSecret.secret", MASK)],
        ),
        (
            {"tenant_settings": {"mtaRoute": {"relay": {"authSecret": {"secret": "canary-secret"}}}}},
            [("tenant_settings.mtaRoute.relay.authSecret.secret", MASK)],
        ),
        (
            {"tenant_settings": {"mtaRoute.relay.authSecret.secret": "canary-secret"}},
            [("tenant_settings.mtaRoute.relay.authSecret.secret", MASK)],
        ),
    ],
)
def test_mistakes(options: dict[str, t.Any], mistakes: list[tuple[str, t.Any]]) -> None:
    assert resolve(**options)[1] == mistakes


def test_what_is_given_is_laid_on_the_defaults() -> None:
    found, problems = resolve(
        tenant_resources={"limits": {"memory": "2Gi"}},
        tenant_storage={"size": "5Gi"},
        tenant_overlay={
            "image": {"repository": "mirror.test/stalwart", "pullPolicy": "Always"},
            "persistence": {"size": "9Gi", "storageClassName": "fast"},
            "spamFilter": {"enabled": True},
        },
    )
    assert problems == []
    assert found.resources["limits"] == {"cpu": "1", "memory": "2Gi"}
    assert found.storage == {"size": "5Gi", "class": "fast"}
    assert found.image == {
        "repository": "mirror.test/stalwart",
        "tag": "v0.16.18",
        "digest": None,
        "pull_policy": "Always",
    }
    assert found.spam_filter is True


def test_references_to_secrets_are_no_secrets() -> None:
    route = {"@type": "Relay", "authSecret": {"@type": "EnvironmentVariable", "variableName": "RELAY_PASSWORD"}}
    assert resolve(tenant_settings={"mtaRoute": {"relay": route}})[1] == []


@pytest.mark.parametrize("generation", ["0.16", "0.15"])
@pytest.mark.parametrize("kind", ["RocksDb", "Sqlite"])
def test_stores_of_the_pod_s_own_volume(generation: str, kind: str) -> None:
    found, problems = resolve(tenant_generation=generation, tenant_store={"@type": kind, "poolWorkers": 4})
    assert (found.store, problems) == ({"@type": kind, "poolWorkers": 4}, [])


def test_a_refused_store_says_what_is_accepted() -> None:
    problems = Problems()
    server.resolve(Inputs({"tenant_store": {"@type": "PostgreSql", "host": "db"}}, problems), problems)
    assert [str(problem) for problem in problems] == [
        'tenant_store.@type is "PostgreSql"; accepted: a store in the pod\'s own volume, RocksDb, Sqlite.'
    ]
