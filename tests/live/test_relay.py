"""Where port 25 is blocked: a tenant's mail leaves by a relay, which is a second simulator beside the cluster."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dkim
import pytest

from tests.contract import mail
from tests.contract.api import Api, Target
from tests.sandbox import facts
from tests.sandbox.pki import Authority, Pair
from tests.simulator.fixture import Simulator, start_simulator

from . import keycloak
from .conftest import kubernetes_json
from .run import Run, provision
from .stalwart import Stalwart
from .test_provisioned import ACME, answers
from .test_third_tenant import found_in, places_of

PATH = f"sovereign/{facts.platform_fqdn()}/stalwart/acme/relay"
PASSWORD, NEXT_PASSWORD = "Relay-Pass-4417-zz", "Relay-Pass-5528-yy"
SENDER = f"alice@{ACME}"


@dataclass
class Relay:
    """A server that takes the tenant's mail for others, one of whom has a mailbox here."""

    simulator: Simulator
    api: Api
    tenant: str  # id of the tenant's account at the relay
    stranger: mail.User

    @property
    def variables(self) -> dict[str, object]:
        port = self.simulator.submissions_port
        return {"host": facts.settings().address, "port": port, "tls": "implicit", "username": "acme@relay.test"}

    def accept(self, password: str) -> None:
        """From now on the tenant logs in by this password only."""
        credentials = {"0": {"@type": "Password", "secret": password}}
        self.api.update("Account", self.tenant, {"credentials": credentials})

    def messages(self, count: int) -> list[bytes]:
        found = mail.received(self.api.target, self.stranger.key, self.stranger.login, count)
        return [raw for _mailbox, raw in found]


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    """On the bridge's address, by a certificate of the sandbox's authority."""
    settings = facts.settings()
    authority = Authority(tmp_path / "pki")
    authority.ca = Pair(settings.pki / "ca.crt", settings.pki / "ca.key")
    pair = authority.server("relay", [settings.address])
    (tmp_path / "relay").mkdir()
    simulator = start_simulator(tmp_path / "relay", STALWART_HOSTNAME="relay.test", SIMULATOR_BIND="0.0.0.0")
    target = Target("simulator", simulator.base_url, simulator.username, simulator.password, simulator=simulator)
    try:
        api = Api(target)
        api.update("SpamPyzor", "singleton", {"enable": False})
        api.update("SpamSettings", "singleton", {"enable": False})
        api.create(
            "Certificate",
            certificate={"@type": "Text", "value": pair.certificate.read_text()},
            privateKey={"@type": "Text", "secret": pair.key.read_text()},
        )
        # A relay's users send as anybody that they answer for.
        api.update("MtaStageAuth", "singleton", {"mustMatchSender": {"match": {}, "else": "false"}})
        manual = {"dkimManagement": {"@type": "Manual"}}
        own, other = (api.create("Domain", name=name, **manual) for name in ("relay.test", "elsewhere.test"))
        tenant = api.create("Account", type_="User", name="acme", domainId=own)
        assert "created" in api.action("ReloadSettings")
        assert "created" in api.action("ReloadTlsCertificates")
        yield Relay(simulator, api, tenant, mail.user(api, other, "elsewhere.test", "x"))
    finally:
        simulator.stop()


def forget() -> None:
    """The relay's password, with all its versions."""
    facts.openbao().secrets.kv.v2.delete_metadata_and_all_versions(path=PATH, mount_point="secret")


@pytest.fixture
def without_relay() -> Iterator[Callable[[], Run]]:
    """The run by which acme sends as before; made in the end, if the test did not come that far."""
    runs: list[Run] = []

    def back() -> Run:
        runs.append(provision("--limit", "acme"))
        forget()
        return runs[-1]

    forget()
    yield back
    if not runs:
        assert back().status == 0, runs[-1].output[-6000:]


def keep(password: str) -> None:
    secret = {"RELAY_PASSWORD": password}
    facts.openbao().secrets.kv.v2.create_or_update_secret(path=PATH, secret=secret, mount_point="secret")


def run_with(relay: Relay, *args: str, **more: object) -> Run:
    return provision("--limit", "acme", *args, extra={"tenant_relay": {**relay.variables, **more}})


def told(**outputs: str) -> list[tuple[str, str]]:
    """Which of the relay's passwords stands where more people read than may know it."""
    secrets = {"RELAY_PASSWORD": PASSWORD, "the next RELAY_PASSWORD": NEXT_PASSWORD}
    return found_in({**outputs, **places_of("tenant-acme")}, secrets)


def send(number: int) -> None:
    """A message of Alice's to the stranger, as a mail program hands it in."""
    token = keycloak.token("sme-acme", "probe", "alice")
    # The server's own certificate is not what this is about.
    context = ssl._create_unverified_context()
    with smtplib.SMTP_SSL(facts.settings().mail_address(1), 465, timeout=60, context=context) as client:
        client.ehlo("client.test")
        assert client.docmd("AUTH", mail.bearer("OAUTHBEARER", SENDER, token))[0] == 235
        message = mail.text(SENDER, "x@elsewhere.test", Message_ID=f"<{number}@{ACME}>")
        assert mail.send(client, SENDER, "x@elsewhere.test", message).startswith(mail.QUEUED)


def signatures(message: bytes) -> dict[str, tuple[bool, str]]:
    """Per algorithm, whether the signature verifies by the keys in the DNS, and which header fields it covers."""
    found = {}
    # The receiver's own field comes first.
    message = message.partition(b"\r\n")[2] if message.startswith(b"Delivered-To") else message
    for index in range(message.count(b"DKIM-Signature:")):
        signature = dkim.DKIM(message)
        verified = signature.verify(index, dnsfunc=lambda name, **_: next(iter(answers(name.decode(), "TXT"))).encode())
        fields = {key.decode(): value.decode() for key, value in signature.signature_fields.items()}
        covered = sorted({name.strip().lower() for name in fields["h"].split(":")})
        found[fields["a"]] = (verified, " ".join(covered))
    return found


def test_mail_leaves_by_a_relay(acme: Stalwart, relay: Relay, without_relay: Callable[[], Run]) -> None:
    """From a missing password to a rotated one, and back to no relay."""
    run = run_with(relay)
    assert run.status != 0
    assert f"the secret {PATH} has no property RELAY_PASSWORD" in run.line("acme") + run.output

    keep(PASSWORD)
    relay.accept(PASSWORD)
    before = acme.writes()
    planned = run_with(relay, "--check", "--diff")
    assert planned.status == 0, planned.output[-6000:]
    assert "stalwart-relay" in planned.output
    assert acme.writes() == before
    run = run_with(relay, signed_headers=["From", "To", "Subject"])
    assert run.status == 0, run.output[-6000:]
    assert told(run=run.output, check=planned.output) == []
    again = run_with(relay, signed_headers=["From", "To", "Subject"])
    assert (again.status, again.changed) == (0, {"acme": 0}), again.output[-6000:]
    policy = kubernetes_json("get", "networkpolicy", "stalwart-allow", "-n", "tenant-acme")["spec"]
    ports = [port["port"] for rule in policy["egress"] for port in rule["ports"]]
    assert relay.simulator.submissions_port in ports

    with acme.forgotten("alice"), keycloak.user("sme-acme", "alice", ACME), keycloak.client("sme-acme", "probe"):
        send(1)
        (message,) = relay.messages(1)
        assert f"<1@{ACME}>".encode() in message
        covered = "from subject to"
        assert signatures(message) == {"rsa-sha256": (True, covered), "ed25519-sha256": (True, covered)}

        relay.accept(NEXT_PASSWORD)
        keep(NEXT_PASSWORD)
        run = run_with(relay, signed_headers=["From", "To", "Subject"])
        assert run.status == 0, run.output[-6000:]
        assert told(run=run.output) == []
        send(2)
        assert f"<2@{ACME}>".encode() in relay.messages(2)[1]

    run = without_relay()
    assert run.status == 0, run.output[-6000:]
    assert [item["name"] for item in acme.objects("MtaRoute")] == ["mx", "local"]
    assert {item["name"] for item in acme.objects("MtaTlsStrategy")} == {"default", "invalid-tls"}
    (strategy,) = acme.jmap(("x:MtaOutboundStrategy/get", {"ids": ["singleton"]}))[0]["list"]
    assert strategy["route"]["else"] == "'mx'"
    assert {len(key["headers"]) for key in acme.objects("DkimSignature")} == {5}
    again = provision("--limit", "acme")
    assert again.changed == {"acme": 0}
