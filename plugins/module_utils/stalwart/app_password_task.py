# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``stalwart_app_password``."""

from __future__ import annotations

import typing as t

from .app_password import ask_of, keep
from .task import open_driver, told


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Make, list or revoke app passwords.

    :raises Failure: see the module's documentation.
    """
    ask = ask_of(params)
    with open_driver(params) as (driver, connection):
        result = keep(driver.app_passwords(ask.account), ask, check_mode=check_mode)
        return {**result, **told(driver, connection)}
