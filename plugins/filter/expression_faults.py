# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expressions of settings, audited without a server."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.expression_audit import faults
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.generation import GENERATIONS

DOCUMENTATION = r"""
name: expression_faults
short_description: What is wrong with the expressions in settings of a Stalwart server
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Parses every expression anywhere in settings, without a server, and returns what is wrong. An empty list is good.
  - A real server accepts some mistakes without a word, a single C(=) for one, and then evaluates something else. Functions and
    variables that do not exist are named, with the nearest that do.
  - The module M(tenantmail.stalwart.stalwart_settings) does the same with the server's own schema before it writes anything; this is
    for values files that are checked where no server is at hand.
positional: generation
options:
  _input:
    description: Settings as M(tenantmail.stalwart.stalwart_settings) takes them, nested or with dotted keys.
    type: dict
    required: true
  generation:
    description: The API family of the server that is to get them.
    type: str
    choices: ["0.15", "0.16"]
    default: "0.16"
  variables:
    description: Names of further variables that the server knows.
    type: list
    elements: str
    default: []
seealso:
  - plugin: tenantmail.stalwart.expression
    plugin_type: test
"""

EXAMPLES = r"""
- name: Check a values file where no server is at hand
  ansible.builtin.assert:
    that: faults | length == 0
    fail_msg: "{{ faults | map(attribute='key') | zip(faults | map(attribute='message')) | map('join', ': ') | join(' ') }}"
  vars:
    faults: "{{ (lookup('ansible.builtin.file', 'values.yaml') | from_yaml).settings | tenantmail.stalwart.expression_faults }}"
"""

RETURN = r"""
_value:
  description: One item per expression that is wrong, in the order of the settings.
  type: list
  elements: dict
  contains:
    key:
      description: Where it is.
      type: str
    expression:
      description: The expression.
      type: str
    message:
      description: What is wrong, and where in the expression.
      type: str
  sample:
    - key: mtaStageMail.isSenderAllowed
      expression: sender = 'x@acme.test'
      message: "single '=' at column 8: comparison is '=='; the server accepts '=' without an error and compares something else."
"""


def expression_faults(
    settings: t.Any, generation: str = "0.16", variables: t.Sequence[str] = ()
) -> list[dict[str, str]]:
    """The filter. :raises AnsibleFilterError: for arguments that are none."""
    if not isinstance(settings, t.Mapping):
        raise AnsibleFilterError(f"expression_faults expects settings, a mapping, not {type(settings).__name__}.")
    if generation not in GENERATIONS:
        raise AnsibleFilterError(f"generation {generation!r} is unknown; accepted: {', '.join(GENERATIONS)}.")
    return [fault.as_dict() for fault in faults(settings, generation=generation, variables=variables)]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        return {"expression_faults": expression_faults}
