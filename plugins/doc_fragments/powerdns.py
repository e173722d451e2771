# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How to reach PowerDNS."""

    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - URL of the HTTP API of a PowerDNS authoritative server, version 4.6 or newer. Accepted with or without C(/api), C(/api/v1)
        or C(/api/v1/servers/<id>) at its end.
      - If not set, the environment variable E(POWERDNS_API_URL) is used.
      - Required unless O(server=absent).
    type: str
  api_key:
    description:
      - The API's key. PowerDNS has one key for everything; keep it in the secrets back end.
      - A key of fewer than 8 characters is refused, because it could not be masked in output.
      - If not set, the environment variable E(POWERDNS_API_KEY) is used.
      - Required unless O(server=absent).
    type: str
  server_id:
    description:
      - The server's id in the API. Unless O(api_url) names one, V(localhost), which is what PowerDNS itself always uses.
    type: str
  ca_path:
    description: PEM file of a private CA; the system's store by default.
    type: path
  server:
    description:
      - V(absent) plans against an empty server, without any request. Accepted in check mode only.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - dnspython >= 2.6
  - requests >= 2.31
"""
