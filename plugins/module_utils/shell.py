# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module file does: parse arguments, run the task, turn a failure into ``fail_json``."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import env_fallback

from .failure import Failure

#: A task: parameters and check mode in, result out; raises :class:`Failure`.
Task = t.Callable[..., t.Dict[str, t.Any]]


def with_env(spec: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The argument spec with ``env: NAME`` turned into Ansible's fall-back (specs themselves are plain data)."""
    result: dict[str, t.Any] = {}
    for name, given in spec.items():
        option = dict(given)
        env = option.pop("env", None)
        if env:
            option["fallback"] = (env_fallback, [env])
        if "options" in option:
            option["options"] = with_env(option["options"])
        result[name] = option
    return result


def run_module(
    argument_spec: t.Mapping[str, t.Any],
    task: Task,
    *,
    secrets: t.Callable[[t.Mapping[str, t.Any]], t.Iterable[str]] | None = None,
    **kwargs: t.Any,
) -> None:
    """The whole body of a module.

    :param argument_spec: plain data; may hold ``env`` keys.
    :param task: called as ``task(params, check_mode=…)``.
    :param secrets: finds secrets inside options that are no secret as a whole; they are masked in all output.
    :param kwargs: further arguments of AnsibleModule (``mutually_exclusive`` …).
    """
    module = AnsibleModule(argument_spec=with_env(argument_spec), supports_check_mode=True, **kwargs)
    if secrets is not None:
        module.no_log_values.update(secrets(module.params))
    try:
        result = task(module.params, check_mode=module.check_mode)
    except Failure as exc:
        module.fail_json(msg=exc.sentence, failure=exc.as_dict())
    module.exit_json(**result)
