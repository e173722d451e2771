# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The translation table: canonical settings and the keys of 0.15 (:mod:`.singletons`, :mod:`.objects`). Pure."""

from __future__ import annotations

import typing as t

from .objects import DOMAIN, OBJECTS
from .singletons import SINGLETONS
from .vocabulary import Kind

KINDS: t.Mapping[str, Kind] = {kind.name: kind for kind in (*SINGLETONS, *OBJECTS, DOMAIN)}

#: Types of 0.16 that the table does not translate, with the beginning of 0.15's own keys for the matter where it has some.
OTHERS: t.Mapping[str, str] = {
    "acmeProvider": "acme",
    "addressBook": "",
    "aiModel": "",
    "alert": "",
    "application": "",
    "blobStore": "store",
    "cache": "cache",
    "calendar": "",
    "calendarAlarm": "",
    "calendarScheduling": "",
    "certificate": "certificate",
    "clusterRole": "cluster.roles",
    "coordinator": "cluster",
    "dataRetention": "",
    "dkimReportSettings": "report.dkim",
    "dkimSignature": "signature",
    "dmarcReportSettings": "report.dmarc",
    "dnsResolver": "",
    "dnsServer": "",
    "email": "email",
    "enterprise": "enterprise",
    "eventTracingLevel": "",
    "fileStorage": "",
    "httpForm": "form",
    "httpLookup": "http-lookup",
    "inMemoryStore": "store",
    "metricsStore": "",
    "mtaConnectionStrategy": "queue.connection",
    "mtaDeliverySchedule": "queue.schedule",
    "mtaHook": "session.hook",
    "mtaInboundThrottle": "queue.limiter.inbound",
    "mtaMilter": "session.milter",
    "mtaOutboundThrottle": "queue.limiter.outbound",
    "mtaQueueQuota": "queue.quota",
    "mtaSts": "session.mta-sts",
    "mtaVirtualQueue": "queue.virtual",
    "oAuthClient": "",
    "oidcProvider": "oauth",
    "reportSettings": "report",
    "role": "",
    "search": "",
    "searchStore": "store",
    "sharing": "",
    "sieveSystemInterpreter": "sieve.trusted",
    "sieveSystemScript": "sieve.trusted",
    "sieveUserInterpreter": "sieve.untrusted",
    "sieveUserScript": "sieve.untrusted",
    "spamDnsblServer": "spam-filter.dnsbl.server",
    "spamFileExtension": "",
    "spamLlm": "spam-filter.llm",
    "spamRule": "spam-filter.rule",
    "spamTag": "spam-filter.list",
    "spfReportSettings": "report.spf",
    "storeLookup": "",
    "taskManager": "",
    "tenant": "",
    "tlsReportSettings": "report.tls",
    "tracingStore": "",
    "webDav": "",
    "webHook": "webhook",
}


def why_not(name: str) -> str:
    """What to say of a type that is not translated."""
    own = f", which are below {OTHERS[name]}" if OTHERS[name] else ", where it has any"
    return f"it is not translated; vocabulary: native takes 0.15's own keys for it{own}"


__all__ = ["DOMAIN", "KINDS", "OBJECTS", "OTHERS", "SINGLETONS", "why_not"]
