# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a first start creates (contract 1.6, and what a real 0.16.18 showed): there already on every empty server. Pure.

Only what differs from the types' own defaults is written down. A server whose seeds are others is exported with more
words than needed, and nothing else.
"""

from __future__ import annotations

import typing as t

from .grammar import SINGLETON

Body = t.Dict[str, t.Any]

_LISTENERS = (
    ("smtp", "smtp", 25, False),
    ("submissions", "smtp", 465, True),
    ("imaps", "imap", 993, True),
    ("pop3s", "pop3", 995, True),
    ("sieve", "manageSieve", 4190, False),
    ("https", "http", 443, True),
    ("http", "http", 8080, False),
)
_QUEUES = (
    ("local", "Local", 25),
    ("remote", "Remote", 50),
    ("dsn", "Delivery Status Notification", 5),
    ("report", "DMARC and TLS report", 5),
)
_EXPIRY = {"@type": "Ttl", "expire": 259_200_000}
_RETRIES = [{"duration": 900_000}, {"duration": 1_800_000}, {"duration": 3_600_000}, {"duration": 7_200_000}]
_LISTS = "https://github.com/sapics/ip-location-db/releases/download/latest"

_OBJECTS: dict[str, dict[str, Body]] = {
    "NetworkListener": {
        name: {"bind": [f"[::]:{port}"], "protocol": protocol, "tlsImplicit": implicit}
        for name, protocol, port, implicit in _LISTENERS
    },
    "MtaVirtualQueue": {
        name: {"description": f"{words} delivery queue", "threadsPerNode": threads} for name, words, threads in _QUEUES
    },
    "MtaDeliverySchedule": {
        "local": {"description": "Local delivery schedule", "queueId": "local", "expiry": _EXPIRY},
        "remote": {"description": "Remote delivery schedule", "queueId": "remote", "expiry": _EXPIRY},
        "dsn": {
            "description": "Delivery Status Notification delivery schedule",
            "queueId": "dsn",
            "expiry": {"@type": "Attempts", "maxAttempts": 10},
            "retry": {"@type": "Custom", "intervals": _RETRIES},
        },
    },
    "MtaRoute": {
        "mx": {"@type": "Mx", "description": "MX delivery route", "maxMxHosts": 2},
        "local": {"@type": "Local", "description": "Local delivery route"},
    },
    "MtaTlsStrategy": {
        "invalid-tls": {"description": "Allow invalid TLS certificates", "allowInvalidCerts": True},
        "default": {"description": "Default TLS settings"},
    },
    "MtaConnectionStrategy": {"default": {"description": "Default connection strategy"}},
    "MtaInboundThrottle": {
        "Sender IP throttle": {"key": ["remoteIp"], "rate": {"count": 5, "period": 1000}},
        "Sender address to recipient throttle": {
            "key": ["rcpt", "senderDomain"],
            "rate": {"count": 25, "period": 3_600_000},
        },
    },
    "Tracer": {"Log": {"@type": "Log", "path": "/var/log/stalwart", "prefix": "stalwart.log", "ansi": False}},
    "Application": {
        "Stalwart Web Interface": {
            "autoUpdateFrequency": 2_592_000_000,
            "resourceUrl": "https://github.com/stalwartlabs/webui/releases/latest/download/webui.zip",
            "urlPrefix": ["/account", "/admin"],
        }
    },
    "Authentication": {
        SINGLETON: {
            "defaultUserRoleIds": ["User"],
            "defaultGroupRoleIds": ["Group"],
            "defaultTenantRoleIds": ["Tenant Administrator", "User"],
            "defaultAdminRoleIds": ["System Administrator", "User"],
        }
    },
    "MetricsStore": {SINGLETON: {"@type": "Default"}},
    "TracingStore": {SINGLETON: {"@type": "Default"}},
    "Asn": {
        SINGLETON: {
            "@type": "Resource",
            "asnUrls": [f"{_LISTS}/origin-asn-ipv4.csv", f"{_LISTS}/origin-asn-ipv6.csv"],
            "geoUrls": [f"{_LISTS}/user-country-ipv4.csv", f"{_LISTS}/user-country-ipv6.csv"],
        }
    },
}

#: Properties that a server fills in by itself, secrets mostly: another server has its own.
OWN: dict[str, frozenset[str]] = {
    "OidcProvider": frozenset(("encryptionKey", "signatureKey", "signatureAlgorithm")),
    "Jmap": frozenset(("webPushKey",)),
    "AcmeProvider": frozenset(("accountKey", "accountUri")),
}

_PROTOCOLS = ("jmap", "imap", "pop3", "calendar", "email", "dav", "sieve")
_GENERAL = frozenset(("authenticate", "authenticateWithAlias", "interactAi"))
_VERBS = ("Get", "Create", "Update", "Destroy", "Query")
_PERSONAL = ("MaskedEmail", "ArchivedItem", "AccountSettings", "PublicKey", "SpamTrainingSample")
_CREDENTIALS = ("AccountPassword", "ApiKey", "AppPassword")
_TENANT = (
    "Account",
    "AcmeProvider",
    "DkimSignature",
    "DnsServer",
    "Domain",
    "MailingList",
    "OAuthClient",
    "QueuedMessage",
    "Role",
)


def seed(name: str, label: str, permissions: t.Sequence[str]) -> t.Optional[Body]:
    """What the first start gave the object of this type and label; none for one that it did not make.

    :param permissions: all that the schema lists; the roles' are made of them.
    """
    if name == "Role":
        return _roles(permissions).get(label)
    return _OBJECTS.get(name, {}).get(label)


def seeded_labels(name: str, permissions: t.Sequence[str]) -> list[str]:
    """The objects of a type that the first start made."""
    return sorted(_roles(permissions) if name == "Role" else set(_OBJECTS.get(name, {})) - {SINGLETON})


def _roles(every: t.Sequence[str]) -> dict[str, Body]:
    def objects(*names: str) -> set[str]:
        return {f"sys{name}{verb}" for name in names for verb in _VERBS}

    protocols = {name for name in every if name.startswith(_PROTOCOLS)}
    own = objects(*_PERSONAL) - {"sysSpamTrainingSampleCreate"}
    sets = {
        "User": _GENERAL | protocols | own | objects(*_CREDENTIALS),
        "Group": protocols | own,
        "Tenant Administrator": _GENERAL | {"fetchAnyBlob", "liveDeliveryTest"} | objects(*_TENANT),
        "System Administrator": set(every) - protocols,
    }
    return {label: {"enabledPermissions": sorted(names & set(every))} for label, names in sets.items()}
