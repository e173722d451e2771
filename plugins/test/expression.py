# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a text is an expression that a Stalwart server understands as it is meant."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.expression_audit import fault
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.generation import GENERATIONS

DOCUMENTATION = r"""
name: expression
short_description: Whether a text is a sound expression of a Stalwart server
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Parses one expression without a server. It is sound if its syntax is right, its comparisons are C(==), and all functions and
    variables exist.
positional: generation
options:
  _input:
    description: The expression.
    type: str
    required: true
  generation:
    description: The API family of the server that is to get it.
    type: str
    choices: ["0.15", "0.16"]
    default: "0.16"
  variables:
    description: Names of further variables that the server knows.
    type: list
    elements: str
    default: []
seealso:
  - plugin: tenantmail.stalwart.expression_faults
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check an expression
  ansible.builtin.assert:
    that:
      - "'sender_domain == \"acme.test\"' is tenantmail.stalwart.expression"
      - "'sender = \"x@acme.test\"' is not tenantmail.stalwart.expression"
"""

RETURN = r"""
_value:
  description: Whether the expression is sound.
  type: bool
"""


def expression(text: t.Any, generation: str = "0.16", variables: t.Sequence[str] = ()) -> bool:
    """The test. :raises AnsibleFilterError: for an unknown generation."""
    if generation not in GENERATIONS:
        raise AnsibleFilterError(f"generation {generation!r} is unknown; accepted: {', '.join(GENERATIONS)}.")
    return isinstance(text, str) and fault(text, generation=generation, variables=variables) is None


class TestModule:
    """Ansible's entry point."""

    def tests(self) -> dict[str, t.Callable[..., bool]]:
        """The tests by name."""
        return {"expression": expression}
