"""Role `secrets` alone on the sandbox's OpenBao: generate what is missing, keep what is there, refusals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

import hvac
import pytest

from tests.sandbox import facts

from . import role

pytestmark = pytest.mark.sandbox

MOUNT = "secret"
FOLDER = f"sovereign/{facts.platform_fqdn()}/roletest"
ADMIN, OIDC = f"{FOLDER}/admin", f"{FOLDER}/oidc"
REQUIRED = [
    {"path": ADMIN, "property": "ADMIN_PASSWORD"},
    {"path": OIDC, "property": "OIDC_CLIENT_SECRET"},
    {"path": OIDC, "property": "SECOND"},
]
GENERATED = re.compile(r"[A-Za-z0-9]{32}")


def credential(name: str) -> str:
    return (facts.settings().credentials / name).read_text()


def variables(**changes: Any) -> dict[str, Any]:
    settings = facts.settings()
    return {
        "secrets_url": settings.openbao_url,
        "secrets_mount": MOUNT,
        "secrets_auth": {
            "method": "approle",
            "role_id": credential("openbao-provisioner-role-id"),
            "secret_id": credential("openbao-provisioner-secret-id"),
        },
        "secrets_ca_path": str(settings.ca_file),
        "secrets_required": REQUIRED,
        "secrets_manage": True,
        "secrets_offline": False,
        **changes,
    }


@pytest.fixture
def kv() -> Iterator[Any]:
    client: hvac.Client = facts.openbao()
    yield client.secrets.kv.v2
    for path in (ADMIN, OIDC):
        client.secrets.kv.v2.delete_metadata_and_all_versions(path, mount_point=MOUNT)


def data(kv: Any, path: str) -> dict[str, Any]:
    return kv.read_secret_version(path, mount_point=MOUNT, raise_on_deleted_version=True)["data"]


def put(kv: Any, path: str, **values: Any) -> None:
    kv.create_or_update_secret(path, values, mount_point=MOUNT)


def names(*properties: str) -> list[str]:
    return [f"create secret {name}" for name in properties]


def test_check_first_and_second_run(kv: Any, tmp_path: Path) -> None:
    mark = facts.mark()
    check = role.run(tmp_path, "secrets", variables(), "--check", "--diff")
    assert check.status == 0, check.output[-3000:]
    everything = names(f"{ADMIN}#ADMIN_PASSWORD", f"{OIDC}#OIDC_CLIENT_SECRET", f"{OIDC}#SECOND")
    assert check.report == {"changed": everything, "proven": [], "missing": []}
    assert facts.counts(mark)["openbao"]["write"] == 0

    first = role.run(tmp_path, "secrets", variables(), "--diff", "-vvvv")
    assert first.status == 0, first.output[-3000:]
    assert first.report == {"changed": everything, "proven": ["3 secrets in OpenBao"], "missing": []}
    values = [data(kv, ADMIN)["data"]["ADMIN_PASSWORD"], *data(kv, OIDC)["data"].values()]
    assert all(GENERATED.fullmatch(value) for value in values)
    assert len(set(values)) == 3
    for secret in (*values, credential("openbao-provisioner-secret-id")):
        assert secret not in check.output + first.output

    mark = facts.mark()
    second = role.run(tmp_path, "secrets", variables(), "--diff")
    assert (second.status, second.changed) == (0, 0)
    assert second.report
    assert second.report["changed"] == []
    # Vault's audit log counts requests; one login and one read per path.
    counts = facts.counts(mark)["openbao"]
    assert {purpose: counts[purpose] for purpose in ("login", "read", "write")} == {"login": 1, "read": 2, "write": 0}
    assert [data(kv, path)["metadata"]["version"] for path in (ADMIN, OIDC)] == [1, 1]


def test_a_missing_property_is_merged_into_what_is_there(kv: Any, tmp_path: Path) -> None:
    put(kv, ADMIN, ADMIN_PASSWORD="canary-chosen-by-hand")
    put(kv, OIDC, SECOND="canary-second", OTHER="canary-other")
    run = role.run(tmp_path, "secrets", variables(), "-vvvv", "--diff")
    assert run.status == 0, run.output[-3000:]
    assert run.report
    assert run.report["changed"] == names(f"{OIDC}#OIDC_CLIENT_SECRET")
    after = data(kv, OIDC)
    assert after["metadata"]["version"] == 2
    assert GENERATED.fullmatch(after["data"].pop("OIDC_CLIENT_SECRET"))
    assert after["data"] == {"SECOND": "canary-second", "OTHER": "canary-other"}
    assert data(kv, ADMIN)["data"] == {"ADMIN_PASSWORD": "canary-chosen-by-hand"}
    assert data(kv, ADMIN)["metadata"]["version"] == 1
    assert "canary" not in run.output


def test_a_deleted_version_is_an_error_and_nothing_is_written(kv: Any, tmp_path: Path) -> None:
    put(kv, OIDC, OIDC_CLIENT_SECRET="canary-secret")
    kv.delete_latest_version_of_secret(OIDC, mount_point=MOUNT)
    run = role.run(tmp_path, "secrets", variables())
    assert run.status != 0
    assert "code: conflict" in run.output
    assert f"version 1, the newest of the secret {OIDC}, is deleted" in run.text
    assert "undelete" in run.text
    with pytest.raises(hvac.exceptions.InvalidPath):
        data(kv, ADMIN)


def test_a_short_secret_is_refused_by_name(kv: Any, tmp_path: Path) -> None:
    put(kv, ADMIN, ADMIN_PASSWORD="zq7zq7z")
    run = role.run(tmp_path, "secrets", variables(), "-vvvv")
    assert run.status != 0
    assert "code: invalid_value" in run.output
    assert f"the secret {ADMIN}#ADMIN_PASSWORD has 7 characters" in run.text
    assert "zq7zq7z" not in run.output
    with pytest.raises(hvac.exceptions.InvalidPath):
        data(kv, OIDC)


def test_a_layer_that_is_only_checked_fails_when_a_secret_is_missing(kv: Any, tmp_path: Path) -> None:
    put(kv, OIDC, OIDC_CLIENT_SECRET="canary-secret", SECOND="canary-second")
    run = role.run(tmp_path, "secrets", variables(secrets_manage=False))
    assert run.status != 0
    assert "code: not_converged" in run.output
    assert f"secrets are missing: {ADMIN}#ADMIN_PASSWORD" in run.text
    with pytest.raises(hvac.exceptions.InvalidPath):
        data(kv, ADMIN)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        (
            {"secrets_auth": {"method": "token", "token": "canary-wrong-token"}},
            "unauthorized",
            "Check platform_openbao_auth.",
        ),
        ({"secrets_required": [{"path": "elsewhere/secret", "property": "P"}]}, "forbidden", "least privilege"),
        ({"secrets_mount": "nowhere"}, "forbidden", "Check platform_openbao_mount"),
        ({"secrets_url": "https://127.0.0.1:1"}, "unreachable", "Check that the server runs"),
        ({"secrets_ca_path": None}, "tls_untrusted", "Give the private CA's file."),
    ],
)
def test_refusals(kv: Any, tmp_path: Path, changes: dict[str, Any], code: str, message: str) -> None:
    run = role.run(tmp_path, "secrets", variables(**changes), "-vvvv")
    assert run.status != 0
    assert "layer: openbao" in run.output
    assert f"code: {code}" in run.output
    assert message in run.text
    assert "canary" not in run.output
    assert credential("openbao-provisioner-secret-id") not in run.output


def test_a_write_that_is_not_allowed_is_told_as_such(kv: Any, tmp_path: Path) -> None:
    client = facts.openbao()
    client.sys.create_or_update_policy("roletest", f'path "{MOUNT}/data/{FOLDER}/*" {{ capabilities = ["read"] }}')
    token = client.auth.token.create(policies=["roletest"], ttl="5m")["auth"]["client_token"]
    try:
        run = role.run(tmp_path, "secrets", variables(secrets_auth={"method": "token", "token": token}), "-vvvv")
    finally:
        client.auth.token.revoke(token)
        client.sys.delete_policy("roletest")
    assert run.status != 0
    assert "code: forbidden" in run.output
    assert f"the secret {ADMIN} could not be written" in run.text
    assert token not in run.output


def test_login_by_kubernetes_service_account(kv: Any, tmp_path: Path) -> None:
    """The method with which External Secrets logs in; its role may only read."""
    put(kv, ADMIN, ADMIN_PASSWORD="canary-password")
    put(kv, OIDC, OIDC_CLIENT_SECRET="canary-secret", SECOND="canary-second")
    reader = facts.openbao().read("auth/kubernetes/role/external-secrets")["data"]
    account, namespace = reader["bound_service_account_names"][0], reader["bound_service_account_namespaces"][0]
    jwt = facts.kubernetes("create", "token", account, "-n", namespace, f"--audience={reader['audience']}").strip()
    auth = {"method": "kubernetes", "role_id": "external-secrets", "jwt": jwt}
    run = role.run(tmp_path, "secrets", variables(secrets_auth=auth), "-vvvv")
    assert run.status == 0, run.output[-3000:]
    assert run.changed == 0
    assert jwt not in run.output
