"""Objects that every normal start creates when there is none of their type (contract 1.6)."""

from __future__ import annotations

import secrets
from typing import Any

from . import permissions
from .registry import Registry

_LISTENERS: tuple[tuple[str, str, int, bool], ...] = (
    ("smtp", "smtp", 25, False),
    ("submissions", "smtp", 465, True),
    ("imaps", "imap", 993, True),
    ("pop3s", "pop3", 995, True),
    ("sieve", "manageSieve", 4190, False),
    ("https", "http", 443, True),
    ("http", "http", 8080, False),
)
_SPAM_RULES = (
    "https://github.com/stalwartlabs/spam-filter/releases/latest/download/spam-filter-rules.json.gz: error sending "
    "request for url "
    "(https://github.com/stalwartlabs/spam-filter/releases/latest/download/spam-filter-rules.json.gz)"
)
_ASN_LISTS = "https://github.com/sapics/ip-location-db/releases/download/latest"
_ASN = {
    "asnUrls": [f"{_ASN_LISTS}/origin-asn-ipv4.csv", f"{_ASN_LISTS}/origin-asn-ipv6.csv"],
    "geoUrls": [f"{_ASN_LISTS}/user-country-ipv4.csv", f"{_ASN_LISTS}/user-country-ipv6.csv"],
}
_QUEUES = (
    ("local", "Local", 25),
    ("remote", "Remote", 50),
    ("dsn", "Delivery Status Notification", 5),
    ("report", "DMARC and TLS report", 5),
)
_RETRY = {"0": 900_000, "1": 1_800_000, "2": 3_600_000, "3": 7_200_000}


def safe_defaults(registry: Registry) -> None:
    store = registry.store
    if not store.all("Role"):
        _roles(registry)
    seeds: dict[str, list[dict[str, Any]]] = {
        "NetworkListener": [
            {"name": name, "protocol": protocol, "bind": {f"[::]:{port}": True}, "tlsImplicit": implicit}
            for name, protocol, port, implicit in _LISTENERS
        ],
        "Tracer": [{"@type": "Log", "path": "/var/log/stalwart", "prefix": "stalwart.log", "ansi": False}],
        "MtaRoute": [
            {"@type": "Mx", "name": "mx", "description": "MX delivery route", "maxMxHosts": 2},
            {"@type": "Local", "name": "local", "description": "Local delivery route"},
        ],
        "MtaTlsStrategy": [
            {"name": "invalid-tls", "description": "Allow invalid TLS certificates", "allowInvalidCerts": True},
            {"name": "default", "description": "Default TLS settings"},
        ],
        "MtaConnectionStrategy": [{"name": "default", "description": "Default connection strategy"}],
        "MtaInboundThrottle": [
            {
                "description": "Sender IP throttle",
                "key": {"remoteIp": True},
                "rate": {"count": 5, "period": 1000},
            },
            {
                "description": "Sender address to recipient throttle",
                "key": {"senderDomain": True, "rcpt": True},
                "rate": {"count": 25, "period": 3_600_000},
            },
        ],
        "Application": [
            {
                "description": "Stalwart Web Interface",
                "autoUpdateFrequency": 30 * 24 * 60 * 60 * 1000,
                "resourceUrl": "https://github.com/stalwartlabs/webui/releases/latest/download/webui.zip",
                "urlPrefix": {"/admin": True, "/account": True},
            }
        ],
    }
    if not store.all("MtaVirtualQueue") and not store.all("MtaDeliverySchedule"):
        _queues(registry)
    for type_, objects in seeds.items():
        if not store.all(type_):
            for values in objects:
                registry.insert(type_, values)
    if not any(task["@type"] == "SpamFilterMaintenance" for task in store.all("Task").values()):
        # What a server without a way to the Internet shows: the first try has failed.
        status = registry.defaults.object("TaskStatus", "Retry") | {"failureReason": f"Failed to fetch {_SPAM_RULES}"}
        values = {"@type": "SpamFilterMaintenance", "maintenanceType": "updateRules", "status": status}
        registry.insert("Task", values)
    if store.find("Asn", "singleton") is None:
        registry.insert(
            "Asn", {"@type": "Resource", **{name: dict.fromkeys(urls, True) for name, urls in _ASN.items()}}
        )
    if store.find("OidcProvider", "singleton") is None:
        registry.insert(
            "OidcProvider",
            {
                "encryptionKey": {"@type": "Value", "secret": secrets.token_urlsafe(48)},
                "signatureKey": {"@type": "Text", "secret": secrets.token_urlsafe(48)},
                "signatureAlgorithm": "es256",
            },
        )


def _roles(registry: Registry) -> None:
    ids = {}
    for description, names in permissions.seeded_roles(registry.tables.enums["Permission"]).items():
        values = {"description": description, "enabledPermissions": dict.fromkeys(names, True)}
        ids[description] = registry.insert("Role", values)
    if registry.store.find("Authentication", "singleton") is None:
        user, group = ids["User"], ids["Group"]
        registry.insert(
            "Authentication",
            {
                "defaultUserRoleIds": {user: True},
                "defaultGroupRoleIds": {group: True},
                "defaultTenantRoleIds": {ids["Tenant Administrator"]: True, user: True},
                "defaultAdminRoleIds": {ids["System Administrator"]: True, user: True},
            },
        )


def _queues(registry: Registry) -> None:
    for key, (name, description, threads) in zip("abcd", _QUEUES, strict=True):
        values = {"name": name, "description": f"{description} delivery queue", "threadsPerNode": threads}
        registry.insert("MtaVirtualQueue", values, key)
    expiry = {"@type": "Ttl", "expire": 259_200_000}
    for key, name, description in (("a", "local", "Local"), ("b", "remote", "Remote")):
        values = {"name": name, "description": f"{description} delivery schedule", "queueId": key, "expiry": expiry}
        registry.insert("MtaDeliverySchedule", values, key)
    registry.insert(
        "MtaDeliverySchedule",
        {
            "name": "dsn",
            "description": "Delivery Status Notification delivery schedule",
            "queueId": "c",
            "expiry": {"@type": "Attempts", "maxAttempts": 10},
            "retry": {
                "@type": "Custom",
                "intervals": {index: {"duration": duration} for index, duration in _RETRY.items()},
            },
        },
        "c",
    )
