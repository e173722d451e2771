# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action-plugin twin of a module: the same task in the controller's process (design 10)."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import typing as t

from ansible import constants
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import (
    Task,
    layer_of,
    unexpected,
    with_env,
)

_DIFF_HEADERS = ("before_header", "after_header")


def _no_secrets(params: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    return ()


@contextlib.contextmanager
def temporary_folder() -> t.Iterator[None]:
    """What libraries leave in temporary files goes with the task.

    The Kubernetes client writes a kubeconfig's client key into files that it removes at exit, and a worker ends without that.
    """
    own: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # made from the configuration at import
    with tempfile.TemporaryDirectory(dir=own) as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield
        finally:
            tempfile.tempdir = before
            # A loop's items share a process, and before release 37 the client takes files from its cache unseen.
            getattr(sys.modules.get("kubernetes.config.kube_config"), "_temp_files", {}).clear()


class TaskAction(ActionBase):
    """Runs :attr:`TASK` in-process where that equals running the module, else runs the module.

    A twin ignores the task's ``environment`` and must mask its own result: Ansible does neither for an action plugin.
    """

    SPEC: t.ClassVar[t.Mapping[str, t.Any]]
    SPEC_RULES: t.ClassVar[t.Mapping[str, t.Any]] = {}
    TASK: t.ClassVar[Task]
    #: Called with the parameters, returns secrets inside options that are no secret as a whole; masked in the result.
    SECRETS: t.ClassVar[t.Any] = staticmethod(_no_secrets)
    #: There is a module of the same name to fall back to.
    HAS_MODULE = True

    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Ansible's entry point."""
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        del tmp
        if self.HAS_MODULE and not self._in_process(task_vars):
            return self._named(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val), task_vars)
        validation, params = self.validate_argument_spec(argument_spec=with_env(self.SPEC), **self.SPEC_RULES)
        no_log = validation._no_log_values | set(type(self).SECRETS(params))
        task = type(self).TASK
        failure: Failure | None = None
        try:
            with temporary_folder():
                out = task(params, check_mode=bool(self._task.check_mode), **self.context(task_vars))
        except Failure as exc:
            failure = exc
        except Exception as exc:
            failure = unexpected(layer_of(task.__module__), exc, no_log)
        if failure is not None:
            # Returned, not raised: ansible-core 2.18 prints the chained original of a raised AnsibleActionFail at -vvv.
            out = {"failed": True, **failure.as_result()}
        result.update(remove_values(out, no_log))
        return self._named(result, task_vars)

    def context(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Further keyword arguments for the task that only a controller-side plugin knows."""
        return {}

    def _in_process(self, task_vars: dict[str, t.Any]) -> bool:
        if self._task.async_val or self._play_context.become:
            return False
        if getattr(self._connection, "transport", None) not in ("local", "ansible.builtin.local"):
            return False
        interpreter = task_vars.get("ansible_python_interpreter")
        if interpreter is None:
            return False
        return self._templar.template(interpreter) == task_vars.get("ansible_playbook_python")

    def _named(self, result: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Say whose result it is: a module does not know the tenant, and Ansible prints a diff without its host."""
        tenant = self._tenant(task_vars)
        failure = result.get("failure")
        if isinstance(failure, dict) and not failure.get("tenant"):
            result["failure"] = {**failure, "tenant": tenant}
        if tenant and result.get("diff"):
            result["diff"] = [
                {key: f"{tenant}: {value}" if key in _DIFF_HEADERS else value for key, value in item.items()}
                for item in result["diff"]
            ]
        return result

    @staticmethod
    def _tenant(task_vars: dict[str, t.Any]) -> str | None:
        model = task_vars.get("tenant_model")
        if isinstance(model, dict) and model.get("slug"):
            return str(model["slug"])
        return task_vars.get("inventory_hostname")
