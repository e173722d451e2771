"""Every port of a tenant answers, asked from outside the cluster; the pod is restarted when a listener is not open, and only then."""

from __future__ import annotations

import smtplib

import pytest

from tests.sandbox import facts
from tests.sandbox.process import wait_until

from . import ports
from .conftest import HOSTS, TENANTS
from .run import provision
from .stalwart import Stalwart
from .test_drift import shares

SETTINGS = ("--limit", "acme", "--tags", "server_settings")


@pytest.mark.parametrize("slug", TENANTS)
def test_all_ports_answer(slug: str) -> None:
    address = facts.settings().mail_address(TENANTS.index(slug) + 1)
    answers = list(ports.of_tenant(slug, HOSTS[slug], address))
    print(*answers, sep="\n")
    assert [answer.said[:4] for answer in answers] == ports.EXPECTED


def test_no_password_is_taken_in_clear() -> None:
    with smtplib.SMTP(facts.settings().mail_address(1), 587, local_hostname="client.test", timeout=20) as client:
        client.ehlo()
        assert not {"PLAIN", "LOGIN"} & set(client.esmtp_features["auth"].split())


@pytest.fixture
def missing(acme: Stalwart) -> Stalwart:
    """The listeners are neither stored nor open."""
    own = [o["id"] for o in acme.objects("NetworkListener") if o["name"] in ("submission", "imap")]
    acme.jmap(("x:NetworkListener/set", {"destroy": own}))
    acme.restart()
    return acme


def is_open(port: int, closed: type[OSError] = ConnectionRefusedError) -> bool:
    """:param closed: what counts as closed: whoever waits for a port takes any failure for one."""
    try:
        return bool(ports.mail(HOSTS["acme"], facts.settings().mail_address(1), port))
    except closed:
        return False


def test_a_run_that_ended_before_the_restart_is_healed_by_the_next(missing: Stalwart) -> None:
    before = missing.pod
    # As where the layer kubernetes is somebody else's: the settings are written, and the pod is not this run's to restart.
    died = provision(*SETTINGS, extra={"server_settings_restart": False})
    assert died.status != 0
    assert (
        "FAILED at kubernetes (not_ready): the server opens listeners that are stored only when it starts again: "
        in died.line("acme")
    )
    assert "kubectl delete pod stalwart-0 --namespace tenant-acme" in died.line("acme")
    assert "server_settings 2" in died.line("acme")
    assert (missing.pod, is_open(587)) == (before, False)

    mark = facts.mark()
    check = provision(*SETTINGS, "--check", "--diff")
    assert check.status == 0, check.output[-3000:]
    assert (shares(check.line("acme")), check.changed) == ({"server_settings": 1}, {"acme": 1})
    assert sum(count["write"] for count in facts.counts(mark).values()) == 0
    assert (missing.pod, is_open(587)) == (before, False)

    healed = provision(*SETTINGS)
    assert healed.status == 0, healed.output[-3000:]
    assert (shares(healed.line("acme")), healed.changed) == ({"server_settings": 1}, {"acme": 1})
    wait_until(lambda: is_open(587, OSError), "port 587 at the published address", timeout=10)
    after, mark = missing.pod, facts.mark()
    assert after != before

    again = provision(*SETTINGS)
    assert (again.status, again.changed) == (0, {"acme": 0}), again.output[-3000:]
    assert "listeners imap, submission answer" in again.line("acme")
    assert missing.pod == after
    assert facts.counts(mark)["kubernetes"]["write"] == 0


def test_one_run_stores_them_and_restarts_once(missing: Stalwart) -> None:
    check = provision(*SETTINGS, "--check", "--diff")
    assert shares(check.line("acme")) == {"server_settings": 3}
    mark = facts.mark()
    run = provision(*SETTINGS)
    assert run.status == 0, run.output[-3000:]
    assert shares(run.line("acme")) == {"server_settings": 3}
    wait_until(lambda: is_open(587, OSError), "port 587 at the published address", timeout=10)
    # The deleted pod.
    assert facts.counts(mark)["kubernetes"]["write"] == 1
