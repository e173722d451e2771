# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module file does: parse arguments, run the task, turn a failure into ``fail_json``."""

from __future__ import annotations

import os
import re
import sys
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import env_fallback

from .failure import LAYERS, Failure
from .redact import MASK, SHORTEST_SECRET

#: The parts of a secret that stay as they are however often it is quoted.
_UNQUOTED = re.compile(r"""[^\s\\'"\x00-\x1f\x7f]""" + f"{{{SHORTEST_SECRET},}}")
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


def layer_of(module_name: str) -> str:
    """The layer that a task's module belongs to: its ``LAYER``, else its package's name, else ``inventory``."""
    layer = getattr(sys.modules.get(module_name), "LAYER", None)
    if layer in LAYERS:
        return str(layer)
    return next(
        (part for part in module_name.rpartition(".module_utils.")[2].split(".") if part in LAYERS), "inventory"
    )


def unexpected(layer: str, exc: Exception, secrets: t.Iterable[t.Any]) -> Failure:
    """The failure for an exception that nobody foresaw: its kind and place, and its text without secrets.

    :param secrets: values to mask; also what is left of them when an exception's text quotes them with escapes.
    """
    text = str(exc)
    forms: set[str] = set()
    for secret in secrets:
        given = str(secret)
        forms |= {given, given.strip(), *_UNQUOTED.findall(given)}
    for form in sorted(filter(None, forms), key=len, reverse=True):
        text = text.replace(form, MASK)
    frames = traceback.extract_tb(exc.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return Failure(
        layer,
        "unexpected",
        f"{type(exc).__name__}{place}: {text}" if text else f"{type(exc).__name__}{place}",
        hint="The collection does not know this failure; please report it.",
    )


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
        result, failure = task(module.params, check_mode=module.check_mode), None
    except Failure as exc:
        failure = exc
    except Exception as exc:
        failure = unexpected(layer_of(task.__module__), exc, module.no_log_values)
    # Outside of the handler: fail_json would print the exception that is being handled, unmasked forms included.
    if failure is not None:
        module.fail_json(**failure.as_result())
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    module.exit_json(**result)
