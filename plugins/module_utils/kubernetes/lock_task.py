# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``tenant_lock``."""

from __future__ import annotations

import getpass
import os
import socket
import typing as t

from ..failure import Failure
from .client import connect
from .lease import Lock


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Hold or release the lock. Without effect in check mode, where a run writes nothing that it would have to guard.

    A lock that cannot be given back is a warning, not a failure: it ends by itself, and a failure here would hide the one
    for which a run ends.

    :raises Failure: ``locked``, ``not_found``, or another one of layer ``kubernetes``, for ``held``.
    """
    holder = params["holder"] or this_run()
    result: dict[str, t.Any] = {"changed": False, "holder": holder, "lock": "none", "requests": 0}
    if check_mode:
        return result
    try:
        result["lock"], result["requests"] = _hold_or_release(params, holder)
    except Failure as failure:
        if params["state"] == "held":
            raise
        result["lock"] = "unknown"
        result["warnings"] = [
            f"If the lock was taken, it ends by itself after {params['duration']} s: {failure.sentence}"
        ]
    return result


def _hold_or_release(params: t.Mapping[str, t.Any], holder: str) -> tuple[str, int]:
    client = connect(params["connection"])
    try:
        lock = Lock(client, params["namespace"], params["name"], holder, params["duration"])
        return (lock.hold() if params["state"] == "held" else lock.release()), client.requests
    finally:
        client.close()


def this_run(variables: t.Mapping[str, t.Any] | None = None) -> str:
    """Who runs: the AWX job, else ``user@host pidns <inode> pid <pid>`` of ansible-playbook, whose children the workers are.

    :param variables: the task's variables; AWX puts its job's number among them.
    """
    for name in ("awx_job_id", "tower_job_id"):
        job = (variables or {}).get(name)
        if job:
            return f"AWX job {job}"
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = f"uid {os.getuid()}"
    # Containers may share their machine's host name, but not its process numbers.
    namespace = os.stat("/proc/self/ns/pid").st_ino if os.path.exists("/proc/self/ns/pid") else 0
    return f"{user}@{socket.gethostname()} pidns {namespace} pid {os.getppid()}"
