# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one tenant_model task: no request, no file, nothing changes."""

from __future__ import annotations

import typing as t

from .model import derive


def run(params: t.Mapping[str, t.Any], *, check_mode: bool, variables: t.Iterable[str] = ()) -> dict[str, t.Any]:
    """The result of module tenant_model; the same in check mode.

    :param params: the options by name; None for those that are not given.
    :param variables: names of the host's variables, of which none may be a misspelt one of the collection's.
    :raises Failure: ``invalid_value`` in layer ``inventory``, with every mistake in ``details``.
    """
    return {"changed": False, "model": derive(params, check_mode=check_mode, variables=variables), "requests": 0}
