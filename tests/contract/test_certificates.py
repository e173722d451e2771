"""Which certificate TLS shows, and when a changed one: stored as text and lying in files (contract 4.9 and 11.20)."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from .api import Api
from .mail import new_certificate, shown

RELOAD = "ReloadTlsCertificates"


def der(text: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(text)


class Files:
    """Where a server on this machine finds its certificate."""

    def __init__(self, api: Api, folder: Path) -> None:
        if api.target.name == "url":
            pytest.skip("this server reads other files")
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"

    @property
    def values(self) -> dict[str, dict[str, str]]:
        return {
            "certificate": {"@type": "File", "filePath": str(self.certificate)},
            "privateKey": {"@type": "File", "filePath": str(self.key)},
        }

    def write(self, certificate: str, private_key: str) -> bytes:
        """:returns: the certificate as a client sees it."""
        self.certificate.write_text(certificate, encoding="utf-8")
        self.key.write_text(private_key, encoding="utf-8")
        return der(certificate)


@pytest.fixture
def files(api: Api, tmp_path: Path) -> Files:
    return Files(api, tmp_path)


@pytest.fixture
def system(api: Api, domain: str, name: str) -> str:
    """The singleton that names the default certificate: it cannot be written without a host and a domain."""
    api.update("SystemSettings", "singleton", {"defaultHostname": f"mail.{name}", "defaultDomainId": domain})
    return "singleton"


def test_a_stored_certificate(api: Api) -> None:
    """Shown for its names from the reload on, and for other names as long as it is the only one."""
    own = shown(api.target, "mail.contract.test")
    assert x509.load_der_x509_certificate(own).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value.get_values_for_type(x509.DNSName) == ["localhost"]
    certificate, private_key = new_certificate("*.shown.test")
    api.create(
        "Certificate",
        certificate={"@type": "Text", "value": certificate},
        privateKey={"@type": "Text", "secret": private_key},
    )
    assert shown(api.target, "mail.shown.test") == own
    assert "created" in api.action(RELOAD)
    assert shown(api.target, "mail.shown.test") == shown(api.target, "mail.contract.test") == der(certificate)
    api.clean()
    assert "created" in api.action(RELOAD)
    assert shown(api.target, "mail.shown.test") == own


def test_a_file_is_read_when_it_is_written(api: Api, files: Files) -> None:
    """The certificate's, that is; the key's is not looked at before it is loaded."""
    missing = api.not_created("Certificate", **files.values)
    assert (missing["type"], missing["properties"]) == ("invalidProperties", ["certificate"])
    assert missing["description"] == (
        f"Failed to read certificate: Failed to read secret from file '{files.certificate}': "
        "No such file or directory (os error 2)"
    )
    files.certificate.write_text("nonsense", encoding="utf-8")
    broken = api.not_created("Certificate", **files.values)
    assert broken["description"] == ("Failed to read certificate: Cryptographic error: No certificates found in PEM")
    files.write(new_certificate("mail.files.test")[0], "nonsense")
    assert api.create("Certificate", **files.values)


def test_a_renewed_file_is_shown_after_its_own_reload_only(api: Api, files: Files, name: str, reloadable: None) -> None:
    host = f"mail.{name}"
    first = files.write(*new_certificate(host))
    key = api.create("Certificate", **files.values)
    assert "created" in api.action(RELOAD)
    assert {shown(api.target, asked) for asked in (host, "other.test", None)} == {first}
    second = files.write(*new_certificate(f"new.{name}", (-0.1, 2)))
    assert "created" in api.action("ReloadSettings")
    assert shown(api.target, host) == first
    assert "created" in api.action(RELOAD)
    assert {shown(api.target, asked) for asked in (host, f"new.{name}", None)} == {second}
    # What is stored about it follows.
    stored = api.get("Certificate", key)
    assert stored["subjectAlternativeNames"] == {f"new.{name}": True}
    assert stored["certificate"] == files.values["certificate"]


def test_what_cannot_be_loaded_is_told_and_the_rest_is_shown(
    api: Api, files: Files, name: str, reloadable: None
) -> None:
    host = f"mail.{name}"
    text, private_key = new_certificate(host)
    wanted = files.write(text, private_key)
    key = api.create("Certificate", **files.values)
    other, other_key = new_certificate("other.files.test")
    api.create(
        "Certificate",
        certificate={"@type": "Text", "value": other},
        privateKey={"@type": "Text", "secret": other_key},
    )
    assert "created" in api.action(RELOAD)
    assert shown(api.target, host) == wanted

    def refused() -> str:
        found = api.action(RELOAD)["notCreated"]["a"]
        assert (found["type"], found["objectId"]) == ("validationFailed", {"object": "Certificate", "id": key})
        assert shown(api.target, host) == shown(api.target, None) == der(other)
        return str(found["description"])

    files.key.unlink()
    reason = f"Failed to read secret from file '{files.key}': No such file or directory (os error 2)"
    assert refused() == f"Failed to obtain private key secret: {reason}"
    files.key.write_text("nonsense", encoding="utf-8")
    assert refused() == "Invalid certificate: No private keys found."
    files.certificate.write_text("nonsense", encoding="utf-8")
    assert refused() == "Invalid certificate: Cryptographic error: No certificates found in PEM"
    files.certificate.unlink()
    reason = f"Failed to read secret from file '{files.certificate}': No such file or directory (os error 2)"
    assert refused() == f"Failed to obtain certificate value: {reason}"
    assert "created" in api.action("ReloadSettings")
    # A key of another certificate is taken, and no client takes the handshake.
    files.write(text, new_certificate(host)[1])
    assert "created" in api.action(RELOAD)
    with pytest.raises(ssl.SSLError):
        shown(api.target, host)
    files.write(text, private_key)
    assert "created" in api.action(RELOAD)
    assert shown(api.target, host) == wanted


def test_the_default_certificate(api: Api, files: Files, system: str, name: str, reloadable: None) -> None:
    """For every name that no certificate has; it counts from the certificates' reload on."""
    mine = files.write(*new_certificate(f"mail.{name}"))
    key = api.create("Certificate", **files.values)
    other, other_key = new_certificate("other.files.test", (-0.1, 9))
    api.create(
        "Certificate",
        certificate={"@type": "Text", "value": other},
        privateKey={"@type": "Text", "secret": other_key},
    )
    api.update("SystemSettings", system, {"defaultCertificateId": key})
    try:
        assert "created" in api.action(RELOAD)
        assert shown(api.target, "other.files.test") == der(other)
        assert {shown(api.target, asked) for asked in (f"mail.{name}", "nobody.test", None)} == {mine}
        # One that is not valid is not shown, nor removed as long as it is named.
        for valid in ((1.0, 2.0), (-2.0, -1.0)):
            files.write(*new_certificate(f"mail.{name}", valid))
            assert "created" in api.action(RELOAD)
            assert shown(api.target, f"mail.{name}") == der(other)
            assert key in api.query("Certificate")
    finally:
        api.update("SystemSettings", system, {"defaultCertificateId": None})
    assert "created" in api.action(RELOAD)
    assert key not in api.query("Certificate")


def test_a_server_starts_without_its_files(api: Api, files: Files, name: str) -> None:
    if api.target.restart is None:
        pytest.skip("this server may not be restarted")
    assert "created" in api.action(RELOAD)
    own = shown(api.target, None)
    text, private_key = new_certificate(f"mail.{name}")
    wanted = files.write(text, private_key)
    key = api.create("Certificate", **files.values)
    files.certificate.unlink()
    api.target.restart()
    subject = x509.load_der_x509_certificate(shown(api.target, f"mail.{name}")).subject
    assert subject == x509.load_der_x509_certificate(own).subject
    assert key in api.query("Certificate")
    files.write(text, private_key)
    assert "created" in api.action(RELOAD)
    assert shown(api.target, f"mail.{name}") == wanted
