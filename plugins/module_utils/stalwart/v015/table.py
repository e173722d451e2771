# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The translation table: canonical settings and the keys of 0.15. Data; defaults are those of 0.15.5. Pure."""

from __future__ import annotations

import re
import typing as t

from .codecs import (
    Address,
    Boolean,
    Codec,
    Comment,
    DirectoryLabel,
    Duration,
    Enum,
    Headers,
    Host,
    Issuer,
    Items,
    Mapping,
    Nullable,
    Number,
    Optional,
    Rate,
    Remark,
    RulesUrl,
    Secret,
    Text,
    Wrong,
)
from .expression import Expression
from .vocabulary import Kind, Row

_SIMPLE_ID = re.compile(r"[A-Za-z0-9_-]+\Z")
_AUTHENTICATED = "!is_empty(authenticated_as)"
_LEVELS = {name: name for name in ("error", "warn", "info", "debug", "trace")}
_NO_PERIOD = "0.15 bans for good; a ban is lifted by removing blockedIp"
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


def _expression(name: str, key: str, default: t.Any, scope: str) -> Row:
    return Row(name, key, Expression(default, scope))


def _plain(name: str, key: str, codec: Codec) -> Row:
    return Row(name, key, codec)


def _none(name: str, why: str, *always: t.Any, variants: tuple[str, ...] = ()) -> Row:
    return Row(name, why=why, always=always, variants=variants)


def _if(condition: str, then: str, otherwise: str = "false") -> dict[str, t.Any]:
    return {"match": [{"if": condition, "then": then}], "else": otherwise}


_PORT_25 = _if("local_port == 25", "true")
_RELAXED_25 = _if("local_port == 25", "relaxed", "disable")

SINGLETONS: tuple[Kind, ...] = (
    Kind(
        "asn",
        (
            _plain(
                "@type",
                "asn.type",
                Enum({"Disabled": ("disabled", "disable"), "Resource": "resource", "Dns": "dns"}, "Disabled"),
            ),
        ),
    ),
    Kind(
        "authentication",
        (
            _plain("directoryId", "storage.directory", DirectoryLabel()),
            *(
                _none(name, "0.15 knows no such rule")
                for name in (
                    "defaultAdminRoleIds",
                    "defaultGroupRoleIds",
                    "defaultTenantRoleIds",
                    "defaultUserRoleIds",
                    "maxApiKeys",
                    "maxAppPasswords",
                    "passwordDefaultExpiry",
                    "passwordHashAlgorithm",
                    "passwordMaxLength",
                    "passwordMinLength",
                    "passwordMinStrength",
                )
            ),
        ),
    ),
    Kind(
        "dsnReportSettings",
        (
            _expression("fromName", "report.dsn.from-name", "'Mail Delivery Subsystem'", "any"),
            _expression("fromAddress", "report.dsn.from-address", "'MAILER-DAEMON@' + system('domain')", "any"),
            _none(
                "dkimSignDomain",
                "0.15 signs with named keys (report.dsn.sign), by default those of the default domain",
                "system('domain')",
            ),
        ),
    ),
    Kind(
        "http",
        (
            _expression("allowedEndpoints", "http.allowed-endpoint", "200", "http"),
            _plain("enableHsts", "http.hsts", Boolean(False)),
            _plain("rateLimitAnonymous", "http.rate-limit.anonymous", Optional(Rate({"count": 100, "period": 60_000}))),
            _plain(
                "rateLimitAuthenticated", "http.rate-limit.account", Optional(Rate({"count": 1000, "period": 60_000}))
            ),
            _plain("responseHeaders", "http.headers", Headers()),
            _plain("usePermissiveCors", "http.permissive-cors", Boolean(False)),
            _plain("useXForwarded", "http.use-x-forwarded", Boolean(False)),
            _none("redirectRoot", "0.15 always shows its own administration there"),
        ),
    ),
    Kind(
        "imap",
        (
            _plain("allowPlainTextAuth", "imap.auth.allow-plain-text", Boolean(False)),
            _plain("maxAuthFailures", "imap.auth.max-failures", Number(3, 1)),
            _plain("maxConcurrent", "imap.rate-limit.concurrent", Optional(Number(None, 1))),
            _plain("maxRequestRate", "imap.rate-limit.requests", Optional(Rate({"count": 2000, "period": 60_000}))),
            _plain("maxRequestSize", "imap.request.max-size", Number(52_428_800, 1)),
            _plain("timeoutAnonymous", "imap.timeout.anonymous", Duration(60_000)),
            _plain("timeoutAuthenticated", "imap.timeout.authenticated", Duration(1_800_000)),
            _plain("timeoutIdle", "imap.timeout.idle", Duration(1_800_000)),
        ),
    ),
    Kind(
        "jmap",
        (
            _plain("getMaxResults", "jmap.protocol.get.max-objects", Number(500, 1)),
            _plain("setMaxObjects", "jmap.protocol.set.max-objects", Number(500, 1)),
            _plain("queryMaxResults", "jmap.protocol.query.max-results", Number(5000, 1)),
            _plain("maxMethodCalls", "jmap.protocol.request.max-calls", Number(16, 1)),
            _plain("maxConcurrentRequests", "jmap.protocol.request.max-concurrent", Optional(Number(4, 1))),
            _plain("maxRequestSize", "jmap.protocol.request.max-size", Number(10_000_000, 1)),
            _plain("maxConcurrentUploads", "jmap.protocol.upload.max-concurrent", Optional(Number(4, 1))),
            _plain("maxUploadSize", "jmap.protocol.upload.max-size", Number(50_000_000, 1)),
            _plain("uploadTtl", "jmap.protocol.upload.ttl", Duration(3_600_000)),
        ),
    ),
    Kind(
        "metrics",
        (
            _plain(
                "prometheus.@type",
                "metrics.prometheus.enable",
                Enum({"Disabled": "false", "Enabled": "true"}, "Disabled"),
            ),
            _plain("prometheus.authUsername", "metrics.prometheus.auth.username", Nullable(Text())),
            _plain("prometheus.authSecret", "metrics.prometheus.auth.secret", Secret()),
        ),
    ),
    Kind(
        "mtaExtensions",
        tuple(
            _expression(name, f"session.extensions.{key}", default, "sender")
            for name, key, default in (
                ("chunking", "chunking", "true"),
                ("deliverBy", "deliver-by", _if(_AUTHENTICATED, "15d")),
                ("dsn", "dsn", _if(_AUTHENTICATED, "true")),
                ("expn", "expn", _if(_AUTHENTICATED, "true")),
                ("futureRelease", "future-release", _if(_AUTHENTICATED, "7d")),
                ("mtPriority", "mt-priority", _if(_AUTHENTICATED, "mixer")),
                ("noSoliciting", "no-soliciting", "''"),
                ("pipelining", "pipelining", "true"),
                ("requireTls", "requiretls", "true"),
                ("vrfy", "vrfy", _if(_AUTHENTICATED, "true")),
            )
        ),
    ),
    Kind(
        "mtaInboundSession",
        (
            _expression("maxDuration", "session.duration", "10m", "connection"),
            _expression("timeout", "session.timeout", "5m", "connection"),
            _expression("transferLimit", "session.transfer-limit", "262144000", "connection"),
        ),
    ),
    Kind(
        "mtaOutboundStrategy",
        (
            _expression("connection", "queue.strategy.connection", "'default'", "any"),
            _expression("route", "queue.strategy.route", None, "any"),
            _expression("schedule", "queue.strategy.schedule", None, "any"),
            _expression("tls", "queue.strategy.tls", None, "any"),
        ),
    ),
    Kind(
        "mtaStageAuth",
        (
            _expression("maxFailures", "session.auth.errors.total", "3", "ehlo"),
            _expression("mustMatchSender", "session.auth.must-match-sender", "true", "sender"),
            _expression("require", "session.auth.require", _if("local_port != 25", "true"), "ehlo"),
            _expression(
                "saslMechanisms",
                "session.auth.mechanisms",
                {
                    "match": [
                        {"if": "local_port != 25 && is_tls", "then": "[plain, login, oauthbearer, xoauth2]"},
                        {"if": "local_port != 25", "then": "[oauthbearer, xoauth2]"},
                    ],
                    "else": "false",
                },
                "ehlo",
            ),
            _expression("waitOnFail", "session.auth.errors.wait", "5s", "ehlo"),
        ),
    ),
    Kind(
        "mtaStageConnect",
        (
            _expression("hostname", "session.connect.hostname", "system('hostname')", "connection"),
            _expression("script", "session.connect.script", "false", "connection"),
            _expression(
                "smtpGreeting",
                "session.connect.greeting",
                "system('hostname') + ' Stalwart ESMTP at your service'",
                "connection",
            ),
        ),
    ),
    Kind(
        "mtaStageData",
        (
            *(
                _expression(f"add{name}Header", f"session.data.add-headers.{key}", _PORT_25, "recipient")
                for name, key in (
                    ("AuthResults", "auth-results"),
                    ("Date", "date"),
                    ("MessageId", "message-id"),
                    ("Received", "received"),
                    ("ReceivedSpf", "received-spf"),
                    ("ReturnPath", "return-path"),
                )
            ),
            _plain("addDeliveredToHeader", "session.data.add-headers.delivered-to", Boolean(True)),
            _expression("enableSpamFilter", "session.data.spam-filter", None, "recipient"),
            _expression("maxMessageSize", "session.data.limits.size", "104857600", "recipient"),
            _expression("maxMessages", "session.data.limits.messages", "10", "recipient"),
            _expression("maxReceivedHeaders", "session.data.limits.received-headers", "50", "recipient"),
            _expression("script", "session.data.script", "false", "recipient"),
        ),
    ),
    Kind(
        "mtaStageEhlo",
        (
            _expression("rejectNonFqdn", "session.ehlo.reject-non-fqdn", _PORT_25, "connection"),
            _expression("require", "session.ehlo.require", "true", "connection"),
            _expression("script", "session.ehlo.script", "false", "connection"),
        ),
    ),
    Kind(
        "mtaStageMail",
        (
            _expression("isSenderAllowed", "session.mail.is-allowed", None, "sender"),
            _expression("rewrite", "session.mail.rewrite", "false", "sender"),
            _expression("script", "session.mail.script", "false", "sender"),
        ),
    ),
    Kind(
        "mtaStageRcpt",
        (
            _expression("allowRelaying", "session.rcpt.relay", _if(_AUTHENTICATED, "true"), "recipient"),
            _expression("maxFailures", "session.rcpt.errors.total", "5", "sender"),
            _expression("maxRecipients", "session.rcpt.max-recipients", "100", "sender"),
            _expression("rewrite", "session.rcpt.rewrite", "false", "recipient"),
            _expression("script", "session.rcpt.script", "false", "recipient"),
            _expression("waitOnFail", "session.rcpt.errors.wait", "5s", "sender"),
        ),
    ),
    Kind(
        "security",
        (
            *(
                _plain(
                    f"{name}BanRate",
                    f"server.auto-ban.{key}.rate",
                    Optional(Rate({"count": count, "period": 86_400_000})),
                )
                for name, key, count in (
                    ("abuse", "abuse", 35),
                    ("auth", "auth", 100),
                    ("loiter", "loiter", 150),
                    ("scan", "scan", 30),
                )
            ),
            *(_none(f"{name}BanPeriod", _NO_PERIOD, None) for name in ("abuse", "auth", "loiter", "scan")),
            _plain(
                "scanBanPaths",
                "server.auto-ban.scan.paths",
                Items(
                    default=sorted(
                        [
                            "*.php*",
                            "*.cgi*",
                            "*.asp*",
                            "*/wp-*",
                            "*/php*",
                            "*/cgi-bin*",
                            "*xmlrpc*",
                            "*../*",
                            "*/..*",
                            "*joomla*",
                            "*wordpress*",
                            "*drupal*",
                        ]
                    )
                ),
            ),
        ),
    ),
    Kind(
        "senderAuth",
        (
            _expression("arcVerify", "auth.arc.verify", "relaxed", "recipient"),
            _expression("dkimVerify", "auth.dkim.verify", "relaxed", "recipient"),
            _expression("dmarcVerify", "auth.dmarc.verify", _RELAXED_25, "recipient"),
            _expression("reverseIpVerify", "auth.iprev.verify", _RELAXED_25, "connection"),
            _expression("spfEhloVerify", "auth.spf.verify.ehlo", _RELAXED_25, "ehlo"),
            _expression("spfFromVerify", "auth.spf.verify.mail-from", _RELAXED_25, "sender"),
            _none(
                "dkimSignDomain",
                "0.15 signs with named keys (auth.dkim.sign), by default those of the sender's local domain",
            ),
            _none("dkimStrict", "0.15 has no such switch", True),
        ),
    ),
    Kind(
        "spamClassifier",
        (
            _plain(
                "model.@type",
                "spam-filter.classifier.model",
                Enum({"FtrlFh": "ftrl-fh", "FtrlCcfh": "ftrl-ccfh", "Disabled": ("disabled", "disable")}, "FtrlFh"),
            ),
        ),
    ),
    Kind(
        "spamDnsblSettings",
        tuple(
            _plain(f"{name}Limit", f"spam-filter.dnsbl.max-check.{name}", Number(50, 0))
            for name in ("domain", "email", "ip", "url")
        ),
    ),
    Kind(
        "spamPyzor",
        (
            _plain("allowCount", "spam-filter.pyzor.wl-count", Number(10, 1, 1000)),
            _plain("blockCount", "spam-filter.pyzor.count", Number(5, 1, 1000)),
            _plain("enable", "spam-filter.pyzor.enable", Boolean(True)),
            _plain("host", "spam-filter.pyzor.host", Text("public.pyzor.org")),
            _plain("port", "spam-filter.pyzor.port", Number(24441, 100, 65535)),
            _plain("ratio", "spam-filter.pyzor.ratio", Number(0.2, 0, 1, fraction=True)),
            _plain("timeout", "spam-filter.pyzor.timeout", Duration(5000)),
        ),
    ),
    Kind(
        "spamSettings",
        (
            _plain("enable", "spam-filter.enable", Boolean(True)),
            _plain("greylistFor", "spam-filter.grey-list.duration", Optional(Duration())),
            _plain("scoreDiscard", "spam-filter.score.discard", Number(0, -100, 100, fraction=True)),
            _plain("scoreReject", "spam-filter.score.reject", Number(0, -100, 100, fraction=True)),
            _plain("scoreSpam", "spam-filter.score.spam", Number(5, -100, 100, fraction=True)),
            _plain("spamFilterRulesUrl", "spam-filter.resource", RulesUrl()),
            _plain("trustContacts", "spam-filter.card-is-ham.enable", Boolean(True)),
            _plain("trustReplies", "spam-filter.trusted-reply.enable", Boolean(True)),
        ),
    ),
    Kind(
        "systemSettings",
        (
            _plain("defaultDomainId", "report.domain", Host()),
            _plain("defaultHostname", "server.hostname", Host()),
            *(
                _none(name, why)
                for name, why in (
                    ("defaultCertificateId", "0.15 marks the certificate itself (certificate.<id>.default)"),
                    ("mailExchangers", "0.15 publishes its own host name"),
                    ("maxConnections", "0.15 limits per listener"),
                    ("providerInfo", "0.15 publishes none"),
                    (
                        "proxyTrustedNetworks",
                        "0.15 trusts per listener or server.proxy.trusted-networks, read at its start",
                    ),
                    ("services", "0.15 publishes its listeners"),
                    ("threadPoolSize", "0.15 reads global.thread-pool at its start"),
                )
            ),
        ),
    ),
)

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
            _none("createdAt", "0.15 keeps no times"),
            _none("expiresAt", "an address is allowed until it is removed", None),
        ),
        prefix="server.allowed-ip.<id>",
        label=_address,
        bare=True,
    ),
    Kind(
        "blockedIp",
        (
            Row("address", codec=Address()),
            _none("reason", "0.15 keeps no reasons", "manual"),
            _none("expiresAt", "an address is blocked until it is removed", None),
        ),
        prefix="server.blocked-ip.<id>",
        label=_address,
        bare=True,
        area="blocked",
    ),
    Kind(
        "directory",
        (
            _plain("@type", "directory.<id>.type", Enum({"Oidc": "oidc"})),
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
            _none("claimGroups", "0.15 reads no groups from tokens; memberships are kept by stalwart_principal", None),
            _none("memberTenantId", "tenants inside a server are of the enterprise edition", None),
            _none("requireAudience", _NO_CLAIM_CHECK, None),
            _none("requireScopes", _NO_CLAIM_CHECK, []),
            _none(
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
            _plain("@type", "queue.route.<id>.type", Enum({"Local": "local", "Mx": "mx", "Relay": "relay"})),
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
            _plain(
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
            _none("lossy", "0.15 sets it for all tracers", False),
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
        _none("aliases", "a domain has no aliases; give the addresses as aliases of accounts", []),
        _none("allowRelaying", "0.15 relays by session.rcpt.relay", False),
        _none("catchAllAddress", "a catch-all is an alias @<domain> of an account", None),
        _none("certificateManagement", "0.15 manages certificates per ACME provider", _MANUAL),
        _none("directoryId", "there is one directory for all domains", None),
        _none("dnsManagement", "0.15 publishes nothing itself", _MANUAL),
        _none("isEnabled", "a domain is enabled while it exists", True),
        _none("logo", "a logo is of the enterprise edition", None),
        _none("memberTenantId", "tenants inside a server are of the enterprise edition", None),
        _none("reportAddressUri", "0.15 always publishes postmaster", "mailto:postmaster"),
        _none("subAddressing", "0.15 has one rule for all domains (session.rcpt.sub-addressing)", {"@type": "Enabled"}),
    ),
    prefix="domain.<id>",
    label=_domain,
)

KINDS: t.Mapping[str, Kind] = {kind.name: kind for kind in (*SINGLETONS, *OBJECTS, DOMAIN)}
