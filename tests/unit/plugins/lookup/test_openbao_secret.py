from __future__ import annotations

from typing import Any

import pytest
import responses
import yaml
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible_collections.tenantmail.stalwart.plugins.lookup import openbao_secret

URL = "https://bao.test"
AUTH = {"method": "approle", "role_id": "role", "secret_id": "canary-secret-id"}
REFERENCES = ["a#P", {"path": "a", "property": "Q"}, "b#P"]


@pytest.fixture(scope="module", autouse=True)
def options() -> None:
    """What Ansible's loader does when it finds the plugin."""
    documented = yaml.safe_load(openbao_secret.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", "openbao_secret", documented)


@pytest.fixture
def server():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(f"{URL}/v1/auth/approle/login", json={"auth": {"client_token": "canary-token"}})
        mock.get(
            f"{URL}/v1/secret/data/a",
            json={"data": {"data": {"P": "value-of-p", "Q": "value-of-q"}, "metadata": {"version": 1}}},
        )
        mock.get(f"{URL}/v1/secret/data/b", status=404, json={"errors": []})
        yield mock


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if in one of Ansible's worker processes, with nothing remembered."""
    monkeypatch.setattr(openbao_secret.multiprocessing, "parent_process", object)
    monkeypatch.setattr(openbao_secret, "_CACHE", {})


def look_up(*terms: Any, **kwargs: Any) -> list[Any]:
    plugin = openbao_secret.LookupModule()
    plugin._load_name = "openbao_secret"
    return plugin.run(list(terms), variables={}, **{"url": URL, "auth": AUTH, **kwargs})


def test_several_properties_with_one_login_and_one_read_per_path(server) -> None:
    assert look_up(*REFERENCES, on_missing="none") == ["value-of-p", "value-of-q", None]
    assert [call.request.method for call in server.calls] == ["POST", "GET", "GET"]


def test_a_worker_reads_a_path_once(server, worker: None) -> None:
    assert look_up("a#P") == ["value-of-p"]
    assert look_up("a#Q") == ["value-of-q"]
    assert len(server.calls) == 2
    look_up("b#P", on_missing="none")
    assert len(server.calls) == 4


def test_the_main_process_remembers_nothing(server) -> None:
    look_up("a#P")
    look_up("a#P")
    assert len(server.calls) == 4


def test_other_credentials_do_not_share_what_was_read(server, worker: None) -> None:
    look_up("a#P")
    look_up("a#P", auth={"method": "token", "token": "canary-token"})
    assert [call.request.method for call in server.calls] == ["POST", "GET", "GET"]


def test_the_template_of_the_credentials_is_not_copied(server, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(dict[str, str]):
        """As Ansible hands over a dict from an expression: with a template engine, which knows every variable."""

        def __deepcopy__(self, memo: Any) -> None:
            raise AssertionError

    get_option = openbao_secret.LookupModule.get_option
    monkeypatch.setattr(
        openbao_secret.LookupModule,
        "get_option",
        lambda self, name: Lazy(AUTH) if name == "auth" else get_option(self, name),
    )
    assert look_up("a#P") == ["value-of-p"]


def test_missing_fails_unless_allowed(server) -> None:
    with pytest.raises(
        AnsibleLookupError,
        match=r"openbao: the secret b#P cannot be read: it does not exist\. Run role secrets first\.",
    ):
        look_up("b#P")


def test_offline_makes_no_request(server) -> None:
    assert look_up(*REFERENCES, on_missing="none", offline=True, auth={}) == [None, None, None]
    with pytest.raises(AnsibleLookupError, match="on_missing=none"):
        look_up("a#P", offline=True)
    assert len(server.calls) == 0


@pytest.mark.parametrize(
    ("terms", "kwargs", "message"),
    [
        (["a"], {}, "'a' does not name a secret"),
        (["a#P"], {"auth": {"method": "approle", "role_id": "x"}}, "secret_id"),
        (["a#P"], {"auth": None}, "no credentials are given. Set platform_openbao_auth"),
        (["a#P"], {"auth": {"method": "token", "token": "short"}}, "platform_openbao_auth.token has 5 characters"),
        (["a#P"], {"url": "bao.test"}, "'bao.test' is no URL"),
    ],
)
def test_bad_input(server, terms: list[str], kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleLookupError, match=message):
        look_up(*terms, **kwargs)
    assert len(server.calls) == 0


def test_a_refused_login_shows_no_credential(server) -> None:
    server.replace("POST", f"{URL}/v1/auth/approle/login", status=400, json={"errors": ["no canary-secret-id"]})
    with pytest.raises(AnsibleLookupError) as caught:
        look_up("a#P")
    assert "was refused" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("token", ["canary-token-1234", "canary-token-1234\n"])
def test_an_unexpected_exception_shows_no_credential(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    def broken(*args: Any) -> None:
        raise KeyError(token)

    monkeypatch.setattr(openbao_secret.LookupModule, "_read", staticmethod(broken))
    with pytest.raises(AnsibleLookupError) as caught:
        look_up("a#P", auth={"method": "token", "token": token})
    assert "openbao: KeyError at" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
