"""What 0.15 knows of mail: rules in force, recipients, senders and signing keys (contract 0.15 sections 5.5, 6, 7, 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .. import lookuptables
from ..evaluate import EvaluationError, Rule, Value
from ..functions import text_of
from ..limits import Rate
from ..mailstore import Account, MailStore
from ..mta import (
    Banned,
    Credentials,
    Found,
    NotAuthorized,
    Sender,
    Signature,
    SpamFilter,
    Throttle,
    envelope,
)
from ..outbound import Relay
from . import dkim, permissions, resolver, validate, values
from .problems import TooMany

if TYPE_CHECKING:
    from .server import Server

_NOT_25 = "local_port != 25"
_ON_25 = Rule("false", (("local_port == 25", "true"),))
#: Rule of a session -> setting, and what holds without it.
_RULES = {
    "greeting": ("session.connect.greeting", Rule("config_get('server.hostname') + ' Stalwart ESMTP at your service'")),
    "hostname": ("session.connect.hostname", Rule("config_get('server.hostname')")),
    "ehlo-require": ("session.ehlo.require", Rule("true")),
    "ehlo-fqdn": ("session.ehlo.reject-non-fqdn", _ON_25),
    "auth-mechanisms": (
        "session.auth.mechanisms",
        Rule(
            "false",
            (
                (f"{_NOT_25} && is_tls", "[plain, login, oauthbearer, xoauth2]"),
                (_NOT_25, "[oauthbearer, xoauth2]"),
            ),
        ),
    ),
    "auth-require": ("session.auth.require", Rule("false", ((_NOT_25, "true"),))),
    "auth-failures": ("session.auth.errors.total", Rule("3")),
    "auth-wait": ("session.auth.errors.wait", Rule("5s")),
    "must-match-sender": ("session.auth.must-match-sender", Rule("true")),
    "sender-allowed": (
        "session.mail.is-allowed",
        Rule("!is_empty(authenticated_as) || !key_exists('blocked-domains', sender_domain)"),
    ),
    "relay": ("session.rcpt.relay", Rule("false", (("!is_empty(authenticated_as)", "true"),))),
    "rcpt-failures": ("session.rcpt.errors.total", Rule("5")),
    "rcpt-wait": ("session.rcpt.errors.wait", Rule("5s")),
    "rcpt-max": ("session.rcpt.max-recipients", Rule("100")),
    "messages": ("session.data.limits.messages", Rule("10")),
    "size": ("session.data.limits.size", Rule("104857600")),
    "received-headers": ("session.data.limits.received-headers", Rule("50")),
    "spam-filter": ("session.data.spam-filter", Rule("true")),
    "add-received": ("session.data.add-headers.received", _ON_25),
    "add-auth-results": ("session.data.add-headers.auth-results", _ON_25),
    "add-return-path": ("session.data.add-headers.return-path", _ON_25),
    "add-message-id": ("session.data.add-headers.message-id", _ON_25),
    "add-date": ("session.data.add-headers.date", _ON_25),
    "route": (
        "queue.strategy.route",
        Rule("'mx'", (("is_local_domain('*', rcpt_domain)", "'local'"),)),
    ),
    "outbound-tls": (
        "queue.strategy.tls",
        Rule("'default'", (("retry_num > 0 && last_error == 'tls'", "'invalid-tls'"),)),
    ),
    "sign": (
        "auth.dkim.sign",
        Rule(
            "false",
            (("is_local_domain('*', sender_domain)", "['rsa-' + sender_domain, 'ed25519-' + sender_domain]"),),
        ),
    ),
}


class MailFlow:
    sasl_challenge = "Go ahead."

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def hostname(self) -> str:
        return self.server.hostname

    @property
    def faults(self) -> set[str]:
        return self.server.faults

    @property
    def greeting_seconds(self) -> float:
        return self.server.settings.greeting_seconds

    @property
    def mail(self) -> MailStore:
        return self.server.mail

    # -- rules ---------------------------------------------------------------------------------------------------

    def rule(self, name: str) -> Rule:
        key, default = _RULES[name]
        keys = self.server.running.keys
        if key in keys:
            return Rule(keys[key])
        listed = sorted(validate.below(keys, key).items())
        conditions: list[tuple[str, str]] = []
        for (_, condition), (_, result) in zip(
            (entry for entry in listed if entry[0].endswith(".if")),
            (entry for entry in listed if entry[0].endswith(".then")),
            strict=False,
        ):
            conditions.append((condition, result))
        otherwise = next((text for part, text in listed if part.endswith(".else")), "")
        return Rule(otherwise, tuple(conditions)) if listed else default

    def throttles(self) -> list[Throttle]:
        keys, prefix = self.server.running.keys, "queue.limiter.inbound"
        found = []
        for name in validate.identifiers(keys, prefix, "rate"):
            base = f"{prefix}.{name}"
            if keys.get(f"{base}.enable", "true") == "true":
                names = frozenset(validate.listed(keys, f"{base}.key"))
                rate = Rate(*values.rate(keys[f"{base}.rate"]))
                found.append(Throttle(name, names, Rule(keys.get(f"{base}.match", "")), rate))
        return found

    @property
    def adds_delivered_to(self) -> bool:
        return self.server.running.get("session.data.add-headers.delivered-to", "true") == "true"

    @property
    def spam_filter(self) -> SpamFilter | None:
        """Scores that are no numbers refuse or discard, which is not simulated."""
        running = self.server.running
        if running.get("spam-filter.enable", "true") != "true":
            return None
        scores = {}
        for tag, text in validate.below(running.keys, "spam-filter.list.scores").items():
            try:
                scores[tag] = values.number(text)
            except ValueError:
                continue
        return SpamFilter(values.number(running.get("spam-filter.score.spam", "5.0")), scores)

    def functions(self) -> Mapping[str, Callable[..., Value]]:
        """Their first argument names a directory or store, of which there is one."""

        def look_up(name: Value, key: Value) -> str | None:
            entries = self.server.running.lookups.get(text_of(name), {})
            marked = ((text_of(name), entry, value, "*" in entry or "?" in entry) for entry, value in entries.items())
            found = lookuptables.build(marked).get(text_of(name))
            return found.get(text_of(key)) if found else None

        def config_get(key: Value) -> str:
            return self.hostname if key == "server.hostname" else self.server.running.get(text_of(key))

        return {
            "config_get": config_get,
            "key_exists": lambda name, key: int(look_up(name, key) is not None),
            "key_get": lambda name, key: look_up(name, key) or "",
            "is_local_domain": lambda _, domain: int(self.is_local_domain(text_of(domain))),
            "is_local_address": lambda _, address: int(self.server.principals.owner(text_of(address)) is not None),
        }

    # -- clients -------------------------------------------------------------------------------------------------

    def blocks(self, address: str) -> bool:
        return self.server.limits.blocks(address)

    def refused_recipient(self, address: str, recipient: str) -> None:
        try:
            self.server.limits.refused_recipient(address, recipient)
        except TooMany:
            raise Banned from None

    async def login(self, credentials: Credentials, address: str) -> Sender:
        caller = await self.server.reading.authenticate(credentials, address)
        if "email-send" not in caller.permissions:
            raise NotAuthorized("email-send")
        return Sender(caller.name, frozenset(self._addresses(caller.id)))

    def _addresses(self, key: int) -> list[str]:
        """An account's own, then those of the groups it is a direct member of."""
        principals = self.server.store.principals
        body = principals.get(key)
        groups = [principals[number] for number in body["memberOf"] if number in principals] if body else []
        holders = [body, *(group for group in groups if group["type"] == "group")] if body else []
        return [address for holder in holders for address in holder["emails"]]

    # -- recipients ----------------------------------------------------------------------------------------------

    def is_local_domain(self, domain: str) -> bool:
        return self.server.principals.is_domain(domain)

    def _owner(self, address: str) -> tuple[int, str] | None:
        """(principal, address that names it): without what follows a plus sign, else who catches all of a domain."""
        local, _, domain = address.rpartition("@")
        running = self.server.running
        if running.get("session.rcpt.sub-addressing", "true") == "true":
            local = local.partition("+")[0]
        candidates = [f"{local}@{domain}"]
        if running.get("session.rcpt.catch-all", "true") == "true":
            candidates.append(f"@{domain}")
        for candidate in candidates:
            found = self.server.principals.owner(candidate)
            if found:
                return found[0], candidate
        return None

    def recipient(self, address: str) -> Account | None:
        owner = self._owner(address)
        return owner[0] if owner else None

    def resolve(self, address: str, catch_all: bool = True) -> tuple[Found, list[str]]:
        """The recipient stays as it was given; the mailbox is found again at delivery."""
        if not self.is_local_domain(address.rpartition("@")[2]):
            return Found.UNKNOWN_DOMAIN, [address]
        owner = self._owner(address)
        if owner is None:
            return Found.UNKNOWN_RECIPIENT, [address]
        principals, key = self.server.principals, owner[0]
        body = principals.store.principals[key]
        if body["type"] != "list":
            return Found.MAILBOX, [address]
        members = [principals.store.principals[member]["emails"][:1] for member in principals.members(key)]
        return Found.LIST, [*(email for emails in members for email in emails), *body["externalMembers"]]

    def relay(self, sender: str, recipient: str, attempts: int, last_error: str) -> Relay | None:
        variables, keys = envelope(sender, recipient, attempts, last_error), self.server.running.keys
        route = validate.below(keys, f"queue.route.{self._chosen('route', variables)}")
        if route.get("type") != "relay":
            return None
        tls = validate.below(keys, f"queue.tls.{self._chosen('outbound-tls', variables)}")
        return Relay(
            route["address"],
            int(route.get("port", "25")),
            route.get("tls.implicit", "true") == "true",
            tls.get("starttls", "optional"),
            "true" in (route.get("tls.allow-invalid-certs"), tls.get("allow-invalid-certs")),
            route.get("auth.username"),
            route.get("auth.secret"),
            resolver.of(keys),
            public_authorities=True,
        )

    def _chosen(self, rule: str, variables: Mapping[str, Value]) -> str:
        try:
            return text_of(self.rule(rule).value(variables, self.functions()) or "")
        except EvaluationError:
            return ""

    def may_receive(self, account: Account) -> bool:
        body = self.server.store.principals.get(int(account))
        return body is not None and "email-receive" in permissions.of_principal(self.server.store, body)

    def quota(self, account: Account) -> int:
        body = self.server.store.principals.get(int(account))
        return int(body["quota"] or 0) if body else 0

    # -- DKIM ----------------------------------------------------------------------------------------------------

    def signatures(self, said: Value | None) -> list[Signature]:
        """The signatures of these ids, as far as they are there."""
        found = []
        for name in said if isinstance(said, list) else [said] if isinstance(said, str) else []:
            entry = validate.below(self.server.running.keys, f"signature.{text_of(name)}")
            kind = dkim.variant(entry.get("algorithm", ""))
            if kind and {"private-key", "domain", "selector"} <= set(entry):
                headers = validate.listed(entry, "headers") or list(dkim.HEADERS)
                names = (entry["domain"], entry["selector"], kind, entry["private-key"])
                canonicalization = entry.get("canonicalization", "relaxed/relaxed")
                found.append(Signature(*names, headers, canonicalization, entry.get("auid")))
        return found
