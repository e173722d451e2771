"""stalwart_certificate on a server of each kind: a renewed certificate is served on every TLS port without a restart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import certificate_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016 import converge
from kubernetes_tls import certificate, pem
from tests.contract import servers
from tests.contract.mail import new_certificate

from .server import Result, Server, refusal

HOST = "mail.acme.test"
CONFIG_TOML = """
[certificate.tenant]
cert = "%{{file:{folder}/tls.crt}}%"
private-key = "%{{file:{folder}/tls.key}}%"
default = true
"""


class Mounted:
    """A server that reads its certificate from files, as the pod does."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder

    def write(self, certificate: str, private_key: str) -> str:
        """:returns: the certificate."""
        (self.folder / "tls.crt").write_text(certificate, encoding="utf-8")
        (self.folder / "tls.key").write_text(private_key, encoding="utf-8")
        return certificate

    def run(self, certificate: str, *, check: bool = False, **more: Any) -> Result:
        target = self.server.target
        ports = [
            {"port": target.imap_port, "protocol": "imap", "starttls": False},
            {"port": target.submissions_port, "protocol": "smtp", "starttls": False},
            {"port": target.smtp_port, "protocol": "smtp", "starttls": True},
        ]
        given = {"server_name": HOST, "secret": None, "certificate": certificate, "ports": ports, "timeout": 20, **more}
        return certificate_task.run({**self.server.options, **given}, check_mode=check)

    def settings(self, **more: Any) -> None:
        """What the tenant's model says, with the test's own folder."""
        if self.server.generation == "0.15":
            return
        files = {
            "certificate": {"@type": "File", "filePath": f"{self.folder}/tls.crt"},
            "privateKey": {"@type": "File", "filePath": f"{self.folder}/tls.key"},
        }
        system = {"defaultHostname": HOST, "defaultDomainId": "acme.test", "defaultCertificateId": HOST}
        settings = {
            "spamPyzor": {"enable": False},
            "domain": {"acme.test": {}},
            "certificate": {HOST: files},
            "systemSettings": system,
        }
        assert self.server.settings(settings, **more)["changed"]
        assert not self.server.settings(settings)["changed"]


@pytest.fixture(
    params=[
        (generation, name) for generation in ("0.16", "0.15") for name in servers.names(generation) if name != "url"
    ],
    ids="-".join,
)
def mounted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mounted]:
    generation, name = request.param
    folder = tmp_path / "tls"
    folder.mkdir()
    with servers.opened(name, tmp_path, generation, toml=CONFIG_TOML.format(folder=folder)) as target:
        yield Mounted(Server(target, target.simulator, generation), folder)


def test_a_renewed_certificate(mounted: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_task, "INTERVAL", 0.2)
    first = mounted.write(*new_certificate(HOST))
    mounted.settings()
    # 0.16 was told by the settings and has loaded it; 0.15 has to read the files that came after its start.
    result = mounted.run(first)
    assert result["changed"] is (mounted.server.generation == "0.15")
    again = mounted.run(first)
    target = mounted.server.target
    assert (again["changed"], again["serving"], again["requests"]) == (False, [target.imap_port], 0)
    assert again["certificate"]["names"] == [HOST]
    second = mounted.write(*new_certificate(HOST))
    planned = mounted.run(second, check=True)
    assert planned["changes"] == [{"action": "update", "kind": "certificate", "key": HOST}]
    assert planned["diff"][0]["before"]["sha256"] == again["certificate"]["sha256"]
    assert not mounted.run(first)["changed"], "check mode has reloaded"
    done = mounted.run(second)
    assert done["changes"] == planned["changes"]
    assert sorted(done["serving"]) == sorted([target.submissions_port, target.imap_port, target.smtp_port])
    assert (done["closed"], done["reloads"]) == ([], 1)
    assert not mounted.run(second)["changed"]


def test_a_chain_that_is_added_later(mounted: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner's usual mistake, corrected: the certificate is the same, and clients refuse it until its chain is served."""
    monkeypatch.setattr(certificate_task, "INTERVAL", 0.2)
    leaf, sub = certificate(HOST, issuer="sub").decode(), certificate(issuer="root", of="sub").decode()
    mounted.write(leaf, pem("self").decode())
    mounted.settings()
    mounted.run(leaf)
    assert not mounted.run(leaf)["changed"]
    mounted.write(leaf + sub, pem("self").decode())
    done = mounted.run(leaf + sub)
    assert (done["changed"], done["reloads"], len(done["serving"])) == (True, 1, 3)
    assert done["diff"][0]["after"]["chain"] == done["certificate"]["chain"] == ["CN=sub"]
    assert done["diff"][0]["before"]["chain"] == []
    assert not mounted.run(leaf + sub)["changed"]


def test_files_that_come_later_are_waited_for(mounted: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kubelet's are. What comes first is a certificate without its key, which neither generation may keep."""
    mounted.write(*new_certificate(HOST))
    mounted.settings()
    certificate, private_key = new_certificate(HOST)
    coming = iter((("tls.crt", certificate), ("tls.key", private_key)))

    def pause(_seconds: float) -> None:
        name, text = next(coming)
        (mounted.folder / name).write_text(text, encoding="utf-8")

    monkeypatch.setattr(certificate_task, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))
    assert mounted.run(certificate)["reloads"] == 3
    assert not mounted.run(certificate)["changed"]


@pytest.fixture
def awaiting(simulated: Server, tmp_path: Path) -> Mounted:
    """A server of 0.16 into whose pod the Secret's files have not come yet."""
    found = Mounted(simulated, tmp_path / "tls")
    found.folder.mkdir()
    return found


def test_settings_wait_for_a_file_that_comes_later(awaiting: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a release without TLS keeps its pod, which gets the Secret's files about a minute later."""
    refused = refusal(awaiting.settings)
    assert (refused.layer, refused.code) == ("stalwart", "invalid_value")
    assert "Failed to read certificate" in refused.message
    assert "reaches a running pod within about a minute" in refused.hint
    assert "Written before: " in refused.hint
    assert "domain acme.test" in refused.hint
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            awaiting.write(*new_certificate(HOST))

    monkeypatch.setattr(converge, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))
    awaiting.settings(wait_certificate=60)
    assert pauses == [converge.INTERVAL] * 3


def test_settings_do_not_wait_for_ever_nor_for_anything_else(
    awaiting: Mounted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converge, "INTERVAL", 0.2)
    start = time.monotonic()
    late = refusal(awaiting.settings, wait_certificate=1)
    assert "Failed to read certificate" in late.message
    assert "Written before: " in late.hint, "what the first of the tries wrote is told"
    assert 1 <= time.monotonic() - start < 10


def test_what_a_try_has_written_is_told_whatever_ends_the_waiting(
    awaiting: Mounted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        converge,
        "time",
        SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: awaiting.write("nonsense", "nonsense")),
    )
    refused = refusal(awaiting.settings, wait_certificate=60)
    assert "No certificates found" in refused.message
    assert "Written before: " in refused.hint
    assert "domain acme.test" in refused.hint


def test_nonsense_is_not_waited_for(awaiting: Mounted) -> None:
    awaiting.write("nonsense", "nonsense")
    start = time.monotonic()
    assert "No certificates found" in refusal(awaiting.settings, wait_certificate=60).message
    assert time.monotonic() - start < 10


def test_what_never_comes_is_said(mounted: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_task, "INTERVAL", 0.2)
    mounted.write(*new_certificate(HOST))
    mounted.settings()
    wanted, _key = new_certificate(HOST)
    failure = refusal(mounted.run, wanted, timeout=1)
    assert (failure.layer, failure.code) == ("stalwart", "timeout")
    assert "the files that it reads still hold another one" in failure.message
    assert "within about a minute" in failure.hint
    (mounted.folder / "tls.key").unlink()
    failure = refusal(mounted.run, wanted, timeout=1)
    assert "tls.key" in failure.message
    assert "No such file" in failure.message


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"certificate": "nonsense"}, "no PEM text of a certificate"),
        ({"certificate": None}, "give either certificate, or secret together with kubernetes"),
        ({"secret": "stalwart-tls", "certificate": None}, "give either certificate, or secret together with kubernetes"),
        ({"ports": [{"port": 443, "protocol": "http", "starttls": True}]}, "port 443 cannot have STARTTLS"),
        ({"api_url": None}, "nothing says where the server is"),
    ],
)  # fmt: skip
def test_refused(simulated: Server, tmp_path: Path, options: dict[str, Any], says: str) -> None:
    certificate, _key = new_certificate(HOST)
    failure = refusal(Mounted(simulated, tmp_path).run, **{"certificate": certificate, **options})
    assert failure.code == "invalid_value"
    assert says in failure.message


def test_no_port_that_answers(simulated: Server, tmp_path: Path) -> None:
    certificate, _key = new_certificate(HOST)
    failure = refusal(
        Mounted(simulated, tmp_path).run, certificate, ports=[{"port": 1, "protocol": "imap", "starttls": False}]
    )
    assert failure.code == "unreachable"
    assert "no TLS port of mail.acme.test answers: 1 (" in failure.message
