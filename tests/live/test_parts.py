"""Parts of the run: one role by its tag, and layers that are only checked."""

from __future__ import annotations

from tests.sandbox import facts

from . import keycloak
from .run import provision
from .test_drift import stalwart_client

LAYERS = ["inventory", "openbao", "keycloak", "kubernetes", "stalwart", "powerdns", "dns", "mail"]


def test_one_role_by_its_tag() -> None:
    run = provision("--tags", "realm", "--limit", "acme")
    assert run.status == 0, run.output[-3000:]
    line = run.line("acme")
    assert line.startswith("acme: changed 0 | proven: issuer is ")
    assert "SMTP" not in line


def test_a_run_by_tags_asks_only_who_is_needed() -> None:
    """Somebody is locked out of a mailbox although the realm or a name server is down."""
    mark = facts.mark()
    assert provision("--tags", "mailboxes", "--limit", "acme").status == 0
    counts = facts.counts(mark)
    assert (counts["keycloak"]["total"], counts["powerdns"]["total"]) == (0, 0)


def test_a_layer_that_is_only_checked_is_never_written() -> None:
    client = stalwart_client()
    drift = {**client, "redirectUris": ["https://other.test/*"]}
    keycloak.admin("PUT", f"/realms/sme-acme/clients/{client['id']}", json=drift)
    only_checked = {"tenant_layers": [layer for layer in LAYERS if layer != "keycloak"]}
    mark = facts.mark()
    run = provision("--limit", "acme", extra=only_checked)
    assert run.status != 0
    assert "acme: FAILED at keycloak (not_converged)" in run.line("acme")
    assert "only checked" in run.line("acme")
    assert facts.counts(mark)["keycloak"]["write"] == 0
    assert stalwart_client()["redirectUris"] == ["https://other.test/*"]
    assert provision("--limit", "acme").changed["acme"] > 0
    assert provision("--limit", "acme", extra=only_checked).changed == {"acme": 0}
