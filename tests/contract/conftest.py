"""Fixtures of the contract tests: every server there is, one after the other."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from . import servers
from .api import Api, Target
from .issuer import Issuer
from .mail import User, user


@pytest.fixture(scope="module", params=servers.names("0.16"))
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with servers.opened(request.param, tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture
def api(target: Target) -> Iterator[Api]:
    client = Api(target)
    yield client
    client.clean()


@pytest.fixture
def name() -> str:
    """A domain name nobody else uses."""
    return f"t{secrets.token_hex(4)}.test"


@pytest.fixture
def domain(api: Api, name: str) -> str:
    """Id of a domain without automatic keys."""
    return api.create("Domain", name=name, dkimManagement={"@type": "Manual"})


@pytest.fixture
def issuer(target: Target) -> Iterator[Issuer]:
    """An OIDC issuer that the server under test can reach."""
    if target.name == "url" and "//127.0.0.1:" not in target.base_url:
        pytest.skip("the issuer listens on loopback, out of this server's reach")
    running = Issuer("contract", "foreign").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def reloadable(target: Target) -> None:
    """ReloadSettings is refused while Pyzor's host cannot be resolved (contract 11.1)."""
    api = Api(target)
    api.update("SpamPyzor", "singleton", {"enable": False})
    api.update("SpamSettings", "singleton", {"enable": False})


@pytest.fixture
def directory(api: Api, domain: str, name: str, issuer: Issuer, reloadable: None) -> Iterator[str]:
    """Id of an OIDC directory that is the running default one."""
    key = api.create(
        "Directory",
        type_="Oidc",
        description=f"contract {name}",
        issuerUrl=issuer.url("contract"),
        claimGroups="groups",
        requireScopes=dict.fromkeys(("openid", "email", "profile", "groups"), True),
        usernameDomain=name,
    )
    api.update("Authentication", "singleton", {"directoryId": key})
    assert "created" in api.action("ReloadSettings")
    yield key
    api.update("Authentication", "singleton", {"directoryId": None})
    assert "created" in api.action("ReloadSettings")
    for account in api.query("Account", filter={"domainId": domain, "@type": "User"}):
        api.destroy("Account", account)
    for account in api.query("Account", filter={"domainId": domain}):
        api.destroy("Account", account)


@pytest.fixture(scope="module")
def impatient(target: Target, reloadable: None) -> None:
    """Failures wait a moment, not the usual five seconds."""
    client = Api(target)
    client.update("MtaStageAuth", "singleton", {"waitOnFail": {"else": "100ms"}})
    client.update("MtaStageRcpt", "singleton", {"waitOnFail": {"else": "600ms"}})
    assert "created" in client.action("ReloadSettings")


@pytest.fixture
def alice(api: Api, domain: str, name: str) -> User:
    return user(api, domain, name, "alice")


@pytest.fixture
def bob(api: Api, domain: str, name: str) -> User:
    return user(api, domain, name, "bob")
