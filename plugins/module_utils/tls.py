# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a certificate is for, and TLS connections that only look at one."""

from __future__ import annotations

import ssl
import traceback
import typing as t

CRYPTOGRAPHY_IMPORT_ERROR: str | None
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    CRYPTOGRAPHY_IMPORT_ERROR = None
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()


def host_names(certificate: x509.Certificate) -> list[str]:
    """The host names that a certificate is for: those of its subjectAltName, its subject names none (RFC 9525 section 2)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name) for name in extension.get_values_for_type(x509.DNSName)]


def covers(names: t.Iterable[str], host: str) -> bool:
    """Whether a certificate's names have a host name; a wildcard is the whole left-most label (RFC 9525 section 6.3)."""
    host = host.lower().rstrip(".")
    return bool({host, f"*.{host.partition('.')[2]}"} & {name.lower().rstrip(".") for name in names})


def self_signed(certificate: x509.Certificate) -> bool:
    """Whether its own key has signed it."""
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        # What cannot be checked vouches for nothing.
        return False
    return True


def unverified_context() -> ssl.SSLContext:
    """A context that takes any certificate, for looking at it; so the system's CAs need not be loaded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
