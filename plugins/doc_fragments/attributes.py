# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What every module of the collection promises. A module that promises less says so in its own attributes."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predict what would change, without a write.
    support: full
  diff_mode:
    description: Returns what has changed (or, in check mode, would change), with secrets masked.
    support: full
  idempotent:
    description: Run twice without a change in between, the second run changes nothing and sends no write request.
    support: full
"""

    #: For modules that only read or compute.
    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
    details: The module changes nothing anyway.
  diff_mode:
    description: Returns what has changed (or, in check mode, would change), with secrets masked.
    support: N/A
    details: The module changes nothing.
  idempotent:
    description: Run twice without a change in between, the second run changes nothing and sends no write request.
    support: full
    details: The module changes nothing.
"""
