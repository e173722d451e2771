# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates that the mail host's ports serve, as their own checks have seen them: no connection is made for looking."""

from __future__ import annotations

import datetime
import typing as t

from .. import tls
from ..failure import missing_library
from .checks import NotApplicable, Wrong

if tls.CRYPTOGRAPHY_IMPORT_ERROR is None:
    from cryptography import x509


def judge(
    served: t.Mapping[str, bytes],
    host: str,
    *,
    trusted: bool,
    now: datetime.datetime,
    verify: t.Callable[[str], None],
) -> str:
    """``certificate``: every port serves a right one; what differs from port to port is told by its port.

    :param served: DER by service. :param trusted: one was configured, so a self-signed one is wrong.
    :param verify: connects to a service and raises :class:`Wrong` for an issuer that is not trusted; called once for each
        certificate.
    :raises Wrong: ``certificate_*``, for the first that is wrong. :raises NotApplicable: when no port has shown one.
    :raises Failure: ``missing_library``.
    """
    if tls.CRYPTOGRAPHY_IMPORT_ERROR is not None:
        raise missing_library("mail", "cryptography", "to read certificates")
    services: dict[bytes, list[str]] = {}
    for service, der in served.items():
        services.setdefault(der, []).append(service)
    if not services:
        raise NotApplicable("no port has shown a certificate")
    told = []
    for der, names in services.items():
        where = ", ".join(names)
        try:
            told.append(f"{where}: {_judge(x509.load_der_x509_certificate(der), host, trusted=trusted, now=now)}")
            if trusted:
                verify(names[0])
        except Wrong as exc:
            raise Wrong(exc.cause, f"{where}: {exc.observed}", **exc.facts) from None
    return "; ".join(told)


def _judge(found: x509.Certificate, host: str, *, trusted: bool, now: datetime.datetime) -> str:
    names = tls.host_names(found)
    end = found.not_valid_after_utc
    told = f"for {', '.join(names) or 'no name'}, until {end:%Y-%m-%d}"
    if tls.self_signed(found):
        if trusted:
            raise Wrong("certificate_self_signed", f"self-signed, {told}")
        return f"self-signed (no issuer is configured), {told}"
    if not found.not_valid_before_utc <= now <= end:
        raise Wrong("certificate_expired", told)
    if not tls.covers(names, host):
        raise Wrong("certificate_other_name", told)
    return f"issued by {found.issuer.rfc4514_string()}, {told}"
