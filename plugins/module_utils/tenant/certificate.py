# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant's certificate: who issues it, the Secret that holds it, and the names that it is for."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from . import names
from .overlay import Inputs
from .validation import Invalid, Problems, one_of

CERT_MANAGER = "cert-manager.io"
ISSUER_KINDS = ("ClusterIssuer", "Issuer")
#: Where the chart mounts the Secret, and what a Secret of type kubernetes.io/tls holds.
MOUNTED = "/etc/stalwart-tls"
CERTIFICATE_FILE, KEY_FILE = "tls.crt", "tls.key"

_KIND = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
_GROUP = "an API group such as cert-manager.io"


@dataclasses.dataclass(frozen=True)
class Certificate:
    """Only complete when no mistake was noted.

    :param secret_name: none where the server keeps its own certificate.
    :param issuer: ``group``, ``kind`` and ``name``; none where nobody issues.
    """

    secret_name: str | None
    issuer: dict[str, str] | None


def issuer_kind(value: t.Any) -> str:
    """A kind of the API; which ones there are depends on the group."""
    found = names.text(value, f"a kind of issuer such as {ISSUER_KINDS[0]}")
    if not _KIND.match(found):
        raise Invalid(f"a kind of issuer such as {ISSUER_KINDS[0]}")
    return found


def issuer_group(value: t.Any) -> str:
    """An API group; a dot tells it from a kind or a name."""
    found = names.object_name(names.text(value, _GROUP))
    if "." not in found:
        raise Invalid(_GROUP)
    return found


def resolve(inputs: Inputs, release: str | None, taken: t.Container[t.Any], problems: Problems) -> Certificate:
    """``platform_certificate_issuer`` and ``tenant_certificate_secret``; mistakes go to ``problems``.

    :param taken: names of the tenant's other Secrets.
    """
    secret_given = inputs.given("tenant_certificate_secret")
    secret = problems.check(secret_given, names.object_name)
    if secret_given and secret in taken:
        problems.add(secret_given.variable, secret, "a Secret of its own; this one holds another secret of the tenant")
    # Whoever talks to the server alone cannot see to it that there is one.
    default = None if inputs.server_only else f"{release}-tls"
    return Certificate(secret or default, _issuer(inputs, problems))


def _issuer(inputs: Inputs, problems: Problems) -> dict[str, str] | None:
    given = inputs.given("platform_certificate_issuer")
    if given is None:
        return None
    before = len(problems)
    found = problems.fields(given, {"group": issuer_group, "kind": issuer_kind, "name": names.object_name})
    if len(problems) > before:
        return None
    issuer = {"group": CERT_MANAGER, "kind": ISSUER_KINDS[0], **found}
    if "name" not in found:
        problems.add(f"{given.variable}.name", None, "the name of the issuer; required")
    # External issuers bring kinds of their own.
    if issuer["group"] == CERT_MANAGER and issuer["kind"] not in ISSUER_KINDS:
        problems.add(f"{given.variable}.kind", issuer["kind"], one_of(issuer["kind"], ISSUER_KINDS))
    return issuer


def compose(certificate: Certificate, mail_host: str | None, web_host: str | None) -> dict[str, t.Any]:
    """The model's part."""
    return {
        "secret_name": certificate.secret_name,
        "names": list(dict.fromkeys(name for name in (mail_host, web_host) if name)),
        "issuer": certificate.issuer,
    }


def chart_values(certificate: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The chart's part. Whether a Certificate is rendered is found out by role chart.

    :param certificate: the model's part.
    """
    issuer = certificate["issuer"]
    return {
        "secretName": certificate["secret_name"],
        **({"certificate": {"issuerRef": dict(issuer)}} if issuer else {}),
    }


def settings(mail_host: str | None) -> dict[str, t.Any]:
    """The server's part (0.16; what 0.15 reads stands in its config.toml)."""
    return {
        "certificate": {
            mail_host: {
                "certificate": {"@type": "File", "filePath": f"{MOUNTED}/{CERTIFICATE_FILE}"},
                "privateKey": {"@type": "File", "filePath": f"{MOUNTED}/{KEY_FILE}"},
            }
        },
        # For clients that ask for no name or an unknown one; and a certificate that is named is not removed when it expires.
        "systemSettings": {"defaultCertificateId": mail_host},
    }
