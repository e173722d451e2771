# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: openbao_secret
short_description: Read properties of secrets from OpenBao
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Reads properties of KV version 2 secrets from OpenBao (or HashiCorp Vault) with one login and one request per path.
  - Takes the collection's own variables as they are (C(platform_openbao_auth) for every method), which a call of
    P(community.hashi_vault.vault_kv2_get#lookup) cannot, as keyword arguments of a lookup cannot be conditional.
  - A path is read once per task however often the expression is evaluated in it.
options:
  _terms:
    description: Each C(path#property), or a mapping with the keys C(path) and C(property).
    type: list
    elements: raw
    required: true
  url:
    description: Base URL of the server.
    type: str
    required: true
  mount:
    description: Where the KV version 2 engine is mounted.
    type: str
    default: secret
  auth:
    description:
      - How to log in; C(method) is one of V(approle) (with C(role_id), C(secret_id)), V(token) (with C(token)),
        V(kubernetes) or V(jwt) (both with C(role_id), C(jwt)).
      - C(mount_point) is where the method is mounted, its own name by default.
      - Required unless O(offline=true).
    type: dict
  ca_path:
    description: PEM file of a private CA; the system's store by default.
    type: path
  on_missing:
    description:
      - What to do when the path or the property does not exist, or when its newest version is deleted.
      - V(none) returns C(null) for it; meant for check mode before the first run.
    type: str
    choices: [fail, none]
    default: fail
  offline:
    description: Make no request; everything counts as missing.
    type: bool
    default: false
seealso:
  - plugin: community.hashi_vault.vault_kv2_get
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Use one secret
  ansible.builtin.set_fact:
    password: "{{ lookup('tenantmail.stalwart.openbao_secret', 'sovereign/omantel.test/stalwart/acme/admin#ADMIN_PASSWORD',
      url=platform_openbao_url, auth=platform_openbao_auth, ca_path=platform_ca_file) }}"
  no_log: true

- name: Use several secrets with one login
  ansible.builtin.set_fact:
    secrets: "{{ query('tenantmail.stalwart.openbao_secret', *references,
      url=platform_openbao_url, mount=platform_openbao_mount, auth=platform_openbao_auth, on_missing='none') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The values in the order of the terms; C(null) for a missing one with O(on_missing=none).
  type: list
  elements: str
"""

import multiprocessing
import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.lookup import LookupBase
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.argspec import AUTH, CONNECTION
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.client import OpenBaoClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.model import LAYER, Reference, Secret
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.plan import value_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import unexpected

# Ansible evaluates an expression as often as it is used; each task runs in a worker process of its own, so a cache
# that belongs to one process lives for one task.
_CACHE: dict[t.Any, Secret] = {}


class LookupModule(LookupBase):
    """Reads secrets from OpenBao."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """Ansible's entry point."""
        self.set_options(var_options=variables, direct=kwargs)
        options = {name: self.get_option(name) for name in CONNECTION}
        if isinstance(options["auth"], dict):
            # From an expression it comes with the template engine, and the validator's copy with every variable in that.
            options["auth"] = dict(options["auth"].items())
        optional = self.get_option("on_missing") == "none"
        try:
            references = [Reference.parse(term) for term in terms]
            if options["offline"]:
                if not optional:
                    raise AnsibleLookupError("openbao: offline needs on_missing=none, as nothing is read.")
                return [None for _reference in references]
            validation = ArgumentSpecValidator(CONNECTION).validate(options)
            if validation.error_messages:
                raise AnsibleLookupError(f"openbao: {'; '.join(validation.error_messages)}")
            paths = sorted({reference.path for reference in references})
            secrets = self._read(validation.validated_parameters, paths)
            return [
                value_of(secrets[reference.path], reference.property, optional=optional) for reference in references
            ]
        except AnsibleError:
            raise
        except Failure as exc:
            failure = exc
        except Exception as exc:
            auth = options["auth"] if isinstance(options["auth"], dict) else {}
            failure = unexpected(
                LAYER, exc, [auth[name] for name, option in AUTH.items() if option.get("no_log") and auth.get(name)]
            )
        # Outside of the handlers: Ansible prints the original of a chained exception at -vvv.
        raise AnsibleLookupError(failure.sentence)

    @staticmethod
    def _read(options: dict[str, t.Any], paths: list[str]) -> dict[str, Secret]:
        server = (options["url"], options["mount"], repr(options["auth"]))
        # Ansible's main process outlives the tasks: what it remembered could be stale, and workers would inherit it.
        cache: dict[t.Any, Secret] = {} if multiprocessing.parent_process() is None else _CACHE
        missing = [path for path in paths if (server, path) not in cache]
        if missing:
            with OpenBaoClient(options["url"], options["mount"], options["auth"], options["ca_path"]) as client:
                client.login()
                for path in missing:
                    cache[server, path] = client.read(path)
        return {path: cache[server, path] for path in paths}
