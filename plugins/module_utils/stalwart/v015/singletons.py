# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The translation table, singletons: canonical names and the keys of 0.15. Data; defaults are those of 0.15.5. Pure."""

from __future__ import annotations

import typing as t

from .codecs import (
    LARGEST_32,
    Boolean,
    Duration,
    Enum,
    Host,
    Items,
    Nullable,
    Number,
    Optional,
    Rate,
    Text,
)
from .expression import Expression
from .sender_rule import SenderRule
from .special import DirectoryLabel, Headers, RulesUrl, Secret
from .vocabulary import Kind, Row, no_key, plain

_AUTHENTICATED = "!is_empty(authenticated_as)"
_NO_PERIOD = "0.15 bans for good; a ban is lifted by removing blockedIp"


def _expression(name: str, key: str, default: t.Any, scope: str) -> Row:
    return Row(name, key, Expression(default, scope))


def _if(condition: str, then: str, otherwise: str = "false") -> dict[str, t.Any]:
    return {"match": [{"if": condition, "then": then}], "else": otherwise}


_PORT_25 = _if("local_port == 25", "true")
_RELAXED_25 = _if("local_port == 25", "relaxed", "disable")

SINGLETONS: tuple[Kind, ...] = (
    Kind(
        "asn",
        (
            plain(
                "@type",
                "asn.type",
                Enum(
                    {"Disabled": ("disabled", "disable", "none", "false")},
                    "Disabled",
                    dict.fromkeys(("Resource", "Dns"), "its sources (asn.*) are not translated"),
                ),
            ),
        ),
    ),
    Kind(
        "authentication",
        (
            plain("directoryId", "storage.directory", DirectoryLabel()),
            *(
                no_key(name, "0.15 knows no such rule")
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
            _expression("fromName", "report.dsn.from-name", "'Mail Delivery Subsystem'", "queueSender"),
            _expression("fromAddress", "report.dsn.from-address", "'MAILER-DAEMON@' + system('domain')", "queueSender"),
            no_key(
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
            plain("enableHsts", "http.hsts", Boolean(False)),
            plain("rateLimitAnonymous", "http.rate-limit.anonymous", Optional(Rate({"count": 100, "period": 60_000}))),
            plain(
                "rateLimitAuthenticated", "http.rate-limit.account", Optional(Rate({"count": 1000, "period": 60_000}))
            ),
            plain("responseHeaders", "http.headers", Headers()),
            plain("usePermissiveCors", "http.permissive-cors", Boolean(False)),
            plain("useXForwarded", "http.use-x-forwarded", Boolean(False)),
            no_key("redirectRoot", "0.15 always shows its own administration there"),
        ),
    ),
    Kind(
        "imap",
        (
            plain("allowPlainTextAuth", "imap.auth.allow-plain-text", Boolean(False)),
            plain("maxAuthFailures", "imap.auth.max-failures", Number(3, 1, LARGEST_32)),
            plain("maxConcurrent", "imap.rate-limit.concurrent", Optional(Number(None, 1))),
            plain("maxRequestRate", "imap.rate-limit.requests", Optional(Rate({"count": 2000, "period": 60_000}))),
            plain("maxRequestSize", "imap.request.max-size", Number(52_428_800, 1)),
            plain("timeoutAnonymous", "imap.timeout.anonymous", Duration(60_000)),
            plain("timeoutAuthenticated", "imap.timeout.authenticated", Duration(1_800_000)),
            plain("timeoutIdle", "imap.timeout.idle", Duration(1_800_000)),
        ),
    ),
    Kind(
        "jmap",
        (
            plain("getMaxResults", "jmap.protocol.get.max-objects", Number(500, 1)),
            plain("setMaxObjects", "jmap.protocol.set.max-objects", Number(500, 1)),
            plain("queryMaxResults", "jmap.protocol.query.max-results", Number(5000, 1)),
            plain("maxMethodCalls", "jmap.protocol.request.max-calls", Number(16, 1)),
            plain("maxConcurrentRequests", "jmap.protocol.request.max-concurrent", Optional(Number(4, 1))),
            plain("maxRequestSize", "jmap.protocol.request.max-size", Number(10_000_000, 1)),
            plain("maxConcurrentUploads", "jmap.protocol.upload.max-concurrent", Optional(Number(4, 1))),
            plain("maxUploadSize", "jmap.protocol.upload.max-size", Number(50_000_000, 1)),
            plain("uploadTtl", "jmap.protocol.upload.ttl", Duration(3_600_000)),
        ),
    ),
    Kind(
        "metrics",
        (
            plain(
                "prometheus.@type",
                "metrics.prometheus.enable",
                Enum({"Disabled": "false", "Enabled": "true"}, "Disabled"),
            ),
            plain("prometheus.authUsername", "metrics.prometheus.auth.username", Nullable(Text())),
            plain("prometheus.authSecret", "metrics.prometheus.auth.secret", Secret()),
        ),
    ),
    Kind(
        "mtaExtensions",
        tuple(
            _expression(
                name, f"session.extensions.{key}", default, "sender priority" if name == "mtPriority" else "sender"
            )
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
            _expression("connection", "queue.strategy.connection", "'default'", "queueHost"),
            _expression("route", "queue.strategy.route", None, "queueRecipient"),
            _expression("schedule", "queue.strategy.schedule", None, "queueRecipient"),
            _expression("tls", "queue.strategy.tls", None, "queueHost"),
        ),
    ),
    Kind(
        "mtaStageAuth",
        (
            _expression("maxFailures", "session.auth.errors.total", "3", "ehlo"),
            Row("mustMatchSender", "session.auth.must-match-sender", SenderRule("true", "sender")),
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
                "ehlo mechanism",
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
            plain("addDeliveredToHeader", "session.data.add-headers.delivered-to", Boolean(True)),
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
                plain(
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
            *(no_key(f"{name}BanPeriod", _NO_PERIOD, None) for name in ("abuse", "auth", "loiter", "scan")),
            plain(
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
            _expression("arcVerify", "auth.arc.verify", "relaxed", "recipient verify"),
            _expression("dkimVerify", "auth.dkim.verify", "relaxed", "recipient verify"),
            _expression("dmarcVerify", "auth.dmarc.verify", _RELAXED_25, "recipient verify"),
            _expression("reverseIpVerify", "auth.iprev.verify", _RELAXED_25, "connection verify"),
            _expression("spfEhloVerify", "auth.spf.verify.ehlo", _RELAXED_25, "connection verify"),
            _expression("spfFromVerify", "auth.spf.verify.mail-from", _RELAXED_25, "connection verify"),
            no_key(
                "dkimSignDomain",
                "0.15 signs with named keys (auth.dkim.sign), by default those of the sender's local domain",
            ),
            no_key("dkimStrict", "0.15 has no such switch", True),
        ),
    ),
    Kind(
        "spamClassifier",
        (
            plain(
                "model.@type",
                "spam-filter.classifier.model",
                Enum(
                    {"FtrlFh": "ftrl-fh", "Disabled": ("disabled", "disable")},
                    "FtrlFh",
                    {"FtrlCcfh": "its own size (spam-filter.classifier.parameters.ccfh.features) is not translated"},
                ),
            ),
        ),
    ),
    Kind(
        "spamDnsblSettings",
        tuple(
            plain(f"{name}Limit", f"spam-filter.dnsbl.max-check.{name}", Number(50, 0))
            for name in ("domain", "email", "ip", "url")
        ),
    ),
    Kind(
        "spamPyzor",
        (
            plain("allowCount", "spam-filter.pyzor.wl-count", Number(10, 1, 1000)),
            plain("blockCount", "spam-filter.pyzor.count", Number(5, 1, 1000)),
            plain("enable", "spam-filter.pyzor.enable", Boolean(True)),
            plain("host", "spam-filter.pyzor.host", Text("public.pyzor.org")),
            plain("port", "spam-filter.pyzor.port", Number(24441, 100, 65535)),
            plain("ratio", "spam-filter.pyzor.ratio", Number(0.2, 0, 1, fraction=True)),
            plain("timeout", "spam-filter.pyzor.timeout", Duration(5000)),
        ),
    ),
    Kind(
        "spamSettings",
        (
            plain("enable", "spam-filter.enable", Boolean(True)),
            plain("greylistFor", "spam-filter.grey-list.duration", Optional(Duration())),
            plain("scoreDiscard", "spam-filter.score.discard", Number(0, -100, 100, fraction=True)),
            plain("scoreReject", "spam-filter.score.reject", Number(0, -100, 100, fraction=True)),
            plain("scoreSpam", "spam-filter.score.spam", Number(5, -100, 100, fraction=True)),
            plain("spamFilterRulesUrl", "spam-filter.resource", RulesUrl()),
            plain("trustContacts", "spam-filter.card-is-ham.enable", Boolean(True)),
            plain("trustReplies", "spam-filter.trusted-reply.enable", Boolean(True)),
        ),
    ),
    Kind(
        "systemSettings",
        (
            plain("defaultDomainId", "report.domain", Host()),
            plain("defaultHostname", "server.hostname", Host()),
            *(
                no_key(name, why)
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
