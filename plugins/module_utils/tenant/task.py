# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one tenant_model task: no request, no file but the chart's schema and the mailboxes', nothing changes."""

from __future__ import annotations

import typing as t

from ..kubernetes import chart as charts
from . import mailbox_file, mailboxes
from .chart_values import VARIABLE
from .model import derive


def run(
    params: t.Mapping[str, t.Any],
    *,
    check_mode: bool,
    variables: t.Iterable[str] = (),
    folder: str = "",
    decrypted: t.Callable[[str], str] = str,
) -> dict[str, t.Any]:
    """The result of module tenant_model; the same in check mode.

    :param params: the options by name; None for those that are not given.
    :param variables: names of the host's variables, of which none may be a misspelt one of the collection's.
    :param folder: where relative paths begin. :param decrypted: the path of what a file holds, for one that a vault encrypts.
    :raises Failure: ``invalid_value`` in layer ``inventory``, with every mistake in ``details``; ``not_found`` in layer
        ``kubernetes`` when there is no chart where one is named.
    """
    chart = params.get("chart")
    # Most tenants have no chart values of their own: nothing to check, nothing to read.
    schema = charts.load(str(chart)).schema if chart and params.get(VARIABLE) else None
    name = params.get(mailbox_file.VARIABLE)
    file = None if name is None else mailbox_file.read(name, folder, decrypted)
    model = derive(params, check_mode=check_mode, variables=variables, chart_schema=schema, mailboxes_file=file)
    doubts = mailboxes.doubts(model)
    return {"changed": False, "model": model, "requests": 0, **({"warnings": doubts} if doubts else {})}
