# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of the server's expression language (contract 4.13, of 0.15 section 8). Pure."""

from __future__ import annotations

import typing as t

#: Functions with the number of their arguments.
FUNCTIONS: t.Mapping[str, int] = {
    "contains": 2,
    "contains_ignore_case": 2,
    "count": 1,
    "count_chars": 1,
    "count_lowercase": 1,
    "count_spaces": 1,
    "count_uppercase": 1,
    "counter_get": 2,
    "counter_incr": 3,
    "dedup": 1,
    "dns_query": 2,
    "email_part": 2,
    "ends_with": 2,
    "eq_ignore_case": 2,
    "has_digits": 1,
    "hash": 2,
    "if_then": 3,
    "ip_reverse_name": 1,
    "is_email": 1,
    "is_empty": 1,
    "is_intersect": 2,
    "is_ip_addr": 1,
    "is_ip_in_cidr": 2,
    "is_ipv4_addr": 1,
    "is_ipv6_addr": 1,
    "is_local_address": 1,
    "is_local_domain": 1,
    "is_lowercase": 1,
    "is_number": 1,
    "is_uppercase": 1,
    "key_exists": 2,
    "key_get": 2,
    "key_set": 3,
    "len": 1,
    "lines": 1,
    "matches": 2,
    "metric": 1,
    "rsplit": 2,
    "rsplit_once": 2,
    "sort": 2,
    "split": 2,
    "split_n": 3,
    "split_once": 2,
    "split_words": 1,
    "sql_query": 3,
    "starts_with": 2,
    "strip_prefix": 2,
    "strip_suffix": 2,
    "substring": 3,
    "system": 1,
    "to_lowercase": 1,
    "to_uppercase": 1,
    "trim": 1,
    "trim_end": 1,
    "trim_start": 1,
    "winnow": 1,
}
#: 0.15 takes a directory as a first argument; 0.16 takes the name alone, refuses nothing and answers false (contract 4.13).
OF_DIRECTORY = frozenset(("is_local_domain", "is_local_address"))
#: What 0.15 has not, and what it has instead.
FUNCTIONS_0_15: t.Mapping[str, int] = {
    **{name: count for name, count in FUNCTIONS.items() if name not in ("system", "metric", "is_ip_in_cidr")},
    **dict.fromkeys(OF_DIRECTORY, 2),
    "config_get": 1,
}
#: The first argument of these is read before anything else, so it must be a text.
OF_TEXT = frozenset(("matches", "system", "metric", "config_get"))
SYSTEM = ("domain", "hostname", "node_hostname", "node_id", "node_role")

#: Used where a server's schema does not list its variables; contract 4.13.
VARIABLES = frozenset(
    [
        "listener",
        "remote_ip",
        "remote_port",
        "local_ip",
        "local_port",
        "protocol",
        "is_tls",
        "asn",
        "country",
        "helo_domain",
        "sender",
        "sender_domain",
        "authenticated_as",
        "recipients",
        "rcpt",
        "rcpt_domain",
        "priority",
        "mx",
        "retry_num",
        "notify_num",
        "expires_in",
        "last_status",
        "last_error",
        "queue_name",
        "queue_age",
        "received_from_ip",
        "received_via_port",
        "source",
        "size",
        "url",
        "path",
        "headers",
        "method",
    ]
)
CONSTANTS = frozenset(
    [
        "relaxed",
        "strict",
        "disable",
        "optional",
        "require",
        "ipv4_only",
        "ipv6_only",
        "ipv6_then_ipv4",
        "ipv4_then_ipv6",
        "hourly",
        "daily",
        "weekly",
        "login",
        "plain",
        "xoauth2",
        "oauthbearer",
        "mixer",
        "stanag4406",
        "nsep",
    ]
)
