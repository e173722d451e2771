"""What 0.16 knows of mail: rules in force, recipients, senders and signing keys (contract 4.2, 4.5, 4.11, 4.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import permissions, secret
from .evaluate import EvaluationError, Rule, Value
from .functions import text_of
from .guard import TooMany
from .mailstore import Account, MailStore
from .mta import (
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
from .outbound import Relay

if TYPE_CHECKING:
    from .server import Server

#: Rule of a session -> object and property that hold it.
_RULES = {
    "greeting": ("MtaStageConnect", "smtpGreeting"),
    "hostname": ("MtaStageConnect", "hostname"),
    "ehlo-require": ("MtaStageEhlo", "require"),
    "ehlo-fqdn": ("MtaStageEhlo", "rejectNonFqdn"),
    "auth-mechanisms": ("MtaStageAuth", "saslMechanisms"),
    "auth-require": ("MtaStageAuth", "require"),
    "auth-failures": ("MtaStageAuth", "maxFailures"),
    "auth-wait": ("MtaStageAuth", "waitOnFail"),
    "must-match-sender": ("MtaStageAuth", "mustMatchSender"),
    "sender-allowed": ("MtaStageMail", "isSenderAllowed"),
    "relay": ("MtaStageRcpt", "allowRelaying"),
    "rcpt-failures": ("MtaStageRcpt", "maxFailures"),
    "rcpt-wait": ("MtaStageRcpt", "waitOnFail"),
    "rcpt-max": ("MtaStageRcpt", "maxRecipients"),
    "messages": ("MtaStageData", "maxMessages"),
    "size": ("MtaStageData", "maxMessageSize"),
    "received-headers": ("MtaStageData", "maxReceivedHeaders"),
    "spam-filter": ("MtaStageData", "enableSpamFilter"),
    "add-received": ("MtaStageData", "addReceivedHeader"),
    "add-auth-results": ("MtaStageData", "addAuthResultsHeader"),
    "add-return-path": ("MtaStageData", "addReturnPathHeader"),
    "add-message-id": ("MtaStageData", "addMessageIdHeader"),
    "add-date": ("MtaStageData", "addDateHeader"),
    "sign": ("SenderAuth", "dkimSignDomain"),
    "route": ("MtaOutboundStrategy", "route"),
    "outbound-tls": ("MtaOutboundStrategy", "tls"),
}
#: Singletons that only a reload applies.
SETTINGS = frozenset({struct for struct, _ in _RULES.values()} | {"SpamSettings", "Search"})


def rule(expression: Mapping[str, Any]) -> Rule:
    return Rule(expression["else"], tuple((entry["if"], entry["then"]) for entry in expression["match"].values()))


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def throttles(server: Server) -> list[Throttle]:
    """As stored."""
    found = []
    for key, body in server.store.all("MtaInboundThrottle").items():
        if body["enable"]:
            names = frozenset(_snake(name) for name in body["key"])
            found.append(Throttle(key, names, rule(body["match"]), server.guard.rate(body["rate"])))
    return found


class MailFlow:
    sasl_challenge = ""

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
        struct, property_ = _RULES[name]
        return rule(self.server.running.settings[struct][property_])

    def throttles(self) -> list[Throttle]:
        return self.server.running.throttles

    @property
    def adds_delivered_to(self) -> bool:
        return bool(self.server.running.settings["MtaStageData"]["addDeliveredToHeader"])

    @property
    def spam_filter(self) -> SpamFilter | None:
        settings = self.server.running.settings["SpamSettings"]
        if not settings["enable"]:
            return None
        tags = self.server.store.all("SpamTag").values()
        scores = {body["tag"]: float(body["score"]) for body in tags if body["@type"] == "Score"}
        return SpamFilter(float(settings["scoreSpam"]), scores)

    def functions(self) -> Mapping[str, Callable[..., Value]]:
        running = self.server.running
        system = {"hostname": self.hostname, "domain": running.domain}

        def look_up(table: Value, key: Value) -> str | None:
            found = running.lookups.get(text_of(table))
            return found.get(text_of(key)) if found else None

        return {
            "system": lambda name: system.get(text_of(name), ""),
            "key_exists": lambda table, key: int(look_up(table, key) is not None),
            "key_get": lambda table, key: look_up(table, key) or "",
            "is_local_domain": lambda domain: int(self.is_local_domain(text_of(domain))),
            "is_local_address": lambda address: int(self._holder(*_split(text_of(address))) is not None),
        }

    # -- clients -------------------------------------------------------------------------------------------------

    def blocks(self, address: str) -> bool:
        return self.server.guard.blocks(address)

    def refused_recipient(self, address: str, recipient: str) -> None:
        try:
            self.server.guard.refused_recipient(address, recipient)
        except TooMany:
            raise Banned from None

    async def login(self, credentials: Credentials, address: str) -> Sender:
        caller = await self.server.reading.authenticate(credentials, address)
        if not caller.may("emailSend"):
            raise NotAuthorized("emailSend")
        return Sender(caller.name, frozenset(self._addresses(caller.account)))

    def _addresses(self, key: str) -> Iterator[str]:
        """An account's own, then those of its groups; each with every name of its domain."""
        account = self.server.store.find("Account", key)
        for body in [account, *(self.server.store.find("Account", group) for group in _groups(account))]:
            for local, domain_id in _names(body) if body else ():
                domain = self.server.store.find("Domain", domain_id)
                for name in [domain["name"], *domain["aliases"]] if domain else ():
                    yield f"{local}@{name}"

    # -- recipients ----------------------------------------------------------------------------------------------

    def is_local_domain(self, domain: str) -> bool:
        return self.server.domain_id(domain) is not None

    def _holder(self, local: str, domain: str) -> tuple[str, str] | None:
        """(type, id) of whom an address belongs to; one that is switched off belongs to nobody here."""
        holder = self.server.address_holder(local, domain)
        body = self.server.store.find(*holder) if holder else None
        if body is None or (local, self.server.domain_id(domain)) not in list(_names(body)):
            return None
        return holder

    def recipient(self, address: str) -> Account | None:
        holder = self._holder(*_split(address))
        return holder[1] if holder and holder[0] == "Account" else None

    def resolve(self, address: str, catch_all: bool = True) -> tuple[Found, list[str]]:
        local, name = _split(address)
        domain = self.server.store.find("Domain", self.server.domain_id(name) or "")
        if domain is None:
            return Found.UNKNOWN_DOMAIN, [address]
        if domain["subAddressing"]["@type"] == "Enabled":
            local = local.partition("+")[0]
        holder = self._holder(local, name)
        if holder and holder[0] == "Account":
            return Found.MAILBOX, [f"{local}@{name}"]
        if holder:
            body = self.server.store.find(*holder)
            members = sorted(body["recipients"]) if body else []
            return Found.LIST, [each for member in members for each in self._member(member.lower())]
        if catch_all and domain["catchAllAddress"]:
            return Found.MAILBOX, [domain["catchAllAddress"]]
        return (Found.MAILBOX if domain["allowRelaying"] else Found.UNKNOWN_RECIPIENT), [address]

    def _member(self, member: str) -> list[str]:
        """A list in a list is not expanded again."""
        found, addresses = self.resolve(member, catch_all=False)
        return addresses if found is Found.MAILBOX else [member]

    def relay(self, sender: str, recipient: str, attempts: int, last_error: str) -> Relay | None:
        """Routes and TLS strategies as of the last reload, secrets among them."""
        running, variables = self.server.running, envelope(sender, recipient, attempts, last_error)
        route = self._chosen("route", variables, running.routes)
        if route is None or route["@type"] != "Relay":
            return None
        tls = self._chosen("outbound-tls", variables, running.tls_strategies) or {}
        return Relay(
            route["address"],
            route["port"],
            route["implicitTls"],
            tls.get("startTls", "optional"),
            bool(route["allowInvalidCerts"] or tls.get("allowInvalidCerts")),
            route["authUsername"],
            route["password"],
        )

    def _chosen(
        self, rule_: str, variables: Mapping[str, Value], among: Mapping[str, dict[str, Any]]
    ) -> dict[str, Any] | None:
        try:
            return among.get(text_of(self.rule(rule_).value(variables, self.functions()) or ""))
        except EvaluationError:
            return None

    def may_receive(self, account: Account) -> bool:
        body = self.server.store.find("Account", str(account))
        return body is not None and "emailReceive" in permissions.of_account(self.server.registry, body)

    def quota(self, account: Account) -> int:
        body = self.server.store.find("Account", str(account))
        return int(body["quotas"].get("maxDiskQuota", 0)) if body else 0

    # -- DKIM ----------------------------------------------------------------------------------------------------

    def signatures(self, said: Value | None) -> list[Signature]:
        """Every active key of the domain that the rule names. DKIM2 is not simulated."""
        key = self.server.domain_id(said) if isinstance(said, str) else None
        domain = self.server.store.find("Domain", key) if key else None
        found = []
        for body in self.server.store.all("DkimSignature").values() if domain else ():
            if body["domainId"] == key and body["stage"] == "active" and body["@type"].startswith("Dkim1") and domain:
                try:
                    private_key = secret.resolve(body["privateKey"])
                except secret.Unreadable:
                    continue
                identity = body["auid"] or None
                names = (domain["name"], body["selector"], body["@type"], private_key)
                found.append(Signature(*names, list(body["headers"]), body["canonicalization"], identity))
        return found


def _split(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain


def _groups(account: dict[str, Any] | None) -> list[str]:
    return list(account.get("memberGroupIds", ())) if account else []


def _names(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(local part, domain's id) of an account or list: its own and its aliases that are switched on."""
    yield body["name"], body["domainId"]
    for alias in body["aliases"].values():
        if alias["enabled"]:
            yield alias["name"], alias["domainId"]
