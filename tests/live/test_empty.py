"""The check run on an empty system: every change of every layer, no secret, no write; then the run does just that."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.sandbox import facts

from .conftest import TENANTS
from .run import LINK, Run, provision
from .test_drift import shares

ROLES = {"secrets", "realm", "chart", "server_settings", "oidc_directory", "mailboxes", "dns_records"}


@pytest.fixture(scope="module")
def checked() -> tuple[Run, dict[str, Any]]:
    """The check run, and what the servers recorded."""
    subprocess.run([sys.executable, "-m", "tests.sandbox", "reset"], cwd=LINK, check=True, stdout=subprocess.DEVNULL)
    mark = facts.mark()
    run = provision("--check", "--diff")
    return run, facts.counts(mark)


@pytest.fixture(scope="module", autouse=True)
def done(checked: tuple[Run, dict[str, Any]]) -> Run:
    """The run after it, whichever tests are selected: the other modules need the tenants."""
    return provision()


def test_it_ends_well_and_names_every_layer(checked: tuple[Run, dict[str, Any]]) -> None:
    run, _counts = checked
    assert run.status == 0, run.output[-4000:]
    for slug in TENANTS:
        assert run.line(slug).startswith(f"{slug}: would change ")
        assert set(shares(run.line(slug))) == ROLES


def test_it_writes_nothing(checked: tuple[Run, dict[str, Any]]) -> None:
    _run, counts = checked
    assert sum(count["total"] for count in counts.values()) > 0
    assert {backend: count["write"] + count["lock"] for backend, count in counts.items()} == dict.fromkeys(counts, 0)


def test_it_shows_what_would_be_there_but_no_secret(checked: tuple[Run, dict[str, Any]]) -> None:
    run, _counts = checked
    for shown in (
        "https://mail.acme.omantel.test/*",
        "StatefulSet",
        "issuerUrl",
        "postmaster@acme.omantel.test",
        "v=DMARC1",
    ):
        assert shown in run.output, shown
    for path in sorted(facts.settings().credentials.glob("*-secret*")):
        assert path.read_text().strip() not in run.output, path.name
    assert (facts.settings().credentials / "powerdns-api-key").read_text().strip() not in run.output


def test_the_run_changes_what_the_check_run_said(checked: tuple[Run, dict[str, Any]], done: Run) -> None:
    planned = {slug: shares(checked[0].line(slug)) for slug in TENANTS}
    assert done.status == 0, done.output[-4000:]
    for slug in TENANTS:
        changed = shares(done.line(slug))
        assert set(changed) == set(planned[slug])
        # Before the server is there its defaults and its DKIM keys are not known.
        for role in ROLES - {"server_settings", "dns_records"}:
            assert changed[role] == planned[slug][role], f"{slug}: {role}"
