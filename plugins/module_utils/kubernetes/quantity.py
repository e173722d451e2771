# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes quantities (``k8s.io/apimachinery/pkg/api/resource``): what is one, and how much it is. Pure.

The inventory accepts what the comparison with the cluster understands, so both read this table.
"""

from __future__ import annotations

import re
import typing as t
from decimal import Decimal

_FRACTIONS = {"n": Decimal(10) ** -9, "u": Decimal(10) ** -6, "m": Decimal(10) ** -3}
_MULTIPLES = {
    **{unit: Decimal(10) ** (3 * power) for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{unit: Decimal(2) ** (10 * power) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}
_UNITS = {"": Decimal(1), **_FRACTIONS, **_MULTIPLES}
# A unit or an exponent, never both: 1E is 10^18, 1E3 is 1000. No quantity has an exponent of three digits (2^63 - 1).
_QUANTITY = re.compile(rf"([0-9]+(?:\.[0-9]+)?)(?:({'|'.join(sorted(filter(None, _UNITS)))})|[eE]([+-]?[0-9]{{1,2}}))?")


def amount(value: t.Any) -> t.Optional[Decimal]:
    """How much a quantity such as ``100m``, ``1.5Gi`` or ``1e3`` is; none for what is no quantity of zero or more."""
    match = None if isinstance(value, bool) else _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, unit, exponent = match.groups()
    return Decimal(number).scaleb(int(exponent or 0)) * _UNITS[unit or ""]


def is_size(value: t.Any) -> bool:
    """Whether a quantity says its unit, as bytes of any use do: ``20`` would be 20 bytes, ``20m`` less than one."""
    match = _QUANTITY.fullmatch(str(value))
    return match is not None and match.group(2) in _MULTIPLES
