"""Unique keys and filters per object type (contract 3.10 and 3.11), and the properties that end in an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: name-like unique keys: type -> (key space, properties). Types of one key space share it.
UNIQUE: dict[str, tuple[str, tuple[str, ...]]] = {
    "AllowedIp": ("AllowedIp", ("address",)),
    "BlockedIp": ("BlockedIp", ("address",)),
    "ClusterRole": ("ClusterRole", ("name",)),
    "EventTracingLevel": ("EventTracingLevel", ("event",)),
    "HttpLookup": ("lookup", ("namespace",)),
    "MemoryLookupKey": ("memory-lookup", ("namespace", "key")),
    "MemoryLookupKeyValue": ("memory-lookup", ("namespace", "key")),
    "MtaConnectionStrategy": ("MtaConnectionStrategy", ("name",)),
    "MtaDeliverySchedule": ("MtaDeliverySchedule", ("name",)),
    "MtaRoute": ("MtaRoute", ("name",)),
    "MtaTlsStrategy": ("MtaTlsStrategy", ("name",)),
    "MtaVirtualQueue": ("MtaVirtualQueue", ("name",)),
    "NetworkListener": ("NetworkListener", ("name",)),
    "OAuthClient": ("OAuthClient", ("clientId",)),
    "SieveSystemScript": ("SieveSystemScript", ("name",)),
    "SieveUserScript": ("SieveUserScript", ("name",)),
    "SpamDnsblServer": ("SpamDnsblServer", ("name",)),
    "SpamFileExtension": ("SpamFileExtension", ("extension",)),
    "SpamRule": ("SpamRule", ("name",)),
    "SpamTag": ("SpamTag", ("tag",)),
}

#: Filterable properties. `text` and the properties in TEXT match words, all others compare.
FILTERS: dict[str, tuple[str, ...]] = {
    "Account": ("text", "@type", "domainId", "memberGroupIds", "memberTenantId", "name"),
    "AcmeProvider": ("text", "memberTenantId"),
    "AllowedIp": ("address",),
    "ApiKey": ("expiresAt",),
    "AppPassword": ("expiresAt",),
    "BlockedIp": ("address",),
    "Certificate": ("subjectAlternativeNames",),
    "ClusterRole": ("name",),
    "Directory": ("memberTenantId",),
    "DkimSignature": ("domainId", "memberTenantId"),
    "Domain": ("text", "name", "aliases", "memberTenantId"),
    "MailingList": ("text", "memberTenantId"),
    "MemoryLookupKey": ("namespace",),
    "MemoryLookupKeyValue": ("namespace",),
    "MtaConnectionStrategy": ("name",),
    "MtaDeliverySchedule": ("name",),
    "MtaRoute": ("name",),
    "MtaTlsStrategy": ("name",),
    "MtaVirtualQueue": ("name",),
    "NetworkListener": ("name",),
    "OAuthClient": ("text", "clientId", "memberTenantId"),
    "PublicKey": ("accountId",),
    "Role": ("description", "memberTenantId"),
    "SieveSystemScript": ("name",),
    "SieveUserScript": ("name",),
    "SpamDnsblServer": ("name",),
    "SpamFileExtension": ("extension",),
    "SpamRule": ("name",),
    "SpamTag": ("tag",),
    "Tenant": ("text",),
}

#: Filters that match words of the named properties (the text index of a type).
TEXT: dict[str, dict[str, tuple[str, ...]]] = {
    "Account": {"text": ("name", "description", "aliases")},
    "AcmeProvider": {"text": ("directory", "contact")},
    "Certificate": {"subjectAlternativeNames": ("subjectAlternativeNames",)},
    "Domain": {"text": ("name", "description", "aliases")},
    "MailingList": {"text": ("name", "description", "recipients")},
    "OAuthClient": {"text": ("description", "clientId")},
    "Role": {"description": ("description",)},
}

Key = tuple[str, ...]


def of(type_: str, body: dict[str, Any]) -> Iterator[tuple[Key, str]]:
    """All (key, property named in a violation) of one object."""
    if type_ in ("Account", "MailingList"):
        yield ("address", body["name"], body["domainId"]), "email"
        for alias in body["aliases"].values():
            yield ("address", alias["name"], alias["domainId"]), "email"
    elif type_ == "Domain":
        yield ("domain", body["name"]), "name"
        for alias in body["aliases"]:
            yield ("domain", alias), "aliases"
    elif type_ in UNIQUE:
        space, properties = UNIQUE[type_]
        yield (space, *(str(body[name]) for name in properties)), properties[0]
