# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``mail_probe``: every check of one tenant, in the order that they depend on each other. Reads only."""

from __future__ import annotations

import contextlib
import datetime
import functools
import time
import typing as t

from . import probe_certificate
from .checks import Check, NotApplicable, Record, run_checks
from .probe_argspec import PORTS, SERVICES
from .probe_context import Context
from .probe_dns import DnsChecks
from .probe_logins import Logins
from .probe_messages import Messages
from .probe_policy import Wanted
from .probe_realm import RealmChecks

LAYER = "mail"

Params = t.Mapping[str, t.Any]


def run(params: Params, *, check_mode: bool) -> dict[str, t.Any]:
    """See the module's documentation. In check mode nothing is sent to a server, so nothing is known.

    :param params: validated against :data:`.probe_argspec.MAIL_PROBE`.
    :raises Failure: ``invalid_value`` or ``missing_library``; what a check finds is in its record.
    """
    if check_mode:
        return {"changed": False, "ok": None, "checks": [], "seconds": 0.0, "requests": 0}
    start = time.monotonic()
    with contextlib.closing(Context(params)) as context:
        messages = Messages(context)
        plan = make_checks(context, messages)
        facts = {
            "domain": context.domain,
            "mail_host": context.host,
            "provision": params["provision_hint"] or f"provision_tenant for {context.domain}",
            "publish": params["publish_hint"] or f"Publish the record sets of {context.domain}.",
        }
        try:
            records = run_checks(plan, facts=facts, warn=params["warn"])
        finally:
            warnings = messages.remove()
        took = round(time.monotonic() - start, 1)
        return {
            **result(records),
            "seconds": took,
            "requests": context.requests,
            **({"warnings": warnings} if warnings else {}),
        }


def result(records: t.Sequence[Record]) -> dict[str, t.Any]:
    """What the module returns of its records."""
    return {
        "changed": False,
        "ok": not any(record.status == "failed" for record in records),
        "checks": [record.as_dict() for record in records],
    }


def make_checks(context: Context, messages: Messages) -> list[Check]:
    """Every check that the options ask for, each after those that it needs."""
    logins = Logins(context)
    ports = [service for service in SERVICES if context.has(service)]
    # Where mail clients submit and read; implicit TLS first (RFC 8314 section 3.3).
    submit = next((f"port.{name}" for name in ("submissions", "submission") if name in ports), "")
    read = next((f"port.{name}" for name in ("imaps", "imap") if name in ports), "")
    return [
        *_first(context, logins),
        *_ports(context, logins, ports),
        *_logins(context, logins, messages, submit, read),
        *_messages(context, messages, submit, read, smtp="smtp" in ports),
    ]


def _first(context: Context, logins: Logins) -> list[Check]:
    """DNS, the management API, the cluster, the realm."""
    dns = DnsChecks(context.published, context.domain, context.host)
    params = context.params
    realm_url = params["realm"]["realm_url"].rstrip("/")
    return [
        Check("dns.mx", f"MX 10 {context.host}.", dns.mx),
        Check("dns.address", _addresses(context), dns.address),
        Check("dns.spf", "one SPF record, the tenant's", dns.spf),
        Check("dns.dmarc", "one DMARC record, the tenant's", dns.dmarc),
        Check("server.admin", "the secret in OpenBao opens the server", lambda: _admin(context)),
        Check("dns.dkim", "the keys that the server signs with", dns.dkim, ("server.admin",)),
        Check(
            "network.policy", "default deny; mail for everybody, web for who is configured", lambda: _policy(context)
        ),
        Check("realm.issuer", realm_url, logins.issuer),
        Check("server.directory", realm_url, lambda: context.server.directory(realm_url), ("server.admin",)),
        *_realm_checks(context),
        Check(
            "token.probe",
            f"aud {params['realm']['audience']}, every scope, groups",
            logins.probe,
            ("realm.issuer",),
            # Whose names groups must not have is known then.
            after=("server.admin",),
        ),
        Check("token.foreign", "a token of another realm", logins.foreign_token),
    ]


def _ports(context: Context, logins: Logins, ports: t.Sequence[str]) -> list[Check]:
    # Whose address nobody has published yet is looked at where it is going to be.
    address = () if context.byo else ("dns.address",)
    checks = []
    for service in ports:
        look = logins.imap_port if service.startswith("imap") else logins.smtp_port
        expected = "a greeting" if service.startswith("imap") else f"greeting of {context.host}"
        if not SERVICES[service]:
            expected += ", STARTTLS"
        checks.append(Check(f"port.{service}", expected, functools.partial(look, service), address))
    if not checks:
        return []
    trusted = context.params["certificate"] == "trusted"
    expected = f"trusted, for {context.host}" if trusted else f"for {context.host}, or self-signed"
    seen = tuple(check.name for check in checks)
    return [*checks, Check("certificate", expected, lambda: _certificate(context, trusted=trusted), after=seen)]


def _certificate(context: Context, *, trusted: bool) -> str:
    served = {service: context.served[service] for service in SERVICES if service in context.served}
    now = datetime.datetime.now(datetime.timezone.utc)
    return probe_certificate.judge(served, context.host, trusted=trusted, now=now, verify=context.verify)


def _logins(context: Context, logins: Logins, messages: Messages, submit: str, read: str) -> list[Check]:
    """:param submit: the check of the port for submission, empty without one; :param read: of that for reading."""
    token = ("token.probe", "server.directory")
    checks = [
        Check("login.jmap", f"session of {context.address}", logins.jmap, token),
        Check("foreign.jmap", "refused", logins.foreign_jmap, ("token.foreign",)),
        Check("refused.audience", "refused", logins.without_audience, ("login.jmap",)),
        Check("refused.groups", "refused", logins.without_groups, ("login.jmap",)),
        Check("refused.expired", "refused", logins.expired, ("login.jmap",)),
    ]
    if submit:
        checks += [
            Check("login.smtp", "235", logins.smtp, (submit, *token)),
            Check("foreign.smtp", "refused", logins.foreign_smtp, (submit, "token.foreign")),
            Check("sender.admin", "accepted", messages.admin_sends, (submit, "server.admin")),
            Check("sender.other", "refused", messages.other_sends, ("login.smtp",)),
        ]
    if read:
        checks += [
            Check("login.imap", f"the mailbox of {context.address}", logins.imap, (read, *token)),
            Check("foreign.imap", "refused", logins.foreign_imap, (read, "token.foreign")),
        ]
    return checks


def _messages(context: Context, messages: Messages, submit: str, read: str, *, smtp: bool) -> list[Check]:
    """:param submit: as :func:`_logins`. :param smtp: port 25 is among those to look at."""
    checks = []
    if smtp:
        checks += [
            Check("recipient.promised", "accepted", messages.promised, ("port.smtp",)),
            Check("recipient.unknown", "550", messages.unknown, ("port.smtp",)),
        ]
    if submit and read:
        checks += [
            Check("message.delivered", "in INBOX", messages.delivered, ("login.smtp", "login.imap")),
            Check("message.dkim", "RSA and Ed25519 verify", messages.dkim, ("message.delivered", "server.admin")),
            Check("message.spf", "pass", messages.spf, ("message.delivered",)),
            Check("message.dmarc", "pass", messages.dmarc, ("message.dkim", "message.spf")),
            Check("message.group", f"in the mailbox of {context.group}", messages.group, ("message.delivered",)),
        ]
    if read and smtp:
        wanted = "kept out of INBOX" if context.params["spam_filter"] else "delivered to INBOX"
        checks.append(Check("message.spam", wanted, messages.spam, ("port.smtp", "login.imap")))
    return checks


def _policy(context: Context) -> str:
    asked = context.params["network_policy"]
    if asked is None:
        raise NotApplicable("network_policy is not given")
    if not asked["enabled"]:
        raise NotApplicable("tenant_chart_values has networkPolicy.enabled: false")
    mail = {service: PORTS[service] for service in SERVICES if context.has(service)}
    return context.server.network_policy(Wanted(mail, asked["web_from"], asked["extra_ingress"]))


def _admin(context: Context) -> str:
    observed = context.server.read()
    context.add_keys(context.server.keys)
    return observed


def _addresses(context: Context) -> str:
    found = [value for item in context.published.expected("mail-address") for value in item["values"]]
    return ", ".join(found) or "an address"


def _group_names(context: Context, realm: RealmChecks) -> str:
    if context.generation == "0.15":
        raise NotApplicable("0.15 takes no groups from tokens")
    return realm.group_names(context.users)


def _realm_checks(context: Context) -> list[Check]:
    if context.realm is None:
        return []
    params = context.params["realm"]
    realm = RealmChecks(
        context.realm, domain=context.domain, audience=params["audience"], username=params["username"] or ""
    )
    own = {"client_id": params["client_id"], "client_secret": params["client_secret"], "audience": None}
    wanted = [*params["clients"], own]
    idle = {
        address.lower() for address in (context.params["admin"]["address"], *context.params["mailboxes_without_user"])
    }
    return [
        Check("realm.clients", "enabled, with OpenBao's secrets", lambda: realm.secrets(wanted), ("realm.issuer",)),
        Check("realm.audiences", "as configured", lambda: realm.audiences(wanted), ("realm.clients",)),
        Check(
            "realm.groups",
            "no group in the claim named like a mailbox",
            lambda: _group_names(context, realm),
            ("realm.issuer", "server.admin"),
        ),
        Check(
            "realm.mailboxes",
            "the same users and mailboxes",
            lambda: realm.mailboxes(context.users, without_user=idle | context.suspended),
            ("realm.issuer", "server.admin"),
        ),
    ]
