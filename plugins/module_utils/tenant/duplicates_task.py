# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one tenant_duplicates task: compares all tenants of an inventory once."""

from __future__ import annotations

import typing as t

from . import identity
from .overlay import Inputs
from .validation import Problems

SPEC: dict[str, t.Any] = {"group": {"type": "str", "default": "tenants"}}


def run(
    params: t.Mapping[str, t.Any],
    *,
    check_mode: bool,
    tenants: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
) -> dict[str, t.Any]:
    """The result of action tenant_duplicates.

    :param tenants: inventory host → its variables (:data:`identity.VARIABLES`).
    :returns: ``duplicates`` by host, only of those involved. It never fails: each host reports its own part.
    """
    del params, check_mode
    identities = {host: identify(variables) for host, variables in (tenants or {}).items()}
    return {"changed": False, "duplicates": identity.duplicates(identities), "requests": 0}


def identify(variables: t.Mapping[str, t.Any]) -> identity.Identity:
    """The identity of one tenant as far as its variables are accepted; its mistakes are its own task's business."""
    problems = Problems()
    return identity.resolve(Inputs(variables, problems), problems)
