# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception of the collection: every failure names its layer, a code, and the next step (design 9)."""

from __future__ import annotations

import typing as t

LAYERS = ("inventory", "openbao", "keycloak", "kubernetes", "stalwart", "powerdns", "dns", "mail")

#: Every code a failure may carry, with the sentence that the README's table prints.
CODES: dict[str, str] = {
    "unreachable": "The server did not answer within the deadline.",
    "unauthorized": "The server refused the credential.",
    "forbidden": "The credential is valid but lacks a permission.",
    "not_found": "Something that must exist before the run is missing.",
    "conflict": "Somebody else changed or owns what the run wants to write.",
    "invalid_value": "An option or a property has a value that is not accepted.",
    "unsupported_by_generation": "The server's generation cannot express what is asked for.",
    "unknown_generation": "The server speaks neither management API that is known here.",
    "not_converged": "After writing, the server still differs from what is desired.",
    "timeout": "A condition did not come true within the deadline.",
    "rate_limited": "The server asks to slow down and the deadline is over.",
    "tls_untrusted": "The server's certificate is not trusted.",
    "image_config_mismatch": "The image and the configuration belong to different generations.",
    "foreign_record": "A record set with other content exists and is not owned by this tenant.",
    "not_owner": "The record set is marked as owned by another tenant.",
    "placeholder": "A value still holds a placeholder.",
    "locked": "Another run holds the tenant's lock.",
    "sealed": "The secrets back end is sealed.",
    "reload_refused": "The server stored the settings but refuses to run them.",
    "not_ready": "A resource did not become ready.",
    "server_error": "The server answered with an error of its own.",
    "missing_library": "A Python library is missing on the controller.",
    "verify_failed": "A check of the tenant's mail failed.",
    "unexpected": "A task failed in a way that the collection does not know.",
    "protocol": "The server's answer does not follow its contract.",
}


class Failure(Exception):
    """A failure with a layer and a code.

    :param layer: one of :data:`LAYERS`.
    :param code: a key of :data:`CODES`.
    :param message: what went wrong and where; no secret.
    :param hint: what to do next.
    :param request: ``{method, url, status}`` of the request that failed, if one did.
    :param details: more machine-readable facts (for example every error of a tenant's inventory).
    :raises ValueError: for a layer or a code that is not in the lists.
    """

    def __init__(
        self,
        layer: str,
        code: str,
        message: str,
        *,
        hint: str = "",
        request: dict[str, t.Any] | None = None,
        details: t.Any = None,
        tenant: str | None = None,
    ) -> None:
        if layer not in LAYERS:
            raise ValueError(f"unknown layer {layer!r}")
        if code not in CODES:
            raise ValueError(f"unknown failure code {code!r}")
        super().__init__(message)
        self.layer = layer
        self.code = code
        self.message = message
        self.hint = hint
        self.request = request
        self.details = details
        self.tenant = tenant

    @property
    def sentence(self) -> str:
        """What ``msg`` shows: layer, what and where, what to do."""
        text = f"{self.layer}: {self.message}"
        return f"{text} {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, t.Any]:
        """The ``failure`` key of a failed task (design 9)."""
        failure: dict[str, t.Any] = {
            "layer": self.layer,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "tenant": self.tenant,
            "request": self.request,
        }
        if self.details is not None:
            failure["details"] = self.details
        return failure

    def as_result(self) -> dict[str, t.Any]:
        """What a failed task returns beside ``failed``."""
        return {"msg": self.sentence, "failure": self.as_dict()}

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any], tenant: str | None = None) -> Failure:
        """The failure of which :meth:`as_dict` made this.

        :param tenant: overrules the dict's.
        :raises ValueError: for a dict that stands for none.
        """
        return cls(
            str(data.get("layer")),
            str(data.get("code")),
            str(data.get("message") or ""),
            hint=str(data.get("hint") or ""),
            request=data.get("request"),
            details=data.get("details"),
            tenant=tenant or data.get("tenant"),
        )


def missing_library(layer: str, name: str, why: str) -> Failure:
    """The failure for a library that could not be imported."""
    return Failure(
        layer,
        "missing_library",
        f"the Python library {name!r} is needed {why}.",
        hint=f"Install it: pip install {name}.",
    )
