"""A tenant more: only it is touched, and nothing that is printed on the way holds a secret."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sandbox import facts

from .run import provision

APPS = ("stalwart", "wordpress", "openclaw")


def secrets_of(slug: str) -> dict[str, str]:
    """Every secret that a run for this tenant handles, by where it comes from."""
    found = {}
    bao = facts.openbao().secrets.kv.v2
    for path in (f"stalwart/{slug}/admin", *(f"{app}/{slug}/oidc" for app in APPS)):
        answer = bao.read_secret_version(
            path=f"sovereign/{facts.platform_fqdn()}/{path}", mount_point="secret", raise_on_deleted_version=True
        )
        found.update({f"{path}#{name}": value for name, value in answer["data"]["data"].items()})
    for name in ("powerdns-api-key", "keycloak-provisioner-secret", "openbao-provisioner-secret-id"):
        found[name] = (facts.settings().credentials / name).read_text().strip()
    return found


def test_a_third_tenant_changes_only_itself_and_no_secret_is_printed(tmp_path: Path) -> None:
    addition = tmp_path / "delta.yml"
    delta = {"delta": {"sandbox_mail_address": facts.settings().mail_address(4)}}
    addition.write_text(json.dumps({"tenants": {"hosts": delta}}))
    run = provision("-vvvv", "--diff", inventory=["inventories/sandbox", str(addition)])
    assert run.status == 0, run.output[-4000:]
    assert (run.changed["acme"], run.changed["beta"]) == (0, 0)
    assert run.changed["delta"] > 0
    secrets = secrets_of("delta")
    assert len(secrets) == 7
    assert [where for where, value in secrets.items() if value in run.output] == []
