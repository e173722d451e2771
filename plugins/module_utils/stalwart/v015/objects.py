# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The translation table, objects: canonical names and the keys of 0.15. Data; defaults are those of 0.15.5. Pure."""

from __future__ import annotations

import re
import typing as t

from .codecs import (
    Boolean,
    Comment,
    Duration,
    Enum,
    Host,
    Items,
    Nullable,
    Number,
    Remark,
    Text,
    Wrong,
)
from .special import Address, Issuer, Mapping, Moment, Secret
from .vocabulary import Kind, Row, no_key, plain

_SIMPLE_ID = re.compile(r"[A-Za-z0-9_-]+\Z")
_LEVELS = {name: name for name in ("error", "warn", "info", "debug", "trace")}
_DEMANDS = {name: name for name in ("optional", "require", "disable")}
_NO_CLAIM_CHECK = "0.15 asks the userinfo endpoint and checks no claim: every token that it accepts logs in"
_MANUAL: t.Mapping[str, str] = {"@type": "Manual"}


def _simple(label: str) -> str:
    if not _SIMPLE_ID.match(label):
        raise Wrong("the label is part of a key on 0.15; accepted: letters, digits, '-' and '_'.")
    return label


def _address(label: str) -> str:
    return str(Address().check(label))


def _domain(label: str) -> str:
    return str(Host().check(label))


def _lookup(label: str) -> str:
    table, colon, entry = label.partition(":")
    if not colon or not entry or not _SIMPLE_ID.match(table):
        raise Wrong("its label must look like <namespace>:<key>; on 0.15 a namespace has no dots.")
    if "," in label:
        raise Wrong("0.15 cannot be asked for a key with a comma.")
    return f"{table}.{entry}"


def _unlookup(identifier: str) -> str:
    return identifier.replace(".", ":", 1)


OBJECTS: tuple[Kind, ...] = (
    Kind(
        "allowedIp",
        (
            Row("address", codec=Address()),
            Row(
                "reason",
                "server.allowed-ip.<id>",
                Remark(),
                why="0.15 does not read the value; it is kept for people",
            ),
            no_key("createdAt", "0.15 keeps no times"),
            Row("expiresAt", codec=Moment(), always=(None,), why="an address is allowed until it is removed"),
        ),
        prefix="server.allowed-ip.<id>",
        label=_address,
        bare=True,
    ),
    Kind(
        "blockedIp",
        (
            Row("address", codec=Address()),
            no_key("reason", "0.15 keeps no reasons", "manual"),
            Row("expiresAt", codec=Moment(), always=(None,), why="an address is blocked until it is removed"),
        ),
        prefix="server.blocked-ip.<id>",
        label=_address,
        bare=True,
        area="blocked",
    ),
    Kind(
        "directory",
        (
            plain("@type", "directory.<id>.type", Enum({"Oidc": "oidc"})),
            Row(
                "description",
                "directory.<id>.description",
                Nullable(Comment()),
                why="0.15 does not read it; it is kept for people",
            ),
            Row(
                "issuerUrl",
                "directory.<id>.endpoint.url",
                Issuer(),
                required=True,
                why="the realm's userinfo endpoint (Keycloak's path)",
            ),
            Row("claimUsername", "directory.<id>.fields.username", Text(), create="preferred_username"),
            Row("claimName", "directory.<id>.fields.full-name", Nullable(Text()), create="name"),
            no_key("claimGroups", "0.15 reads no groups from tokens; memberships are kept by stalwart_principal", None),
            no_key("memberTenantId", "tenants inside a server are of the enterprise edition", None),
            no_key("requireAudience", _NO_CLAIM_CHECK, None),
            no_key("requireScopes", _NO_CLAIM_CHECK, []),
            no_key(
                "usernameDomain", "an account has the name of the claim itself, its address is the e-mail claim", None
            ),
        ),
        prefix="directory.<id>",
        fixed={"Oidc": {"endpoint.method": "userinfo", "fields.email": "email"}},
        label=_simple,
        note="The internal directory is none of these: it belongs to config.toml and is what a null authentication.directoryId means.",
    ),
    Kind(
        "memoryLookupKey",
        (
            Row("namespace", codec=Text()),
            Row("key", codec=Text()),
            Row("isGlobPattern", codec=Boolean(), why="follows from '*' and '?' in the key"),
        ),
        prefix="lookup.<id>",
        label=_lookup,
        unlabel=_unlookup,
        bare=True,
        area="lookup",
    ),
    Kind(
        "memoryLookupKeyValue",
        (
            Row("namespace", codec=Text()),
            Row("key", codec=Text()),
            Row("isGlobPattern", codec=Boolean(), why="follows from '*' and '?' in the key"),
            Row("value", "lookup.<id>", Text(), required=True),
        ),
        prefix="lookup.<id>",
        label=_lookup,
        unlabel=_unlookup,
        bare=True,
        area="lookup",
    ),
    Kind(
        "mtaRoute",
        (
            plain("@type", "queue.route.<id>.type", Enum({"Local": "local", "Mx": "mx", "Relay": "relay"})),
            Row("name", codec=Text()),
            Row("description", "queue.route.<id>.description", Nullable(Comment())),
            Row("address", "queue.route.<id>.address", Host(), required=True, variants=("Relay",)),
            Row("port", "queue.route.<id>.port", Number(25, 1, 65535), create=25, variants=("Relay",)),
            Row(
                "protocol",
                "queue.route.<id>.protocol",
                Enum({"smtp": "smtp", "lmtp": "lmtp"}, "smtp"),
                create="smtp",
                variants=("Relay",),
            ),
            Row("implicitTls", "queue.route.<id>.tls.implicit", Boolean(True), create=False, variants=("Relay",)),
            Row("allowInvalidCerts", "queue.route.<id>.tls.allow-invalid-certs", Boolean(False), variants=("Relay",)),
            Row("authUsername", "queue.route.<id>.auth.username", Nullable(Text()), variants=("Relay",)),
            Row("authSecret", "queue.route.<id>.auth.secret", Secret(), variants=("Relay",)),
            Row(
                "ipLookupStrategy",
                "queue.route.<id>.ip-lookup",
                Enum(
                    {
                        "v4ThenV6": "ipv4_then_ipv6",
                        "v6ThenV4": "ipv6_then_ipv4",
                        "v4Only": "ipv4_only",
                        "v6Only": "ipv6_only",
                    },
                    "v4ThenV6",
                ),
                variants=("Mx",),
            ),
            Row("maxMxHosts", "queue.route.<id>.limits.mx", Number(5, 1), variants=("Mx",)),
            Row("maxMultihomed", "queue.route.<id>.limits.multihomed", Number(2, 1), variants=("Mx",)),
        ),
        prefix="queue.route.<id>",
        fixed={"Local": {}, "Mx": {}, "Relay": {}},
        label=_simple,
    ),
    Kind(
        "mtaTlsStrategy",
        (
            Row("name", codec=Text()),
            Row("description", "queue.tls.<id>.description", Nullable(Comment())),
            # One key is needed for an object to be there.
            Row("startTls", "queue.tls.<id>.starttls", Enum(_DEMANDS, "optional"), create="optional"),
            Row("dane", "queue.tls.<id>.dane", Enum(_DEMANDS, "optional")),
            Row("mtaSts", "queue.tls.<id>.mta-sts", Enum(_DEMANDS, "optional")),
            Row("allowInvalidCerts", "queue.tls.<id>.allow-invalid-certs", Boolean(False)),
            Row("tlsTimeout", "queue.tls.<id>.timeout.tls", Duration(180_000)),
            Row("mtaStsTimeout", "queue.tls.<id>.timeout.mta-sts", Duration(300_000)),
        ),
        prefix="queue.tls.<id>",
        label=_simple,
    ),
    Kind(
        "networkListener",
        (
            Row("name", codec=Text()),
            Row("bind", "server.listener.<id>.bind", Items(), required=True),
            Row(
                "protocol",
                "server.listener.<id>.protocol",
                Enum(
                    {
                        "smtp": "smtp",
                        "lmtp": "lmtp",
                        "http": ("http", "https"),
                        "imap": "imap",
                        "pop3": "pop3",
                        "manageSieve": "managesieve",
                    }
                ),
                create="smtp",
            ),
            Row("tlsImplicit", "server.listener.<id>.tls.implicit", Boolean(False)),
            Row("useTls", "server.listener.<id>.tls.enable", Boolean(True)),
            Row("maxConnections", "server.listener.<id>.max-connections", Number(8192, 1)),
            Row("tlsIgnoreClientOrder", "server.listener.<id>.tls.ignore-client-order", Boolean(True)),
            Row("tlsTimeout", "server.listener.<id>.tls.timeout", Duration(60_000)),
        ),
        prefix="server.listener.<id>",
        label=_simple,
        restart=True,
        note="These keys are in config.toml on most servers; the collection compares them and writes none that is.",
    ),
    Kind(
        "tracer",
        (
            plain(
                "@type",
                "tracer.<id>.type",
                Enum({"Stdout": ("stdout", "console", "stderr"), "Log": "log", "Journal": "journal"}),
            ),
            Row("level", "tracer.<id>.level", Enum(_LEVELS, "info")),
            Row("enable", "tracer.<id>.enable", Boolean(True)),
            Row("ansi", "tracer.<id>.ansi", Boolean(True), create=False, variants=("Stdout",)),
            Row("multiline", "tracer.<id>.multiline", Boolean(False), variants=("Stdout", "Log")),
            Row("buffered", "tracer.<id>.buffered", Boolean(True), variants=("Stdout",)),
            Row("path", "tracer.<id>.path", Text(), required=True, variants=("Log",)),
            Row("prefix", "tracer.<id>.prefix", Text("stalwart"), variants=("Log",)),
            Row(
                "rotate",
                "tracer.<id>.rotate",
                Enum({n: n for n in ("daily", "hourly", "minutely", "never")}, "daily"),
                variants=("Log",),
            ),
            no_key("lossy", "0.15 sets it for all tracers", False),
        ),
        prefix="tracer.<id>",
        fixed={"Stdout": {}, "Log": {}, "Journal": {}},
        label=_simple,
        by_type=True,
        note="These keys are in config.toml on most servers; the collection compares them and writes none that is.",
    ),
)

#: A domain is a principal with signing keys; :mod:`.domains` reads and writes it.
DOMAIN = Kind(
    "domain",
    (
        Row("name", codec=Host()),
        Row("description", codec=Nullable(Comment()), why="the domain principal's description"),
        Row(
            "dkimManagement",
            codec=Mapping(),
            why="the signing keys rsa-<domain> and ed25519-<domain>, made by POST /api/dkim; Manual leaves them alone",
        ),
        no_key("aliases", "a domain has no aliases; give the addresses as aliases of accounts", []),
        no_key("allowRelaying", "0.15 relays by session.rcpt.relay", False),
        no_key("catchAllAddress", "a catch-all is the address @<domain> of an account, which no option gives", None),
        no_key("certificateManagement", "0.15 manages certificates per ACME provider", _MANUAL),
        no_key("directoryId", "there is one directory for all domains", None),
        no_key("dnsManagement", "0.15 publishes nothing itself", _MANUAL),
        no_key("isEnabled", "a domain is enabled while it exists", True),
        no_key("logo", "a logo is of the enterprise edition", None),
        no_key("memberTenantId", "tenants inside a server are of the enterprise edition", None),
        no_key("reportAddressUri", "0.15 always publishes postmaster", "mailto:postmaster"),
        no_key(
            "subAddressing", "0.15 has one rule for all domains (session.rcpt.sub-addressing)", {"@type": "Enabled"}
        ),
    ),
    prefix="domain.<id>",
    label=_domain,
)
