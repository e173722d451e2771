# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What DNS publishes for a domain, asked of the given name servers, and the checks of it.

For a domain that the platform does not publish, the record sets that its owner has to publish stand in for what is not
there yet, so that everything else can be proven before.
"""

from __future__ import annotations

import threading
import typing as t

from ..powerdns import rrset as forms
from . import dkim, dmarc
from .checks import NotApplicable, Wrong
from .dnscheck import Answer, NameServer, ask
from .records import SPF_PREFIX

RecordItem = t.Mapping[str, t.Any]
Asker = t.Callable[[NameServer, str, str], Answer]

_ADDRESS_TYPES = ("A", "AAAA")


class Published:
    """Answers of the name servers, each asked once, and the record sets that should be there.

    :param records: items of ``records.yaml`` (:meth:`.records.RecordSet.as_dict`).
    :param standing: the expected record sets stand in for what nobody has published yet.
    :param asker: asks one server (for tests).
    """

    def __init__(
        self,
        records: t.Sequence[RecordItem],
        servers: t.Sequence[NameServer],
        *,
        authoritative: bool = True,
        standing: bool = False,
        timeout: float = 3.0,
        asker: t.Optional[Asker] = None,
    ) -> None:
        self.records = list(records)
        self.servers = list(servers)
        self.standing = standing
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], list[tuple[NameServer, Answer]]] = {}
        self._ask: Asker = asker or (
            lambda server, name, type_: ask(server, name, type_, authoritative=authoritative, timeout=timeout)
        )

    def expected(self, purpose: str) -> list[RecordItem]:
        """The record sets of one purpose that should be there."""
        return [item for item in self.records if item["purpose"] == purpose]

    def answers(self, name: str, type_: str) -> list[tuple[NameServer, Answer]]:
        """What each name server says."""
        name = forms.canonical_name(name)
        with self._lock:
            known = self._answers.get((name, type_))
        if known is None:
            known = [(server, self._ask(server, name, type_)) for server in self.servers]
            with self._lock:
                self._answers[name, type_] = known
        return known

    def values(self, name: str, type_: str) -> tuple[str, ...]:
        """What all name servers answer, in normal form.

        :raises Wrong: when one does not answer, or they disagree.
        :raises NotApplicable: when there is none to ask.
        """
        if not self.servers:
            raise NotApplicable("no name server is given to ask (platform_powerdns_nameservers)")
        found: t.Optional[tuple[str, ...]] = None
        for server, answer in self.answers(name, type_):
            if answer.values is None:
                raise Wrong("dns_silent", f"{server} {answer.detail} ({type_} {name})")
            if found is not None and answer.values != found:
                raise Wrong(
                    "dns_differs", f"{server} has {_shown(answer.values)} for {type_} {name}, not {_shown(found)}"
                )
            found = answer.values
        return found or ()

    def lookup(self, name: str, type_: str) -> list[str]:
        """What a receiver of mail would find, as far as the name servers tell, else what should be there."""
        name = forms.canonical_name(name)
        found: list[str] = []
        for _server, answer in self.answers(name, type_):
            found = list(answer.values or ())
            if found:
                break
        if found or not self.standing:
            return found
        return [
            value for item in self.records if (item["name"], item["type"]) == (name, type_) for value in item["values"]
        ]

    def texts(self, name: str) -> list[str]:
        """The TXT values of a name, strings joined."""
        return [text_of(value) for value in self.lookup(name, "TXT")]

    def addresses(self, host: str) -> list[str]:
        """The addresses of a host, IPv4 first."""
        return [address for type_ in _ADDRESS_TYPES for address in self.lookup(host, type_)]


def text_of(value: str) -> str:
    """A TXT value's text."""
    return forms.txt_octets(value).decode("utf-8", "replace")


def _shown(values: t.Iterable[str]) -> str:
    return ", ".join(values) or "nothing"


class DnsChecks:
    """The checks of what is published.

    :param domain: the mail domain. :param mail_host: its mail host.
    """

    def __init__(self, published: Published, domain: str, mail_host: str) -> None:
        self._published = published
        self._domain = domain
        self._host = mail_host

    def mx(self) -> str:
        """``dns.mx``"""
        found = self._published.values(self._domain, "MX")
        if not found:
            raise Wrong("mx_missing", "no MX")
        if found != self._values("mx"):
            raise Wrong("mx_other", f"MX {_shown(found)}")
        return f"MX {_shown(found)}"

    def address(self) -> str:
        """``dns.address``"""
        found = [value for type_ in _ADDRESS_TYPES for value in self._published.values(self._host, type_)]
        wanted = [value for item in self._published.expected("mail-address") for value in item["values"]]
        if not found:
            raise Wrong("address_missing", f"{self._host} has no address")
        if wanted and sorted(found) != sorted(wanted):
            raise Wrong("address_other", f"{self._host} is {_shown(found)}, not {_shown(wanted)}")
        return _shown(found)

    def spf(self) -> str:
        """``dns.spf``"""
        found = [
            text
            for text in self._texts(self._domain)
            if text.lower() == SPF_PREFIX or text.lower().startswith(f"{SPF_PREFIX} ")
        ]
        if not found:
            raise Wrong("spf_missing", "no TXT that begins with v=spf1")
        if len(found) > 1:
            raise Wrong("spf_two", " and ".join(found))
        # The owner of a domain may let other systems send for it as well; message.spf evaluates the record.
        if not self._published.standing and found != [text_of(value) for value in self._values("spf")]:
            raise Wrong("spf_other", found[0])
        return found[0]

    def dmarc(self) -> str:
        """``dns.dmarc``"""
        texts = self._texts(f"_dmarc.{self._domain}")
        found = [text for text in texts if dmarc.is_record(text)]
        if len(found) > 1:
            raise Wrong("dmarc_two", " and ".join(found))
        if not found:
            raise Wrong("dmarc_syntax" if texts else "dmarc_missing", _shown(texts))
        try:
            dmarc.parse(found[0])
        except dmarc.RecordError as exc:
            raise Wrong("dmarc_syntax", f"{found[0]} ({exc})") from None
        if found != [text_of(value) for value in self._values("dmarc")]:
            raise Wrong("dmarc_other", found[0])
        return found[0]

    def dkim(self) -> str:
        """``dns.dkim``"""
        expected = self._published.expected("dkim")
        if not expected:
            raise Wrong("dkim_none", "the server has no key")
        names = []
        for item in expected:
            verdict, why = dkim.compare(self._texts(item["name"]), text_of(item["values"][0]))
            selector = item["name"].partition("._domainkey.")[0]
            if verdict != "match":
                raise Wrong("dkim_missing" if verdict == "missing" else "dkim_stale", f"selector {selector}: {why}")
            names.append(selector)
        return f"selectors {', '.join(names)}"

    def _texts(self, name: str) -> list[str]:
        return [text_of(value) for value in self._published.values(name, "TXT")]

    def _values(self, purpose: str) -> tuple[str, ...]:
        return tuple(value for item in self._published.expected(purpose) for value in item["values"])
