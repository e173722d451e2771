"""Domains and the zone text computed from them (contract 4.1 and 6)."""

from __future__ import annotations

import base64
import hashlib
import json

from . import dkim
from .behaviour import Behaviour, Body
from .errors import SetError

#: service -> (SRV label, TLS port, cleartext label, cleartext port), in the order of the zone text
_SERVICES: dict[str, tuple[tuple[str, int], tuple[str, int] | None]] = {
    "caldav": (("_caldavs", 443), None),
    "carddav": (("_carddavs", 443), None),
    "imap": (("_imaps", 993), ("_imap", 143)),
    "jmap": (("_jmap", 443), None),
    "pop3": (("_pop3s", 995), ("_pop3", 110)),
    "smtp": (("_submissions", 465), ("_submission", 587)),
}
_CHUNK = 255


class Domains(Behaviour):
    def stored(self, key: str, old: Body | None, new: Body) -> Body:
        automatic = new["dkimManagement"]["@type"] == "Automatic"
        if automatic and (old is None or old["dkimManagement"]["@type"] != "Automatic"):
            self.server.tasks.queue_dkim(key)
        return {}

    def prepare(self, old: Body | None, new: Body, given: Body) -> None:
        if new["dkimManagement"]["@type"] == "Automatic":
            try:
                dkim.selector(new["dkimManagement"]["selectorTemplate"], "Dkim1RsaSha256")
            except ValueError as error:
                raise SetError("invalidProperties", str(error), properties=["selectorTemplate"]) from None

        certificate = new["certificateManagement"]
        switched = old is None or old["certificateManagement"]["@type"] != "Automatic"
        automatic = certificate["@type"] == "Automatic" and switched
        if automatic and self.server.store.find("AcmeProvider", certificate["acmeProviderId"]) is None:
            raise SetError("invalidProperties", "ACME provider not found", properties=["acmeProviderId"])

    def computed(self, key: str, body: Body, wanted: set[str] | None) -> Body:
        if wanted is not None and "dnsZoneFile" not in wanted:
            return {}
        return {"dnsZoneFile": "".join(f"{line}\n" for line in self._zone(key, body))}

    def _zone(self, key: str, body: Body) -> list[str]:
        domain, host = body["name"], self.server.hostname
        settings = self.server.running.settings["SystemSettings"]
        exchangers = [(entry["priority"], entry["hostname"] or host) for entry in settings["mailExchangers"].values()]
        lines = [
            _txt(f"{entry['selector']}._domainkey.{domain}", dkim.record(entry))
            for entry in self.server.store.all("DkimSignature").values()
            if entry["domainId"] == key
        ]
        below = dict.fromkeys(name for _, name in exchangers if name != domain and name.endswith(f".{domain}"))
        lines += [_txt(name, "v=spf1 a -all") for name in below]
        lines.append(_txt(domain, "v=spf1 mx -all"))
        lines += [f"{domain}. IN MX {priority} {name}." for priority, name in exchangers]
        report = _report_address(body, domain)
        if report:
            lines.append(_txt(f"_dmarc.{domain}", f"v=DMARC1; p=reject; rua={report}"))
        for service, (secure, clear) in _SERVICES.items():
            entry = settings["services"].get(service)
            if entry is None:
                continue
            for label, port in [secure] + ([clear] if clear and entry["cleartext"] else []):
                lines.append(f"{label}._tcp.{domain}. IN SRV 0 1 {port} {entry['hostname'] or host}.")
        if self.server.running.settings["MtaSts"]["mode"] != "disable":
            lines.append(f"mta-sts.{domain}. IN CNAME {host}.")
            lines.append(_txt(f"_mta-sts.{domain}", f"v=STSv1; id={self._policy_id(exchangers)}"))
        if report:
            lines.append(_txt(f"_smtp._tls.{domain}", f"v=TLSRPTv1; rua={report}"))
        lines.append(f"ua-auto-config.{domain}. IN CNAME {host}.")
        lines.append(_txt(f"_ua-auto-config.{domain}", f"v=UAAC1; a=sha256; d={self._auto_configuration()}"))
        lines += [f"{label}.{domain}. IN CNAME {host}." for label in ("autoconfig", "autodiscover")]
        return lines

    def _policy_id(self, exchangers: list[tuple[int, str]]) -> int:
        """Changes with the policy; the real server hashes the policy's text."""
        policy = json.dumps([self.server.running.settings["MtaSts"], exchangers, self.server.running.domain])
        return int.from_bytes(hashlib.sha256(policy.encode()).digest()[:8], "big")

    def _auto_configuration(self) -> str:
        directory = self.server.running.directory
        issuer = directory.discovery["issuer"] if directory else ""
        services = self.server.running.settings["SystemSettings"]["services"]
        document = json.dumps([self.server.hostname, services, issuer])
        return base64.b64encode(hashlib.sha256(document.encode()).digest()).decode()


def _report_address(body: Body, domain: str) -> str | None:
    """`mailto:postmaster` means the domain's own; anything with an @ or another scheme is used as it is."""
    uri = body["reportAddressUri"]
    if uri is None or "@" in uri or not uri.startswith("mailto:"):
        return uri if uri is None else str(uri)
    return f"{uri}@{domain}"


def _txt(name: str, value: str) -> str:
    text = value.replace("\\", "\\\\").replace('"', '\\"')
    if len(text) <= _CHUNK:
        return f'{name}. IN TXT "{text}"'
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    return "\n".join([f"{name}. IN TXT (", *(f'    "{chunk}"' for chunk in chunks), ")"])


class AcmeProviders(Behaviour):
    """Creating one registers an account at the CA (contract 4.9); a simulator never reaches one."""

    def prepare(self, old: Body | None, new: Body, given: Body) -> None:
        if old is None:
            raise SetError("invalidProperties", "Failed to create ACME account", properties=["directory"])
