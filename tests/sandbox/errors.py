# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception the sandbox raises on purpose; its text is what the user reads."""

from __future__ import annotations


class SandboxError(Exception):
    """Something of the sandbox failed; the message names the server or step and the next thing to do."""
