"""Domains, their DKIM keys and the zone text (contract 4.1, 4.2, 6 and 11)."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from .api import Api


def _pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _text(pem: str) -> dict[str, str]:
    return {"@type": "Text", "secret": pem}


def test_automatic_keys(api: Api, name: str) -> None:
    """Made after the domain, both active, published in the zone text; they keep the domain from being destroyed."""
    domain = api.create("Domain", name=name)
    keys = {key["@type"]: key for key in api.dkim_keys(domain, 2)}
    assert set(keys) == {"Dkim1RsaSha256", "Dkim1Ed25519Sha256"}
    zone = api.get("Domain", domain, "dnsZoneFile")["dnsZoneFile"]
    for variant, algorithm in (("Dkim1RsaSha256", "rsa"), ("Dkim1Ed25519Sha256", "ed25519")):
        key = keys[variant]
        assert (key["stage"], key["nextTransitionAt"]) == ("active", None)
        assert key["privateKey"] == {"@type": "Text", "secret": "****"}
        assert key["selector"].startswith(f"v1-{algorithm}-")
        assert f"{key['selector']}._domainkey.{name}. IN TXT" in zone
        assert f"v=DKIM1; k={algorithm}; h=sha256; p={key['publicKey']}" in zone.replace('"\n    "', "")
    linked = api.destroy("Domain", domain)["notDestroyed"][domain]["linkedObjects"]
    assert {"object": "DkimSignature", "id": keys["Dkim1RsaSha256"]["id"]} in linked


def test_zone_text(api: Api, domain: str, name: str) -> None:
    zone = api.get("Domain", domain, "dnsZoneFile")["dnsZoneFile"].splitlines()
    assert f'{name}. IN TXT "v=spf1 mx -all"' in zone
    assert f'_dmarc.{name}. IN TXT "v=DMARC1; p=reject; rua=mailto:postmaster@{name}"' in zone
    assert any(line.startswith(f"{name}. IN MX 10 ") for line in zone)
    assert any(line.startswith(f"_submissions._tcp.{name}. IN SRV 0 1 465 ") for line in zone)
    assert not [line for line in zone if " IN A " in line or "_domainkey" in line]


def test_own_keys(api: Api, domain: str, name: str) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    values: dict[str, Any] = {"domainId": domain, "selector": "s1", "privateKey": _text(_pem(private))}
    key = api.create("DkimSignature", type_="Dkim1RsaSha256", stage="pending", **values)
    der = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    stored = api.get("DkimSignature", key)
    assert stored["publicKey"] == base64.b64encode(der).decode()
    assert stored["privateKey"]["secret"] == "****"
    assert f"s1._domainkey.{name}." in api.get("Domain", domain)["dnsZoneFile"]
    api.update("DkimSignature", key, {"stage": "active"})
    assert api.get("DkimSignature", key, "stage")["stage"] == "active"


@pytest.mark.parametrize("variant", ["Dkim1RsaSha256", "Dkim1Ed25519Sha256"])
def test_bad_keys(api: Api, domain: str, variant: str) -> None:
    error = api.not_created(
        "DkimSignature", type_=variant, domainId=domain, selector="bad", privateKey=_text("garbage")
    )
    assert error["type"] == "invalidProperties"


def test_switching_to_automatic_makes_keys(api: Api, domain: str) -> None:
    assert api.dkim_keys(domain, 0) == []
    management = {"@type": "Automatic", "algorithms": {"Dkim1Ed25519Sha256": True}}
    api.update("Domain", domain, {"dkimManagement": management})
    (key,) = api.dkim_keys(domain, 1)
    assert key["@type"] == "Dkim1Ed25519Sha256"


def test_a_task_applies_changed_algorithms(api: Api, domain: str) -> None:
    """Later edits inside the Automatic variant queue nothing (contract 4.2)."""
    management = {"@type": "Automatic", "algorithms": {"Dkim1Ed25519Sha256": True}}
    api.update("Domain", domain, {"dkimManagement": management})
    api.dkim_keys(domain, 1)
    api.update("Domain", domain, {"dkimManagement/algorithms/Dkim1RsaSha256": True})
    due = {"@type": "Pending", "due": "2025-01-01T00:00:00Z"}
    api.call("x:Task/set", create={"t": {"@type": "DkimManagement", "domainId": domain, "status": due}})
    assert len(api.dkim_keys(domain, 2)) == 2


def test_selector_template(api: Api, name: str) -> None:
    management = {"@type": "Automatic", "algorithms": {"Dkim1Ed25519Sha256": True}, "selectorTemplate": "k-{algorithm}"}
    domain = api.create("Domain", name=name, dkimManagement=management)
    (key,) = api.dkim_keys(domain, 1)
    assert key["selector"] == "k-ed25519"


def test_state_survives_a_restart(api: Api, name: str) -> None:
    if api.target.restart is None:
        pytest.skip("this server may not be restarted")
    domain = api.create("Domain", name=name)
    before = {key["id"]: key["publicKey"] for key in api.dkim_keys(domain, 2)}
    api.target.restart()
    assert {key["id"]: key["publicKey"] for key in api.dkim_keys(domain, 2)} == before
    second = api.create("Domain", name=f"second-{name}", dkimManagement={"@type": "Manual"})
    assert second != domain
