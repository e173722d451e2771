# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every expression in settings, found without a server: which properties hold one (0.16.18's schema), and what is wrong. Pure.

With a server at hand its own schema says which properties are expressions (:mod:`.v016.values`); this is for values files.
"""

from __future__ import annotations

import typing as t

from .expressions import CONSTANTS, VARIABLES, ExpressionError, audit

#: Properties that are expressions, by the key of level 1; none of these names is anything else below the same key.
EXPRESSIONS: dict[str, frozenset[str]] = {
    "alert": frozenset(("condition",)),
    "dkimReportSettings": frozenset(
        (
            "dkimSignDomain",
            "fromAddress",
            "fromName",
            "sendFrequency",
            "subject",
        )
    ),
    "dmarcReportSettings": frozenset(
        (
            "aggregateContactInfo",
            "aggregateDkimSignDomain",
            "aggregateFromAddress",
            "aggregateFromName",
            "aggregateMaxReportSize",
            "aggregateOrgName",
            "aggregateSendFrequency",
            "aggregateSubject",
            "failureDkimSignDomain",
            "failureFromAddress",
            "failureFromName",
            "failureSendFrequency",
            "failureSubject",
        )
    ),
    "domain": frozenset(("customRule",)),
    "dsnReportSettings": frozenset(
        (
            "dkimSignDomain",
            "fromAddress",
            "fromName",
        )
    ),
    "http": frozenset(("allowedEndpoints",)),
    "mtaExtensions": frozenset(
        (
            "chunking",
            "deliverBy",
            "dsn",
            "expn",
            "futureRelease",
            "mtPriority",
            "noSoliciting",
            "pipelining",
            "requireTls",
            "vrfy",
        )
    ),
    "mtaHook": frozenset(("enable",)),
    "mtaInboundSession": frozenset(
        (
            "maxDuration",
            "timeout",
            "transferLimit",
        )
    ),
    "mtaInboundThrottle": frozenset(("match",)),
    "mtaMilter": frozenset(("enable",)),
    "mtaOutboundStrategy": frozenset(
        (
            "connection",
            "route",
            "schedule",
            "tls",
        )
    ),
    "mtaOutboundThrottle": frozenset(("match",)),
    "mtaQueueQuota": frozenset(("match",)),
    "mtaStageAuth": frozenset(
        (
            "maxFailures",
            "mustMatchSender",
            "require",
            "saslMechanisms",
            "waitOnFail",
        )
    ),
    "mtaStageConnect": frozenset(
        (
            "hostname",
            "script",
            "smtpGreeting",
        )
    ),
    "mtaStageData": frozenset(
        (
            "addAuthResultsHeader",
            "addDateHeader",
            "addMessageIdHeader",
            "addReceivedHeader",
            "addReceivedSpfHeader",
            "addReturnPathHeader",
            "enableSpamFilter",
            "maxMessageSize",
            "maxMessages",
            "maxReceivedHeaders",
            "script",
        )
    ),
    "mtaStageEhlo": frozenset(
        (
            "rejectNonFqdn",
            "require",
            "script",
        )
    ),
    "mtaStageMail": frozenset(
        (
            "isSenderAllowed",
            "rewrite",
            "script",
        )
    ),
    "mtaStageRcpt": frozenset(
        (
            "allowRelaying",
            "maxFailures",
            "maxRecipients",
            "rewrite",
            "script",
            "waitOnFail",
        )
    ),
    "reportSettings": frozenset(("outboundReportSubmitter",)),
    "senderAuth": frozenset(
        (
            "arcVerify",
            "dkimSignDomain",
            "dkimVerify",
            "dmarcVerify",
            "reverseIpVerify",
            "spfEhloVerify",
            "spfFromVerify",
        )
    ),
    "sieveSystemInterpreter": frozenset(
        (
            "defaultFromAddress",
            "defaultFromName",
            "defaultReturnPath",
            "dkimSignDomain",
        )
    ),
    "spamDnsblServer": frozenset(
        (
            "tag",
            "zone",
        )
    ),
    "spamRule": frozenset(("condition",)),
    "spfReportSettings": frozenset(
        (
            "dkimSignDomain",
            "fromAddress",
            "fromName",
            "sendFrequency",
            "subject",
        )
    ),
    "tlsReportSettings": frozenset(
        (
            "contactInfo",
            "dkimSignDomain",
            "fromAddress",
            "fromName",
            "maxReportSize",
            "orgName",
            "sendFrequency",
            "subject",
        )
    ),
}

#: Variables of spam rules, alerts and look-ups, which the contract's list of SMTP stages leaves out.
RULE_VARIABLES = frozenset(
    (
        "attributes",
        "authority",
        "bcc",
        "bcc.domain",
        "bcc.local",
        "bcc.name",
        "body",
        "body.html",
        "body.raw",
        "body.text",
        "body.words",
        "cc",
        "cc.domain",
        "cc.local",
        "cc.name",
        "domain",
        "email",
        "email_lower",
        "env_from",
        "env_from.domain",
        "env_from.local",
        "env_to",
        "from",
        "from.domain",
        "from.local",
        "from.name",
        "host",
        "ip",
        "ip_reverse",
        "is_v4",
        "is_v6",
        "local",
        "location",
        "name",
        "name_lower",
        "octets",
        "path_query",
        "port",
        "query",
        "raw",
        "raw_lower",
        "remote_ip.ptr",
        "reply_to",
        "reply_to.domain",
        "reply_to.local",
        "reply_to.name",
        "reverse_ip",
        "scheme",
        "sld",
        "subject",
        "subject.thread",
        "subject.words",
        "to",
        "to.domain",
        "to.local",
        "to.name",
        "url_original",
        "value",
        "value_lower",
    )
)


class Found(t.NamedTuple):
    """An expression of settings. :param key: where it is. :param text: the expression."""

    key: str
    text: str


class Fault(t.NamedTuple):
    """An expression that no server should be given. :param message: what is wrong, and where in the text."""

    key: str
    expression: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """For results."""
        return {"key": self.key, "expression": self.expression, "message": self.message}


def faults(
    settings: t.Mapping[t.Any, t.Any], *, generation: str = "0.16", variables: t.Iterable[str] = ()
) -> list[Fault]:
    """What is wrong with the expressions of settings, which may be in both shapes.

    :param variables: further ones that are known.
    """
    out = []
    for found in expressions_in(settings):
        message = fault(found.text, generation=generation, variables=variables)
        if message is not None:
            out.append(Fault(found.key, found.text, message))
    return out


def fault(text: str, *, generation: str = "0.16", variables: t.Iterable[str] = ()) -> t.Optional[str]:
    """What is wrong with one expression; none when nothing is."""
    try:
        audit(text, VARIABLES | RULE_VARIABLES | set(variables), CONSTANTS, generation=generation)
    except ExpressionError as exc:
        return str(exc)
    return None


def is_expression_property(key: str, name: str) -> bool:
    """Whether a property of this name is an expression somewhere below that key of level 1."""
    return name in EXPRESSIONS.get(key, ())


def expressions_in(settings: t.Mapping[t.Any, t.Any]) -> t.Iterator[Found]:
    """Every expression: properties that hold one, and ``if``, ``then`` and ``else`` wherever they are."""
    for raw, value in settings.items():
        path = str(raw).split(".")
        yield from _walk(value, str(raw), path[0], path[-1] if len(path) > 1 else "")


def _walk(value: t.Any, where: str, key: str, name: str) -> t.Iterator[Found]:
    if isinstance(value, t.Mapping):
        for raw, below in value.items():
            last = str(raw).rpartition(".")[2]
            part = last in ("if", "then", "else") and isinstance(below, str)
            if part:
                yield Found(f"{where}.{raw}", below)
            else:
                yield from _walk(below, f"{where}.{raw}", key, last)
    elif isinstance(value, (list, tuple)):
        for index, below in enumerate(value):
            yield from _walk(below, f"{where}[{index}]", key, "")
    elif isinstance(value, str) and (name in ("match", "else") or is_expression_property(key, name)):
        yield Found(where, value)
