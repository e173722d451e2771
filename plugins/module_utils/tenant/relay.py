# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``tenant_relay``: the SMTP server that takes the tenant's outgoing mail where port 25 is blocked (contract 4.12)."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from . import merge, names
from .identity import Identity
from .overlay import Inputs
from .validation import Given, Invalid, Problems, one_of

VARIABLE = "tenant_relay"
#: Name of the route and of the TLS strategy; whoever made a route ``relay`` by hand keeps it.
NAME = "tenant-relay"
SECRET_NAME = "stalwart-relay"
PROPERTY = "RELAY_PASSWORD"
#: Where the chart mounts the password.
PASSWORD_FILE = "/etc/stalwart-relay/password"
PORT, IMPLICIT_TLS_PORT = 587, 465
IMPLICIT, STARTTLS, NONE = "implicit", "starttls", "none"
MODES = (IMPLICIT, STARTTLS, NONE)
#: What the server signs by itself (contract 4.2).
SIGNED_HEADERS = ("Date", "From", "Message-ID", "Subject", "To")
#: RFC 6376 section 5.4.1: changed on the way.
_NEVER_SIGNED = ("bcc", "dkim-signature", "received", "return-path")
#: Mechanisms of RFC 7208 section 5 that name who sends; ``mx``, ``all`` and qualifiers are the record's own.
_MECHANISM = re.compile(r"(include|a|exists|ip4|ip6):(\S+)\Z")
_FIELD_NAME = re.compile(r"[!-9;-~]+\Z")

_LOCAL = {"if": "is_local_domain(rcpt_domain)", "then": "'local'"}
#: The server's own rules (contract 4.12), for when the relay goes.
_DEFAULT_RULES: dict[str, t.Any] = {
    "route": {"match": [_LOCAL], "else": "'mx'"},
    "tls": {"match": [{"if": "retry_num > 0 && last_error == 'tls'", "then": "'invalid-tls'"}], "else": "'default'"},
}
#: Settings that are the relay's while there is one, and those that are at no time anybody else's.
OWNED_OBJECTS = {f"mtaRoute.{NAME}": VARIABLE, f"mtaTlsStrategy.{NAME}": VARIABLE}
OWNED = {**OWNED_OBJECTS, "mtaOutboundStrategy.route": VARIABLE, "mtaOutboundStrategy.tls": VARIABLE}


@dataclasses.dataclass(frozen=True)
class Relay:
    """Where outgoing mail goes; only complete when no mistake was noted.

    :param path: of the password in OpenBao; None without a user.
    :param signed_headers: fields of a letter that DKIM signatures cover.
    :param spf: mechanisms of the SPF record by which the relay may send for the domain.
    """

    host: str
    port: int
    tls: str
    username: str | None
    path: str | None
    property: str
    signed_headers: tuple[str, ...]
    spf: tuple[str, ...]


def host(value: t.Any) -> str:
    """A host name or an address."""
    try:
        address = names.address(value)
    except Invalid:
        try:
            return names.host(value)
        except Invalid:
            raise Invalid(f"{names.HOST} or an address") from None
    if ipaddress.ip_address(address).is_loopback:
        raise Invalid("another host: the server sends to no loopback address")
    return address


def _is_address(value: t.Any) -> bool:
    try:
        names.address(value)
    except Invalid:
        return False
    return True


def port(value: t.Any) -> int:
    """A TCP port."""
    if isinstance(value, bool) or not str(value).isdigit() or not 0 < int(value) < 65536:
        raise Invalid("a port, 1 to 65535")
    return int(value)


def tls(value: t.Any) -> str:
    """How the connection is encrypted."""
    if value not in MODES:
        raise Invalid(one_of(value, MODES))
    return "".join(value)


def signed_headers(value: t.Any) -> tuple[str, ...]:
    """Names of header fields (RFC 5322 section 2.2), From among them (RFC 6376 section 5.4)."""
    accepted = "a list of names of header fields, From among them, each once"
    if not isinstance(value, (list, tuple)) or not all(
        isinstance(item, str) and _FIELD_NAME.match(item) for item in value
    ):
        raise Invalid(accepted)
    lower = [item.lower() for item in value]
    if "from" not in lower or len(set(lower)) < len(lower):
        raise Invalid(accepted)
    if set(lower) & set(_NEVER_SIGNED):
        raise Invalid(f"{accepted}; none of {', '.join(_NEVER_SIGNED)}, which change on the way")
    return tuple(sorted("".join(item) for item in value))


def mechanism(value: t.Any) -> str:
    """One mechanism of an SPF record (RFC 7208 section 5), such as ``include:spf.relay.example.com``."""
    accepted = "include:, a: or exists: with a host name, or ip4: or ip6: with an address or network"
    match = _MECHANISM.match(value) if isinstance(value, str) else None
    if not match:
        raise Invalid(accepted)
    kind, where = match.groups()
    if kind in ("ip4", "ip6"):
        try:
            network = ipaddress.ip_network(where, strict=False)
        except ValueError:
            raise Invalid(accepted) from None
        if network.version != int(kind[-1]):
            raise Invalid(accepted)
        return f"{kind}:{where}"
    try:
        # Such records often stand at names with an underscore, which are none of hosts.
        names.host(".".join(label.removeprefix("_") for label in where.split(".")))
    except Invalid:
        raise Invalid(accepted) from None
    return f"{kind}:{where.lower()}"


def resolve(inputs: Inputs, who: Identity, generation: str | None, problems: Problems) -> Relay | None:
    """``tenant_relay``; mistakes go to ``problems``. None where mail goes straight to its recipients' servers."""
    given = inputs.given(VARIABLE)
    if given is None or given.value == {}:
        return None
    found = problems.fields(
        given,
        {
            "host": host,
            "port": port,
            "tls": tls,
            "username": names.text,
            "openbao_path": names.vault_path,
            "openbao_property": names.property_name,
            "signed_headers": signed_headers,
            "spf": lambda value: value,
        },
    )
    if not isinstance(given.value, t.Mapping):
        return None
    if given.value.get("host") is None:
        problems.add(f"{VARIABLE}.host", None, "the relay's host name or address; required")
    if found.get("host") is not None and found["host"] == who.mail_host:
        problems.add(
            f"{VARIABLE}.host", found["host"], "another server than the tenant's own, which mail would go round in"
        )
    if generation == "0.15" and _is_address(found.get("host")):
        accepted = "a host name: a server of tenant_generation 0.15 cannot use an address, and would return all mail"
        problems.add(f"{VARIABLE}.host", found["host"], accepted)
    number = found.get("port") or PORT
    mode = found.get("tls") or (IMPLICIT if number == IMPLICIT_TLS_PORT else STARTTLS)
    user = found.get("username")
    if user and mode == NONE:
        problems.add(
            f"{VARIABLE}.tls",
            mode,
            f"{IMPLICIT} or {STARTTLS} with a username, whose password would be sent in clear, or no username",
        )
    if not user:
        for key in ("openbao_path", "openbao_property"):
            if key in found:
                problems.add(f"{VARIABLE}.{key}", found[key], "nothing without a username, whose password it names")
    if generation == "0.15" and "signed_headers" in found:
        accepted = "nothing with tenant_generation 0.15, which signs the same header fields always"
        problems.add(f"{VARIABLE}.signed_headers", list(found["signed_headers"]), accepted)
    path = found.get("openbao_path")
    if user and path is None and who.fqdn and who.slug:
        path = f"sovereign/{who.fqdn}/stalwart/{who.slug}/relay"
    spf = problems.items(Given(f"{VARIABLE}.spf", found["spf"]) if "spf" in found else None, mechanism)
    return Relay(
        host=found.get("host", ""),
        port=number,
        tls=mode,
        username=user,
        path=path,
        property=found.get("openbao_property") or PROPERTY,
        signed_headers=found.get("signed_headers") or SIGNED_HEADERS,
        spf=tuple(spf),
    )


def refuse(relay: Relay | None, settings: t.Mapping[str, t.Any], problems: Problems) -> None:
    """Note what of ``tenant_settings`` would contradict the relay."""
    merge.refuse_owned(settings, OWNED if relay else OWNED_OBJECTS, "tenant_settings", problems)
    keys = settings.get("dkimSignature")
    if relay and isinstance(keys, t.Mapping):
        for label, key in keys.items():
            if isinstance(key, t.Mapping) and "headers" in key:
                where = f"tenant_settings.dkimSignature.{label}.headers"
                problems.refuse(where, key["headers"], f"nothing here; it follows from {VARIABLE}.signed_headers")


def settings(relay: Relay | None, generation: str | None) -> dict[str, t.Any]:
    """The server's settings: a route, its TLS, and the rules that choose both.

    A rule of its own for TLS: by the server's default, which is made for strangers' servers, a connection that cannot be
    encrypted goes on in clear, and the second attempt takes any certificate. The password would be whoever's who asks.
    """
    if relay is None:
        return {}
    route: dict[str, t.Any] = {
        "@type": "Relay",
        "description": f"{VARIABLE} of the inventory",
        "address": relay.host,
        "port": relay.port,
        "protocol": "smtp",
        "implicitTls": relay.tls == IMPLICIT,
        "allowInvalidCerts": False,
        "authUsername": relay.username,
    }
    # 0.15 takes no reference: role server_settings adds the secret itself there.
    if generation != "0.15":
        file = {"@type": "File", "filePath": PASSWORD_FILE}
        route["authSecret"] = file if relay.username else {"@type": "None"}
    strategy: dict[str, t.Any] = {
        "startTls": "disable" if relay.tls == NONE else "require",
        "allowInvalidCerts": False,
        # Both are about the recipients' domains, not about the relay.
        "dane": "disable",
        "mtaSts": "disable",
    }
    return {
        "mtaRoute": {NAME: route},
        "mtaTlsStrategy": {NAME: strategy},
        "mtaOutboundStrategy": {
            "route": {"match": [dict(_LOCAL)], "else": f"'{NAME}'"},
            "tls": {"match": [], "else": f"'{NAME}'"},
        },
    }


def compose(relay: Relay | None, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The model's part.

    :param given: ``tenant_settings``: what it says of the outbound strategy stays when the relay goes.
    """
    rules = given.get("mtaOutboundStrategy")
    rules = rules if isinstance(rules, t.Mapping) else {}
    default = {key: merge.plain(rule) for key, rule in _DEFAULT_RULES.items() if key not in rules}
    return {
        "enabled": relay is not None,
        "host": relay.host if relay else None,
        "port": relay.port if relay else None,
        "tls": relay.tls if relay else None,
        "username": relay.username if relay else None,
        "secret_name": SECRET_NAME,
        "secret_property": relay.property if relay else PROPERTY,
        "openbao_path": relay.path if relay else None,
        "signed_headers": list(relay.signed_headers if relay else SIGNED_HEADERS),
        "route": NAME,
        # What a server gets that still has the relay of an earlier inventory, then what it loses.
        "former": {
            "settings": {"mtaOutboundStrategy": default} if default else {},
            "absent": {"mtaRoute": {NAME: {}}, "mtaTlsStrategy": {NAME: {}}},
        },
    }


def secrets(relay: Relay | None) -> list[dict[str, t.Any]]:
    """What must exist in OpenBao: the relay's own password, which nobody here can make up."""
    if relay is None or relay.path is None:
        return []
    return [{"path": relay.path, "property": relay.property, "generate": False}]
