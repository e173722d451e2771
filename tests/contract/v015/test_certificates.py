"""Which certificate TLS shows, and when a changed one: named in config.toml, lying in files (contract 0.15 sections 1.3 and 1.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509

from .. import servers
from ..api import Target
from ..mail import new_certificate, shown
from ..test_certificates import der
from .rest import Rest

HOST = "mail.contract.test"


@dataclass
class Mounted:
    """A server whose config.toml names files that are not there when it starts."""

    target: Target
    certificate: Path
    key: Path

    def write(self, certificate: str, private_key: str) -> bytes:
        self.certificate.write_text(certificate, encoding="utf-8")
        self.key.write_text(private_key, encoding="utf-8")
        return der(certificate)


@pytest.fixture(params=[name for name in servers.names("0.15") if name != "url"])
def mounted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mounted]:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    lines = f"""
[certificate.tenant]
cert = "%{{file:{certificate}}}%"
private-key = "%{{file:{key}}}%"
default = true
"""
    with servers.opened(request.param, tmp_path, "0.15", toml=lines) as target:
        pairs = [
            ["spam-filter.enable", "false"],
            ["spam-filter.pyzor.enable", "false"],
            ["storage.directory", "internal"],
        ]
        Rest(target).operate({"type": "insert", "prefix": None, "values": pairs, "assert_empty": False})
        yield Mounted(target, certificate, key)


def test_files_that_come_later_are_shown_after_a_reload(mounted: Mounted) -> None:
    target, rest = mounted.target, Rest(mounted.target)
    own = shown(target, HOST)
    assert "localhost" in str(x509.load_der_x509_certificate(own).extensions)
    missing = rest.reload("/certificate")
    assert missing["certificate.tenant.cert"] == {
        "type": "macro",
        "error": f'Failed to read file "{mounted.certificate}": No such file or directory (os error 2)',
    }
    assert set(missing) == {"certificate.tenant", "certificate.tenant.cert", "certificate.tenant.private-key"}
    # Nor is anything else applied as long as a macro of the file cannot be resolved.
    assert "certificate.tenant.cert" in rest.reload()
    first = mounted.write(*new_certificate(HOST))
    assert shown(target, HOST) == own
    assert rest.reload("/certificate") == {}
    assert {shown(target, asked) for asked in (HOST, "other.test", None)} == {first}
    second = mounted.write(*new_certificate("new.contract.test"))
    assert shown(target, HOST) == first
    assert rest.reload("/certificate") == {}
    # Names that went keep the old one until the server starts again.
    assert shown(target, HOST) == first
    assert {shown(target, asked) for asked in ("new.contract.test", "other.test", None)} == {second}
    assert target.restart
    target.restart()
    assert {shown(target, asked) for asked in (HOST, "new.contract.test", None)} == {second}


def test_what_cannot_be_loaded_is_told_and_the_old_one_stays(mounted: Mounted) -> None:
    target, rest = mounted.target, Rest(mounted.target)
    text, private_key = new_certificate(HOST)
    wanted = mounted.write(text, private_key)
    assert rest.reload("/certificate") == {}
    mounted.key.write_text("nonsense", encoding="utf-8")
    broken = {"certificate.tenant": {"type": "build", "error": "No private keys found."}}
    assert rest.reload("/certificate") == rest.reload() == broken
    mounted.certificate.write_text("nonsense", encoding="utf-8")
    assert set(rest.reload("/certificate")) == {"certificate.tenant"}
    assert {shown(target, asked) for asked in (HOST, None)} == {wanted}
