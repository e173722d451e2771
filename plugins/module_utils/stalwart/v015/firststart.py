# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a 0.15 server stores by itself at its first start (0.15.5), so that no export needs to name it. Data."""

from __future__ import annotations

import typing as t

_RETRY = ("2m", "5m", "10m", "15m", "30m", "1h", "2h")


def _listed(key: str, *texts: str) -> dict[str, str]:
    return {f"{key}.{number}": text for number, text in enumerate(texts)}


def _schedule(name: str, description: str, *retry: str, attempts: str = "") -> dict[str, str]:
    key = f"queue.schedule.{name}"
    ends = (
        {f"{key}.expire-type": "attempts", f"{key}.max-attempts": attempts}
        if attempts
        else {f"{key}.expire-type": "ttl", f"{key}.expire": "3d", **_listed(f"{key}.notify", "1d", "3d")}
    )
    about = {f"{key}.queue-name": name, f"{key}.description": f"{description} delivery schedule"}
    return {**about, **ends, **_listed(f"{key}.retry", *retry)}


def _queue(name: str, description: str, threads: int) -> dict[str, str]:
    key = f"queue.virtual.{name}"
    return {f"{key}.description": f"{description} delivery queue", f"{key}.threads-per-node": str(threads)}


_DSN, _REPORT = "Delivery Status Notification", "DMARC and TLS report"

FIRST_START: t.Mapping[str, str] = {
    "queue.connection.default.description": "Default connection settings",
    "queue.connection.default.timeout.connect": "5m",
    "queue.limiter.inbound.ip.enable": "true",
    "queue.limiter.inbound.ip.key": "remote_ip",
    "queue.limiter.inbound.ip.rate": "5/1s",
    "queue.limiter.inbound.sender.enable": "true",
    **_listed("queue.limiter.inbound.sender.key", "sender_domain", "rcpt"),
    "queue.limiter.inbound.sender.rate": "25/1h",
    "queue.quota.size.enable": "true",
    "queue.quota.size.messages": "100000",
    "queue.quota.size.size": "10737418240",
    "queue.route.local.description": "Local delivery route",
    "queue.route.local.type": "local",
    "queue.route.mx.description": "MX delivery route",
    "queue.route.mx.ip-lookup": "ipv4_then_ipv6",
    "queue.route.mx.limits.multihomed": "2",
    "queue.route.mx.limits.mx": "5",
    "queue.route.mx.type": "mx",
    **_schedule("dsn", _DSN, "15m", "30m", "1h", "2h", attempts="10"),
    **_schedule("local", "Local", *_RETRY),
    **_schedule("remote", "Remote", *_RETRY),
    **_schedule("report", _REPORT, "30m", "1h", "2h", attempts="8"),
    "queue.tls.default.allow-invalid-certs": "false",
    "queue.tls.default.description": "Default TLS settings",
    "queue.tls.invalid-tls.allow-invalid-certs": "true",
    "queue.tls.invalid-tls.description": "Allow invalid TLS certificates",
    **_queue("dsn", _DSN, 5),
    **_queue("local", "Local", 25),
    **_queue("remote", "Remote", 50),
    **_queue("report", _REPORT, 5),
    "report.analysis.addresses": "postmaster@*",
}


def removed(stored: t.Mapping[str, str]) -> list[str]:
    """What is not there any more, as keys or, of things that are gone whole, as their prefixes.

    Routes have canonical names, so that only those that are gone whole are told.
    """
    things = {key: key.split(".")[:3] for key in FIRST_START}
    left = {tuple(things[key]) for key in FIRST_START if key in stored}
    gone = {key if tuple(things[key]) in left else ".".join(things[key]) for key in FIRST_START if key not in stored}
    return sorted(name for name in gone if left and not name.startswith(("queue.route.local.", "queue.route.mx.")))
