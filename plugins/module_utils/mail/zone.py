# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record sets of a domain as text: zone text, the ConfigMap's data, and instructions for a domain of the tenant's own."""

from __future__ import annotations

import traceback
import typing as t

from ..failure import missing_library
from ..powerdns import rrset as forms
from .records import Needed, RecordSet

YAML_IMPORT_ERROR: str | None
try:
    import yaml

    YAML_IMPORT_ERROR = None
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()

_MEANING = {
    "mx": "where mail for the domain goes",
    "spf": "who may send for the domain",
    "dmarc": "what receivers do with mail that fails SPF and DKIM, and where reports go",
    "mail-address": "the mail host's address",
    "web-address": "the web host's address",
    "dkim": "the key that the server signs with",
}


def zone_text(records: t.Iterable[RecordSet]) -> str:
    """RFC 1035 section 5 master-file text; every name is absolute, so that it can be pasted into any zone."""
    lines = [
        forms.zone_line(record.name, record.ttl, record.type, value) for record in records for value in record.values
    ]
    return "".join(f"{line}\n" for line in lines)


def records_yaml(records: t.Iterable[RecordSet]) -> str:
    """The same records as data, one item per record set.

    :raises Failure: ``missing_library``.
    """
    if YAML_IMPORT_ERROR is not None:
        raise missing_library("dns", "PyYAML", "to write records.yaml")
    data = [record.as_dict() for record in records]
    # A folded key record would be hard to copy.
    return str(yaml.safe_dump(data, sort_keys=False, width=1_000_000, default_flow_style=False))


def config_map_data(model: t.Mapping[str, t.Any], records: t.Sequence[RecordSet]) -> dict[str, str]:
    """The data of ConfigMap ``<release>-dns-records-required`` (design 7)."""
    return {
        "domain": model["domain"]["primary"],
        "mode": model["domain"]["mode"],
        "records.yaml": records_yaml(records),
        "zone.txt": zone_text(records),
    }


def instructions(model: t.Mapping[str, t.Any], required: Needed) -> str:
    """What the owner of a ``byo`` domain has to do, as plain text."""
    domain = model["domain"]["primary"]
    rua_domain = str(model["dns"]["dmarc_rua"]).rpartition("@")[2]
    lines = [
        f"DNS records for {domain}",
        "",
        "The platform does not write this domain's DNS. Publish these records at the domain's DNS provider, then tell the",
        "platform's operator: with dns_records_byo_nameservers set, a run asks the name servers what is still missing.",
        "",
    ]
    for record in required.records:
        lines.append(f"; {_MEANING[record.purpose]}")
        lines += [forms.zone_line(record.name, record.ttl, record.type, value) for value in record.values]
    lines += [
        "",
        "Before publishing:",
        f"- Remove MX records of {domain} that lead to another mail system; mail would be split between the two.",
        "- A name has at most one SPF record (RFC 7208 section 3.2): merge with one that exists. Add every other system that",
        "  sends mail for the domain before the all mechanism.",
        "- Publish the DKIM records no later than SPF and DMARC.",
        "- Some providers add the domain to the name by themselves: give them the name without it there.",
    ]
    if rua_domain != domain:
        lines += [
            f"- Reports go to another domain, so {rua_domain} must publish (RFC 7489 section 7.1):",
            f'  {domain}._report._dmarc.{rua_domain}. IN TXT "v=DMARC1"',
        ]
    if required.unknown:
        lines += ["", "Not known yet, so not in the list above:"]
        lines += [f"- {sentence}" for sentence in required.unknown]
    return "".join(f"{line}\n" for line in lines)
