# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a TLS Secret holds, whether role chart has to fill it, and what somebody still has to do about it. Pure."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import typing as t

from .. import tls
from ..failure import missing_library
from ..reconcile import Change

if tls.CRYPTOGRAPHY_IMPORT_ERROR is None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

#: The label of a Secret that role chart filled. It alone does not make it the role's: somebody may have changed the content.
LABEL, LABEL_VALUE = "tenantmail.io/certificate", "self-signed"
#: cert-manager's mark on a Secret that it keeps.
ISSUED = "cert-manager.io/certificate-name"
SECRET_TYPE = "kubernetes.io/tls"
VALID_DAYS, RENEW_DAYS = 397, 30


@dataclasses.dataclass(frozen=True)
class Held:
    """What a TLS Secret holds.

    :param own: role chart filled it, and nobody else since.
    :param fault: why no client can be served with it, as the end of a sentence that begins with the Secret; else empty.
    :param self_signed: a client that knows no better trusts it not.
    """

    own: bool
    fault: str = ""
    names: tuple[str, ...] = ()
    until: datetime.datetime | None = None
    self_signed: bool = False
    issuer: str = ""


def held(secret: t.Mapping[str, t.Any], names: t.Sequence[str], now: datetime.datetime) -> Held:
    """Read a Secret.

    :param names: host names that the certificate has to be for.
    :raises Failure: ``missing_library``.
    """
    if tls.CRYPTOGRAPHY_IMPORT_ERROR is not None:
        raise missing_library("kubernetes", "cryptography", "to read the certificate in a Secret")
    metadata = secret.get("metadata") or {}
    labelled = (metadata.get("labels") or {}).get(LABEL) == LABEL_VALUE
    own = labelled and ISSUED not in (metadata.get("annotations") or {})
    try:
        leaf = x509.load_pem_x509_certificates(_part(secret, "tls.crt"))[0]
    except ValueError:
        return Held(own, "holds no certificate (tls.crt)")
    self_signed = tls.self_signed(leaf)
    result = Held(
        own=own and self_signed,
        names=tuple(tls.host_names(leaf)),
        until=leaf.not_valid_after_utc,
        self_signed=self_signed,
        issuer=leaf.issuer.rfc4514_string(),
    )
    return dataclasses.replace(result, fault=_fault(secret, leaf, result, names, now))


def _part(secret: t.Mapping[str, t.Any], key: str) -> bytes:
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "")
    except binascii.Error:
        return b""


def _fault(
    secret: t.Mapping[str, t.Any],
    leaf: x509.Certificate,
    found: Held,
    names: t.Sequence[str],
    now: datetime.datetime,
) -> str:
    try:
        key = serialization.load_pem_private_key(_part(secret, "tls.key"), None)
    except (ValueError, TypeError):
        return "holds no private key (tls.key)"
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        return "holds a private key that is not its certificate's"
    if leaf.not_valid_before_utc > now:
        return f"holds a certificate that is valid from {leaf.not_valid_before_utc:%Y-%m-%d} only"
    if leaf.not_valid_after_utc <= now:
        return f"holds a certificate that expired on {leaf.not_valid_after_utc:%Y-%m-%d}"
    missing = [name for name in names if not tls.covers(found.names, name)]
    return f"holds a certificate that is not for {', '.join(missing)}" if missing else ""


def plan(name: str, names: t.Sequence[str], current: Held | None, now: datetime.datetime) -> Change | None:
    """What has to be written into the Secret: a self-signed certificate, or nothing.

    :param current: none without a Secret. What somebody else put there is never overwritten.
    """
    after = {"certificate": f"self-signed, for {', '.join(names)}", "valid": f"{VALID_DAYS} days", "type": SECRET_TYPE}
    if current is None:
        return Change("create", "Secret", name, None, after)
    if not current.own:
        return None
    expiring = current.until is None or current.until - now < datetime.timedelta(days=RENEW_DAYS)
    if not (current.fault or expiring or set(current.names) != set(names)):
        return None
    before = {
        "certificate": f"self-signed, for {', '.join(current.names)}" if current.names else "none",
        "valid": f"until {current.until:%Y-%m-%d}" if current.until else "no",
        "type": SECRET_TYPE,
    }
    return Change("update", "Secret", name, before, after)


def notes(
    name: str, names: t.Sequence[str], current: Held | None, *, why: str, asked: bool, planned: bool
) -> tuple[list[str], list[str]]:
    """What is proven, and what is missing and who has to act, for the tenant's line.

    :param why: why nobody issues, or has not issued yet, and what to do; empty when an issuer has.
    :param asked: an issuer is named. Without one, what somebody put into the Secret is all that is wanted.
    :param planned: the Secret gets a self-signed certificate in this run.
    """
    host = names[0]
    if planned or current is None or current.own:
        return [], [f"certificate of {host} is self-signed: {why}"]
    because = f": {why}" if why and asked else ""
    if current.fault:
        return [], [f"the Secret {name} {current.fault}; whoever keeps it has to replace it{because}"]
    proven = [f"certificate of {host} until {current.until:%Y-%m-%d}"]
    return proven, [f"certificate of {host} is not renewed by the issuer{because}"] if because else []
