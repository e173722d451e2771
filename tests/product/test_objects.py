"""Objects of every kind on a live server: found again, in the right order, within the server's limits."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.contract.issuer import Issuer

from .server import Server, refusal, words
from .test_provision import SETTINGS, directory

QUIET = {"spamPyzor.enable": False}


def requests_of(server: Server, call: Any) -> tuple[dict[str, Any], int]:
    """A result, and the number of requests that the server counted."""
    assert server.simulator
    before = server.simulator.requests()
    result = call()
    return result, server.simulator.requests() - before - 1


def test_what_needs_each_other_is_written_in_one_request(simulated: Server, issuer: Issuer) -> None:
    key = {"@type": "Dkim1Ed25519Sha256", "stage": "active", "privateKey": {"@type": "Text", "secret": ed25519()}}
    everything = {
        # The web interface has an action of its own.
        **{name: values for name, values in SETTINGS.items() if name != "application"},
        **directory(issuer),
        "domain": {"acme.test": {"dkimManagement": {"@type": "Manual"}}},
        "dkimSignature": {"s1._domainkey.acme.test": key},
        "role": {"Upper": {"roleIds": ["Lower"]}, "Lower": {"enabledPermissions": ["emailSend"]}},
        "allowedIp": {"192.0.2.1": {}},
        "mtaVirtualQueue": {"slow": {"threadsPerNode": 1}},
        "mtaDeliverySchedule": {"slow": {"queueId": "slow", "expiry": {"@type": "Attempts", "maxAttempts": 3}}},
    }
    everything["authentication"] = {"directoryId": "keycloak", "defaultUserRoleIds": ["User", "Upper"]}
    simulated.settings(everything, check=True)  # The first task of all fetches the schema.
    _planned, reading = requests_of(simulated, lambda: simulated.settings(everything, check=True))
    result, counted = requests_of(simulated, lambda: simulated.settings(everything))
    assert counted == result["requests"]
    # The state is read before and after; what is left are the writes with their actions, and the removal of the marks.
    assert counted - reading - (reading - 1) == 2
    assert [entry for entry in simulated.writes() if entry[0] == "Action"] == [("Action", "create")]
    again, counted = requests_of(simulated, lambda: simulated.settings(everything))
    assert not again["changed"]
    assert counted == reading


def ed25519() -> str:
    return pem(Ed25519PrivateKey.generate())


def pem(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def certificate(name: str) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = built.public_bytes(serialization.Encoding.PEM).decode()
    return {
        "certificate": {"@type": "Text", "value": text},
        "privateKey": {"@type": "Text", "secret": pem(key)},
    }


def test_a_certificate_is_found_by_its_content(server: Server) -> None:
    first, second = certificate("mail.acme.test"), certificate("mail.acme.test")
    settings = {**QUIET, "certificate": {"mail": first}, "systemSettings.defaultCertificateId": "mail"}
    settings |= {"domain": {"acme.test": {}}, "systemSettings.defaultHostname": "mail.acme.test"}
    settings |= {"systemSettings.defaultDomainId": "acme.test"}
    done = server.settings(settings)
    assert "create certificate mail" in words(done)
    assert "PRIVATE KEY" not in str(done)
    assert not server.settings(settings)["changed"]
    export = server.info(gather=[], export=True)["info"]["export"]["settings"]
    assert list(export["certificate"]) == ["mail.acme.test"]
    assert export["systemSettings"]["defaultCertificateId"] == "mail.acme.test"
    assert not server.settings(export, check=True)["changed"]
    # A renewed one is another object; the old one goes where only the given ones are to be there.
    renewed = {**settings, "certificate": {"mail": second}}
    done = server.settings(renewed, exclusive=["certificate"])
    assert [word.split()[0] for word in words(done) if "certificate" in word] == ["create", "delete"]
    assert not server.settings(renewed, exclusive=["certificate"])["changed"]
    gone = {"certificate": {"mail": {"certificate": second["certificate"]}}}
    failure = refusal(server.settings, gone, state="absent")
    assert failure.code == "conflict"
    assert "systemSettings" in failure.message
    assert "BEGIN CERTIFICATE" not in failure.message


@pytest.mark.parametrize("count", [1200])
def test_many_objects_of_one_type(simulated: Server, count: int) -> None:
    keys = {"memoryLookupKey": {f"bulk:key-{number}": {} for number in range(count)}}
    done, counted = requests_of(simulated, lambda: simulated.settings({**QUIET, **keys}))
    assert len(words(done)) == count + 1
    # Three pages to read before and after, one request of three calls to write, one to remove the marks.
    print(f"{count} objects created in {counted} requests")
    assert counted <= 8
    done, counted = requests_of(simulated, lambda: simulated.settings(keys))
    assert not done["changed"]
    assert counted <= 4
    one = {"memoryLookupKey": {"bulk:key-7": {}}}
    done, counted = requests_of(simulated, lambda: simulated.settings(one, exclusive=["memoryLookupKey"]))
    assert len(words(done)) == count - 1
    assert counted <= 8


def test_more_types_than_a_request_has_calls(simulated: Server) -> None:
    settings: dict[str, Any] = {
        **QUIET,
        "spamSettings.enable": False,
        "http.useXForwarded": True,
        "authentication.passwordMinLength": 9,
        "mtaStageMail.isSenderAllowed": "true",
        "mtaStageAuth.mustMatchSender": "false",
        "mtaStageRcpt.allowRelaying": "false",
        "senderAuth.reverseIpVerify": "disable",
        "mtaRoute.out": {"@type": "Relay", "address": "relay.test"},
        "role": {"Helper": {"enabledPermissions": ["emailSend"]}},
        "allowedIp": {"192.0.2.1": {}},
        "memoryLookupKey": {"n:a": {}},
        "networkListener.extra": {"bind": ["[::]:2525"], "protocol": "smtp"},
        "mtaTlsStrategy.strict": {"dane": "require"},
        "mtaConnectionStrategy.fast": {"connectTimeout": "5s"},
        "mtaVirtualQueue.extra": {"threadsPerNode": 2},
        "tracer": {"Stdout": {"@type": "Stdout", "ansi": False}},
        "asn": {"@type": "Disabled"},
        "domain": {"acme.test": {}},
    }
    done = simulated.settings(settings)
    assert len(words(done)) == len(settings)
    assert not simulated.settings(settings)["changed"]


def test_a_request_does_not_get_too_long(simulated: Server) -> None:
    values = {f"bulk:key-{number}": {"value": f"{number} " + "x" * 150_000} for number in range(80)}
    done, counted = requests_of(simulated, lambda: simulated.settings({**QUIET, "memoryLookupKeyValue": values}))
    assert len(words(done)) == 81
    assert counted <= 9
    assert not simulated.settings({"memoryLookupKeyValue": values})["changed"]


def test_settings_and_lookups_have_their_own_reload_once(simulated: Server) -> None:
    simulated.settings({**SETTINGS, "memoryLookupKey": {"n:a": {}, "n:b": {}}})
    actions = [entry for entry in simulated.simulator.writes() if entry["object"] == "Action"]  # type: ignore[union-attr]
    # And the web interface.
    assert [len(entry["changed"]) for entry in actions] == [3]


def test_a_fresh_cache_costs_one_request_more(
    simulated: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert [simulated.settings(QUIET, check=True)["requests"] for _ in range(2)] == [3, 2]


def test_names_that_the_server_rewrites_are_found_again(server: Server) -> None:
    settings = {
        **QUIET,
        "spamTag": {"my tag": {"@type": "Score", "score": 3}},
        "spamFileExtension": {"EXE": {"isBad": True}},
        "spamDnsblServer": {"zen ü": {"@type": "Any", "zone": "'zen.test'", "tag": "'T'"}},
        "spamRule": {"my_rule": {"@type": "Any", "condition": "false"}},
        "reportSettings.outboundReportDomain": "Reports.BÜCHER.test",
    }
    planned = server.settings(settings, check=True)
    done = server.settings(settings)
    assert words(done) == words(planned)
    assert len(words(done)) == 6
    assert not server.settings(settings)["changed"]
    export = server.info(gather=[], export=True)["info"]["export"]["settings"]
    assert list(export["spamTag"]) == ["MYTAG"]
    assert list(export["spamFileExtension"]) == ["exe"]
    assert not server.settings(export, check=True)["changed"]
    gone: dict[str, Any] = {"spamTag": {"My Tag": {}}, "spamFileExtension": {"exe": {}}, "spamRule": {"MY_rule": {}}}
    assert len(words(server.settings(gone, state="absent"))) == 3
    assert not server.settings(gone, state="absent")["changed"]
