# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A received message judged as a receiver judges it: DKIM, SPF and DMARC, with the DNS that is given. No I/O of its own."""

from __future__ import annotations

import dataclasses
import re
import traceback
import typing as t

from ..failure import missing_library
from ..powerdns import rrset as forms
from . import dmarc

DKIMPY_IMPORT_ERROR: t.Optional[str]
try:
    import dkim as dkimpy
    import dkim.util as dkimpy_util

    DKIMPY_IMPORT_ERROR = None
except ImportError:
    DKIMPY_IMPORT_ERROR = traceback.format_exc()

PYSPF_IMPORT_ERROR: t.Optional[str]
try:
    import spf as pyspf

    PYSPF_IMPORT_ERROR = None
except ImportError:
    PYSPF_IMPORT_ERROR = traceback.format_exc()

_SPACE = re.compile(rb"\s+")


class Dns(t.Protocol):
    """What DNS holds (:class:`.probe_dns.Published`)."""

    def lookup(self, name: str, type_: str) -> list[str]:
        """Values in normal form."""

    def texts(self, name: str) -> list[str]:
        """TXT values, strings joined."""


@dataclasses.dataclass(frozen=True)
class Signature:
    """One DKIM-Signature. :param fault: why it does not verify; empty when it does."""

    domain: str
    selector: str
    algorithm: str
    fault: str = ""

    @property
    def key_type(self) -> str:
        """``rsa`` or ``ed25519``."""
        return self.algorithm.partition("-")[0]


def require_libraries() -> None:
    """:raises Failure: ``missing_library``."""
    if DKIMPY_IMPORT_ERROR is not None:
        raise missing_library("mail", "dkimpy", "to verify DKIM signatures")
    if PYSPF_IMPORT_ERROR is not None:
        raise missing_library("mail", "pyspf", "to evaluate SPF")


def signatures(raw: bytes, dns: Dns) -> list[Signature]:
    """Every DKIM signature of a message, verified with the keys in ``dns`` (RFC 6376 section 6.1)."""

    def text(name: bytes, timeout: int = 5) -> t.Optional[bytes]:
        found = dns.texts(name.decode("ascii", "replace"))
        # More than one record at a key's name has no defined result (section 3.6.2.2).
        return found[0].encode() if len(found) == 1 else None

    message = dkimpy.DKIM(raw)
    headers = [value for name, value in message.headers if name.lower() == b"dkim-signature"]
    found = []
    for index, header in enumerate(headers):
        tags = _tags(header)
        try:
            fault = (
                ""
                if message.verify(index, dnsfunc=text)
                else "the signature is not of this key, or the message was changed"
            )
        except dkimpy.DKIMException as exc:
            fault = str(exc) or type(exc).__name__
        except (ValueError, IndexError, TypeError, AttributeError) as exc:
            # How dkimpy meets records that are no key records.
            fault = f"the key record cannot be read ({type(exc).__name__})"
        found.append(Signature(tags.get("d", ""), tags.get("s", ""), tags.get("a", ""), fault))
    return found


def _tags(header: bytes) -> dict[str, str]:
    try:
        tags = dkimpy_util.parse_tag_value(header)
    except dkimpy_util.InvalidTagValueList:
        return {}
    return {name.decode(): _SPACE.sub(b"", value).decode("ascii", "replace") for name, value in tags.items()}


def check_spf(dns: Dns, *, address: str, sender: str, helo: str) -> tuple[str, str]:
    """RFC 7208's ``check_host()``.

    :returns: the result (``pass``, ``fail``, ``permerror`` …) and an explanation.
    """

    class Query(pyspf.query):  # type: ignore[misc]  # pyspf has no types
        def dns(self, name: str, qtype: str, cnames: t.Any = None, ignore_void: bool = False) -> list[t.Any]:
            values = [_spf_value(qtype, value) for value in dns.lookup(str(name).rstrip("."), qtype)]
            if not values and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > pyspf.MAX_VOID_LOOKUPS:
                    raise pyspf.PermError(f"Void lookup limit of {pyspf.MAX_VOID_LOOKUPS} exceeded")
            return values

    result, _code, explanation = Query(i=address, s=sender, h=helo, querytime=20).check()
    return str(result), str(explanation)


def _spf_value(type_: str, value: str) -> t.Any:
    """A value in the form in which pyspf takes it."""
    if type_ == "MX":
        preference, _space, host = value.partition(" ")
        return int(preference), host.rstrip(".")
    if type_ in ("TXT", "SPF"):
        return (forms.txt_octets(value),)
    return value if type_ in ("A", "AAAA") else value.rstrip(".")


def judge(
    dns: Dns, author: str, *, spf: t.Optional[str], signed: t.Iterable[Signature]
) -> tuple[t.Optional[dmarc.Result], str]:
    """DMARC's result for a message.

    :param author: domain of the From header. :param spf: domain that SPF passed for, if it did.
    :returns: none and the reason where no policy applies.
    """
    found = [text for text in dns.texts(f"_dmarc.{author}") if dmarc.is_record(text)]
    if len(found) != 1:
        return None, f"{len(found)} DMARC records"
    try:
        policy = dmarc.parse(found[0])
    except dmarc.RecordError as exc:
        return None, str(exc)
    passed = [signature.domain for signature in signed if not signature.fault]
    return dmarc.evaluate(policy, author, spf=spf, dkim=passed), found[0]
