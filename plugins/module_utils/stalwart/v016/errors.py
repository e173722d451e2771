# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server says about items of a ``/set`` (contract 3.8, 11.5), as failures that name the setting."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from .client import JmapClient, Want, WriteRace
from .identity import identity_of, setting_name, showable
from .registry import Registry

_CODES = {
    "invalidPatch": "invalid_value",
    "invalidProperties": "invalid_value",
    "validationFailed": "invalid_value",
    "primaryKeyViolation": "conflict",
    "invalidForeignKey": "not_found",
    "objectIsLinked": "conflict",
    "notFound": "conflict",
    "forbidden": "forbidden",
    "overQuota": "conflict",
}
_VERBS = {"create": "create", "update": "update", "destroy": "remove"}

#: How the server refuses a certificate whose file it cannot open (contract 4.9); a file that holds none is refused otherwise.
_UNREAD = "Failed to read certificate: Failed to read secret from file"

#: Names of objects that this task has created, by type and id.
Names = t.Mapping[t.Tuple[str, str], str]


class FileMissing(Failure):
    """The server cannot read the file of a certificate, which may still be on its way into the pod."""


class Asked(t.Protocol):
    """What of an operation a message needs."""

    kind: str
    object: str
    label: str


def set_failures(
    client: JmapClient,
    registry: Registry,
    object_name: str,
    asked: t.Mapping[str, t.Any],
    answer: tuple[str, dict[str, t.Any]],
    names: Names,
) -> list[Failure]:
    """Failures of one ``/set`` call; an item that the answer does not mention is one, too.

    :raises WriteRace: when the whole call must be planned anew.
    """
    name, result = answer
    if name == "error":
        kind = str(result.get("type"))
        if kind == "serverUnavailable" or (kind == "requestTooLarge" and client.learn()):
            raise WriteRace(object_name)
        why = client.http.redactor.body(str(result.get("description") or kind))
        code = {"forbidden": "forbidden", "requestTooLarge": "invalid_value"}.get(kind, "protocol")
        hint = (
            f"Give its account the permissions sys{object_name}Create, Update and Destroy."
            if code == "forbidden"
            else ""
        )
        return [Failure("stalwart", code, f"writing {setting_name(object_name)}: {kind}: {why}.", hint=hint)]
    done = {*(result.get("created") or {}), *(result.get("updated") or {}), *(result.get("destroyed") or ())}
    refused: dict[str, t.Any] = {}
    for part in ("notCreated", "notUpdated", "notDestroyed"):
        refused.update(result.get(part) or {})
    failures = []
    for key, op in asked.items():
        if key in refused:
            failures.append(item_failure(client, registry, op, refused[key], names))
        elif key not in done:
            # The server drops ids that it cannot parse without a word (contract 3.2).
            failures.append(item_failure(client, registry, op, {"type": "notFound"}, names))
    return failures


def item_failure(
    client: JmapClient, registry: Registry, op: Asked, error: t.Mapping[str, t.Any], names: Names
) -> Failure:
    """The failure of one item."""
    kind = str(error.get("type"))
    where = setting_name(op.object) if op.label == "singleton" else f"{setting_name(op.object)} {op.label}"
    reasons = _reasons(error)
    why = client.http.redactor.body("; ".join(reasons) or kind)
    hint = ""
    if kind == "primaryKeyViolation":
        why = f"{', '.join(error.get('properties') or ['its key'])} already belongs to {label_of(registry, error.get('objectId'), names)}"
    elif kind == "invalidForeignKey":
        why = (
            f"refers to {label_of(registry, error.get('objectId'), names)}, which does not exist or is of another kind"
        )
    elif kind == "objectIsLinked":
        linked = list(error.get("linkedObjects") or ())
        _read_holders(client, registry, linked)
        holders = sorted({label_of(registry, holder, names) for holder in linked})
        why = f"is still used by {', '.join(holders[:8])}" + (
            f" and {len(holders) - 8} more" if len(holders) > 8 else ""
        )
        hint = "Remove or change these first."
    elif kind == "notFound":
        why, hint = "it is not there any more", "Something else removed it; run again."
    missing = op.object == "Certificate" and str(error.get("description")).startswith(_UNREAD)
    if missing:
        hint = (
            "The file is read on the server, where role chart mounts the Secret that holds it; "
            "what is new in a Secret reaches a running pod within about a minute."
        )
    return (FileMissing if missing else Failure)(
        "stalwart",
        _CODES.get(kind, "server_error"),
        f"cannot {_VERBS.get(op.kind, op.kind)} {where}: {why.rstrip('.')}.",
        hint=hint,
    )


def _read_holders(client: JmapClient, registry: Registry, linked: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Read the types of objects that the plan did not need, so that the message can call them by name."""
    names = {str(holder.get("object")) for holder in linked} - set(registry.objects)
    if names & {"Account", "MailingList", "DkimSignature"} and "Domain" not in registry.objects:
        names.add("Domain")
    known = sorted(name for name in names if name in registry.schema.objects)
    wants = []
    for name in known:
        entry = registry.schema.objects[name]
        identity = None if entry.singleton else identity_of(registry.schema, entry)
        wants.append(Want(name, entry.singleton, identity.properties if identity else (), optional=True))
    if wants:
        registry.objects.update(client.read(wants))


def _reasons(error: t.Mapping[str, t.Any]) -> list[str]:
    reasons = []
    if error.get("description"):
        reasons.append(str(error["description"]))
    for item in error.get("validationErrors") or ():
        rest = (
            f": {item['value']}"
            if item.get("value")
            else (f" ({item['required']})" if item.get("required") is not None else "")
        )
        reasons.append(f"{item.get('property')}: {item.get('type')}{rest}")
    named = [str(name) for name in error.get("properties") or () if name]
    if named and not error.get("validationErrors"):
        reasons.append("property " + ", ".join(named))
    return reasons


def label_of(registry: Registry, target: t.Any, names: Names) -> str:
    """How a message calls an object that an error names."""
    if not isinstance(target, t.Mapping):
        return "another object"
    name, identifier = str(target.get("object")), str(target.get("id"))
    if identifier == "singleton":
        return setting_name(name)
    known = registry.label(name, identifier) if name in registry.objects else None
    label = names.get((name, identifier)) or known
    return f"{setting_name(name)} {showable(label, identifier)}"


def reload_failure(
    client: JmapClient,
    registry: Registry,
    actions: t.Sequence[str],
    answer: tuple[str, dict[str, t.Any]],
    names: Names,
) -> t.Optional[Failure]:
    """The failure of the actions at the end of a request, or none."""
    name, result = answer
    if name == "error":
        if str(result.get("type")) == "serverUnavailable":
            raise WriteRace("Action")
        why = client.http.redactor.body(str(result.get("description") or result.get("type")))
        code = "forbidden" if result.get("type") == "forbidden" else "reload_refused"
        return Failure(
            "stalwart", code, f"the settings are stored, but {', '.join(actions)} is refused: {why}.", hint=_AGAIN
        )
    for index, action in enumerate(actions):
        error = (result.get("notCreated") or {}).get(f"a{index}")
        if error is not None:
            return _refused(client, registry, action, error, names)
        if f"a{index}" not in (result.get("created") or {}):
            return Failure("stalwart", "protocol", f"the server did not answer the action {action}.", hint=_AGAIN)
    return None


_AGAIN = "Nothing of the stored settings is lost; the next run repeats the reload."


def _refused(
    client: JmapClient, registry: Registry, action: str, error: t.Mapping[str, t.Any], names: Names
) -> Failure:
    target = error.get("objectId")
    who = label_of(registry, target, names) if target else action
    why = client.http.redactor.body("; ".join(_reasons(error)) or str(error.get("type")))
    if error.get("type") == "forbidden":
        return Failure(
            "stalwart",
            "forbidden",
            f"the settings are stored, but the credential may not run {action}.",
            hint=f"Give its account the permissions sysActionCreate and action{action}.",
        )
    name = str(target.get("object")) if isinstance(target, t.Mapping) else ""
    return Failure(
        "stalwart",
        "reload_refused",
        f"the settings are stored, but the server refuses to run them ({action}): {who}: {why.rstrip('.')}.",
        hint=f"{_HINTS.get(name, 'Correct that object.')} {_AGAIN}",
        details={"action": action, "object": target, "reason": why},
    )


_HINTS = {
    "SpamPyzor": "Pyzor needs outside DNS; disable it (spamPyzor.enable: false).",
    "Directory": "The server must reach the issuer by its public name and trust its certificate, and the issuer's "
    "discovery document must name the same issuer.",
    "NetworkListener": "Check its bind addresses and protocol.",
    "Certificate": "Check the certificate and its private key; files are read on the server, where role chart mounts the Secret that holds them.",
    "Tracer": "Check where it writes to.",
}
