# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which secrets are missing (pure)."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from ..reconcile import Change, Plan
from ..redact import MASK, check_secret
from .model import LAYER, Reference, Secret


def value_of(secret: Secret, name: str, *, optional: bool = False) -> str | None:
    """The value of a property.

    :param optional: a missing one is ``None`` instead of a failure.
    :raises Failure: ``not_found``, or ``invalid_value`` for a value that is no string or too short to be masked.
    """
    reference = Reference(secret.path, name)
    value = secret.data.get(name)
    if value is None:
        if optional:
            return None
        why = f"version {secret.version} is deleted" if secret.deleted else "it does not exist"
        raise Failure(
            LAYER, "not_found", f"the secret {reference} cannot be read: {why}.", hint="Run role secrets first."
        )
    if not isinstance(value, str):
        raise Failure(
            LAYER,
            "invalid_value",
            f"the secret {reference} is of type {type(value).__name__}; a string is accepted.",
            hint="Write it as a string.",
        )
    return check_secret(LAYER, f"the secret {reference}", value)


def plan_secrets(
    secrets: t.Mapping[str, Secret], references: t.Sequence[Reference], given: t.Collection[Reference] = ()
) -> Plan:
    """What has to be created. A change's payload is the version to give as ``cas``.

    :param secrets: what was read, by path.
    :param given: those of the references whose values are somebody else's, so that none can be generated.
    :raises Failure: for a deleted version, a value that cannot be used or one of the given that is missing; ``details``
        lists every one of them.
    """
    changes: list[Change] = []
    errors: list[Failure] = []
    for path in dict.fromkeys(reference.path for reference in references):
        if secrets[path].deleted:
            errors.append(_deleted(secrets[path]))
    for reference in dict.fromkeys(references):
        secret = secrets[reference.path]
        if secret.deleted:
            continue
        try:
            if value_of(secret, reference.property, optional=True) is None:
                if reference in given:
                    errors.append(_not_given(reference))
                    continue
                after = {reference.property: MASK}
                changes.append(
                    Change("create", "secret", str(reference), before={}, after=after, payload=secret.version)
                )
        except Failure as exc:
            errors.append(exc)
    if errors:
        first = errors[0]
        message = first.message if len(errors) == 1 else " ".join(error.message for error in errors)
        raise Failure(LAYER, first.code, message, hint=first.hint, details=[error.message for error in errors])
    return Plan(tuple(changes))


def _deleted(secret: Secret) -> Failure:
    return Failure(
        LAYER,
        "conflict",
        f"version {secret.version}, the newest of the secret {secret.path}, is deleted; a new value would lock out what uses the old one.",
        hint="Restore it (bao kv undelete), or remove the secret for good (bao kv metadata delete), then run again.",
    )


def _not_given(reference: Reference) -> Failure:
    return Failure(
        LAYER,
        "not_found",
        f"the secret {reference.path} has no property {reference.property}, and its value is another party's: none can be generated.",
        hint=f"Write it (bao kv patch, or put for a path that is new: {reference.path} {reference.property}=…), then run again.",
    )
