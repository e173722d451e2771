# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an object is found again: few types have a unique key, so each has the properties that its label stands for.

Source: unique keys in contract 3.11, label properties in the schema's ``lists``.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .schema import SERVER_SET, ObjectType, Schema


@dataclasses.dataclass(frozen=True)
class Identity:
    """The properties that identify an object, and how a label is put together from them.

    :param properties: in the label's order; an id among them appears in the label as that object's own label.
    :param separator: between two properties' parts; a label is split at its first one (last one: ``split_last``).
    :param content: the property is a struct, found by its content; the label is the settings' own and says nothing.
    """

    properties: tuple[str, ...]
    separator: str = ""
    split_last: bool = False
    content: bool = False

    def split(self, label: str) -> t.Optional[dict[str, str]]:
        """The identifying properties that a label stands for; none when it lacks the separator."""
        if self.content:
            return None
        if len(self.properties) == 1:
            return {self.properties[0]: label}
        parts = label.rsplit(self.separator, 1) if self.split_last else label.split(self.separator, 1)
        return dict(zip(self.properties, parts)) if len(parts) == 2 and all(parts) else None

    def join(self, values: t.Sequence[str]) -> str:
        """The label of an object with these identifying values."""
        return self.separator.join(values)

    @property
    def shape(self) -> str:
        """How a label looks, for messages."""
        return self.separator.join(f"<{name}>" for name in self.properties)


#: Types whose label is put together, or whose identity the schema's label property does not give.
_SPECIAL: dict[str, Identity] = {
    "Account": Identity(("name", "domainId"), "@", split_last=True),
    "MailingList": Identity(("name", "domainId"), "@", split_last=True),
    "DkimSignature": Identity(("selector", "domainId"), "._domainkey."),
    "MemoryLookupKey": Identity(("namespace", "key"), ":"),
    "MemoryLookupKeyValue": Identity(("namespace", "key"), ":"),
    # One tracer of a kind is what servers have; a second one of that kind needs other software to tell them apart.
    "Tracer": Identity(("@type",)),
    "AcmeProvider": Identity(("directory",)),
    "Alert": Identity(("condition",), content=True),
    "Certificate": Identity(("certificate",), content=True),
}
#: Longer labels, PEM texts say, tell nobody anything.
_LONGEST_SHOWN = 120

_FALLBACK = ("name", "namespace", "address", "clientId", "extension", "tag", "event", "description", "url", "hostname")

#: What is no setting, with the place that manages it.
NOT_SETTINGS: dict[str, str] = {
    "Action": "actions run by themselves after what needs them was written",
    "Task": "tasks are queued by the server",
    "Bootstrap": "it exists in bootstrap mode only",
    "DataStore": "it is the pod's config.json; set tenant_store",
    "Account": "manage it with stalwart_principal",
    "MailingList": "manage it with stalwart_principal",
    "AccountPassword": "it belongs to one account",
    "AccountSettings": "it belongs to one account",
    "ApiKey": "it belongs to one account",
    "AppPassword": "it belongs to one account",
    "PublicKey": "it belongs to one account",
    "MaskedEmail": "it belongs to one account",
    "SpamTrainingSample": "it is run-time data",
    "ArchivedItem": "it is run-time data",
    "ArfExternalReport": "it is run-time data",
    "DmarcExternalReport": "it is run-time data",
    "DmarcInternalReport": "it is run-time data",
    "TlsExternalReport": "it is run-time data",
    "TlsInternalReport": "it is run-time data",
    "ClusterNode": "it is run-time data",
    "Log": "it is run-time data",
    "Metric": "it is run-time data",
    "QueuedMessage": "it is run-time data",
    "Trace": "it is run-time data",
}


def text_of(value: t.Any) -> str:
    """An identifying value as a label has it, on the wire and in normal form alike."""
    if not isinstance(value, t.Mapping):
        return "" if value is None else str(value)
    if "else" not in value:
        return json.dumps(value, sort_keys=True)
    match = value.get("match") or ()
    entries = list(match.values()) if isinstance(match, t.Mapping) else list(match)
    return json.dumps([entries, value["else"]], sort_keys=True) if entries else str(value["else"])


def showable(label: t.Optional[str], identifier: str) -> str:
    """A label for messages and results; the id where it is none or one that nobody reads."""
    return label if label and len(label) <= _LONGEST_SHOWN and "\n" not in label else f"with id {identifier}"


def setting_name(object_name: str) -> str:
    """The key of an object type in ``settings`` (``SpamPyzor`` is ``spamPyzor``)."""
    return object_name[:1].lower() + object_name[1:]


def identity_of(schema: Schema, object_type: ObjectType) -> t.Optional[Identity]:
    """How objects of this type are found, or none when nothing identifies them."""
    special = _SPECIAL.get(object_type.name)
    if special is not None:
        return special
    fields = schema.fields(object_type.name)
    for name in (object_type.label_property, *_FALLBACK):
        spec = fields.get(name)
        if spec is not None and spec.access != SERVER_SET and spec.type.kind in ("string", "enum"):
            return Identity((name,))
    return None
