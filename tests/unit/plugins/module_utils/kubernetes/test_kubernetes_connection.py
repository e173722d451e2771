from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.argspec import CONNECTION
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.client import connect
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import (
    configuration,
    inline_secrets,
    normalise,
    secrets_of,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.release_task import refuse_for_helm
from ansible_collections.tenantmail.stalwart.plugins.module_utils.preflight import task as preflight_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import KUBERNETES

TOKEN = "canary-token-of-a-kubeconfig"


def kubeconfig(host: str = "https://127.0.0.1:1") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "first",
        "clusters": [
            {"name": "c", "cluster": {"server": host}},
            {"name": "d", "cluster": {"server": "https://d.test"}},
        ],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [
            {"name": "first", "context": {"cluster": "c", "user": "u"}},
            {"name": "second", "context": {"cluster": "d", "user": "u"}},
        ],
    }


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KUBERNETES_SERVICE_HOST", "KUBECONFIG", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_HOST", "K8S_AUTH_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_aliases_and_environment() -> None:
    environ = {"K8S_AUTH_SSL_CA_CERT": "/ca", "K8S_AUTH_VERIFY_SSL": "no", "K8S_AUTH_HOST": "https://env.test"}
    given = {"host": "https://given.test", "cert_file": "/c", "api_key": None}
    assert normalise(given, environ) == {
        "host": "https://given.test",
        "validate_certs": False,
        "ca_cert": "/ca",
        "client_cert": "/c",
    }


def test_unknown_options_are_named_with_what_is_accepted() -> None:
    with pytest.raises(Failure) as caught:
        normalise({"kubeconfg": "/x", "impersonate_user": "root"}, {})
    assert caught.value.code == "invalid_value"
    assert "impersonate_user, kubeconfg" in caught.value.message
    assert "kubeconfig" in caught.value.hint


def test_secrets_are_known_to_the_redactor() -> None:
    assert sorted(secrets_of({"api_key": "k" * 9, "password": "p" * 9, "host": "h"})) == ["k" * 9, "p" * 9]


def test_secrets_of_an_inline_kubeconfig_are_found_and_nothing_else() -> None:
    content = kubeconfig()
    content["users"].append(
        {
            "name": "v",
            "user": {
                "username": "plain",
                "password": "p" * 9,
                "client-certificate-data": "public",
                "client-key-data": "k" * 9,
                "tokenFile": "/plain",
                "auth-provider": {"name": "oidc", "config": {"id-token": "i" * 9, "client-secret": "s" * 9}},
                "exec": {"env": [{"name": "AWS_PROFILE", "value": "plain"}, {"name": "API_TOKEN", "value": "e" * 9}]},
            },
        }
    )
    found = sorted(["p" * 9, "k" * 9, "i" * 9, "s" * 9, "e" * 9, TOKEN])
    assert sorted(inline_secrets({"connection": {"kubeconfig": content}})) == found
    assert sorted(inline_secrets({"kubernetes": {"kubeconfig": content}})) == found
    assert sorted(secrets_of({"kubeconfig": content})) == found
    assert inline_secrets({"connection": {"kubeconfig": "/k/config"}, "kubernetes": None}) == []


@pytest.mark.parametrize("text", [yaml.safe_dump(kubeconfig()), f'{{"users": "{TOKEN}"}}'])
def test_content_given_as_a_path_is_not_quoted(text: str) -> None:
    with pytest.raises(Failure) as caught:
        configuration({"kubeconfig": text})
    assert TOKEN not in str(caught.value.as_dict())
    assert inline_secrets({"connection": {"kubeconfig": text}}) == [text]


def test_every_module_with_a_connection_takes_the_same_options() -> None:
    for options in (KUBERNETES, {**preflight_task.SPEC["kubernetes"]["options"]}):
        assert {name: options[name] for name in CONNECTION["options"]} == CONNECTION["options"]
    assert CONNECTION["options"]["kubeconfig"]["no_log"] is False


@pytest.mark.parametrize("as_file", [True, False])
def test_kubeconfig_by_path_and_by_content(tmp_path: Path, as_file: bool) -> None:
    content: Any = kubeconfig()
    if as_file:
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(content))
        content = str(path)
    assert configuration({"kubeconfig": content}).host == "https://127.0.0.1:1"
    second = configuration({"kubeconfig": content, "context": "second"})
    assert second.host == "https://d.test"
    assert second.auth_settings()["BearerToken"]["value"] == f"Bearer {TOKEN}"
    assert configuration({"kubeconfig": content, "host": "https://other.test/"}).host == "https://other.test"


def test_host_and_token_need_no_kubeconfig() -> None:
    config = configuration(
        {"host": "https://h.test/", "api_key": "token-of-8", "ca_cert": "~/ca", "validate_certs": True}
    )
    assert config.host == "https://h.test"
    assert config.auth_settings()["BearerToken"]["value"] == "Bearer token-of-8"
    assert config.ssl_ca_cert.endswith("/ca")
    assert "~" not in config.ssl_ca_cert


@pytest.mark.parametrize(
    "connection",
    [
        {},
        {"kubeconfig": "/nowhere"},
        {"kubeconfig": {"clusters": []}},
        {"kubeconfig": kubeconfig(), "context": "third"},
    ],
    ids=["nothing", "no file", "no config", "no context"],
)
def test_nothing_usable_is_one_sentence(connection: dict[str, Any]) -> None:
    with pytest.raises(Failure) as caught:
        configuration(connection)
    assert caught.value.code == "invalid_value"
    assert TOKEN not in caught.value.sentence
    assert "tenant_kubernetes" in caught.value.hint


def test_a_broken_file_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(f"users: [{{token: {TOKEN}")
    with pytest.raises(Failure) as caught:
        configuration({"kubeconfig": str(path)})
    assert TOKEN not in caught.value.sentence


def test_the_library_s_global_default_stays_untouched() -> None:
    import kubernetes.client

    before = kubernetes.client.Configuration.get_default_copy().host
    configuration({"kubeconfig": kubeconfig()})
    assert kubernetes.client.Configuration.get_default_copy().host == before


@pytest.mark.parametrize(
    ("options", "named"),
    [({"client_cert": "/c", "host": "h"}, "client_cert"), ({"context": "x", "ca_cert": "/c"}, "context and ca_cert")],
)
def test_what_helm_cannot_use_is_refused(options: dict[str, str], named: str) -> None:
    with pytest.raises(Failure) as caught:
        refuse_for_helm(options)
    assert named in caught.value.message


@pytest.mark.parametrize(
    ("status", "body", "code", "says"),
    [
        (401, '{"kind":"Status","message":"Unauthorized"}', "unauthorized", "Unauthorized"),
        (403, '{"kind":"Status","message":"leases is forbidden: User \\"x\\""}', "forbidden", "leases is forbidden"),
        (404, '{"kind":"Status","message":"not here"}', "not_found", "not here"),
        (409, '{"kind":"Status","message":"object has been modified"}', "conflict", "modified"),
        (422, '{"kind":"Status","message":"spec: Invalid"}', "invalid_value", "spec: Invalid"),
        (500, "<html>boom</html>", "server_error", "boom"),
    ],
)
def test_failures_say_what_the_status_object_says(
    httpserver: Any, status: int, body: str, code: str, says: str
) -> None:
    url = httpserver({"/api/v1/namespaces/x": (status, body)})
    client = connect({"host": url, "api_key": TOKEN})
    with pytest.raises(Failure) as caught:
        client.get("/api/v1/namespaces/x")
    assert (caught.value.layer, caught.value.code) == ("kubernetes", code)
    assert says in caught.value.message
    assert '"kind"' not in caught.value.message
    assert TOKEN not in caught.value.sentence


def test_reads_are_counted_and_absence_is_none(httpserver: Any) -> None:
    url = httpserver({"/api/v1/a": (200, '{"items":[{"x":1}]}')})
    client = connect({"host": url, "api_key": TOKEN})
    assert client.items("/api/v1/a", "k=v") == [{"x": 1}]
    assert client.find("/api/v1/b") is None
    assert client.items("/api/v1/b") is None
    assert client.requests == 3
    assert httpserver.seen[0] == ("/api/v1/a?labelSelector=k%3Dv", f"Bearer {TOKEN}")
    client.close()
