"""Plays of the collection's roles against a server that is named by its URL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

LINK = Path(os.environ.get("TENANTMAIL_LINK", Path(__file__).parents[2]))
_RECAP = re.compile(r"^probe\s+: ok=\d+\s+changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)", re.MULTILINE)


def play(folder: Path, tasks: Sequence[Any], variables: dict[str, Any], *args: str, files: Sequence[str] = ()) -> int:
    """See :func:`output_of`; the number of changed tasks. Fails if any task did."""
    return _changed(output_of(folder, tasks, variables, *args, files=files))


def _changed(output: str) -> int:
    recap = _RECAP.search(output)
    assert recap, output[-4000:]
    assert recap[2] == "0", output[-4000:]
    return int(recap[1])


def output_of(
    folder: Path, tasks: Sequence[Any], variables: dict[str, Any], *args: str, files: Sequence[str] = ()
) -> str:
    """Run the tasks on a host ``probe``; variables, which may hold secrets, go by a file.

    :param files: further files of variables, below those of the host.
    """
    folder.mkdir(exist_ok=True)
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    documents = {
        "inventory.yml": {"all": {"hosts": {"probe": host}}},
        "playbook.yml": [{"hosts": "all", "gather_facts": False, "vars_files": list(files), "tasks": list(tasks)}],
        "variables.yml": variables,
    }
    for name, data in documents.items():
        (folder / name).write_text(yaml.safe_dump(data, sort_keys=False))
        (folder / name).chmod(0o600)
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", str(folder / "inventory.yml"), "-e", f"@{folder / 'variables.yml'}"),
            str(folder / "playbook.yml"),
            *args,
        ],
        cwd=LINK,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.stdout
