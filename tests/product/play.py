"""Plays of the collection's roles against a server that is named by its URL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests import playbook

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
    plays = [{"hosts": "all", "gather_facts": False, "vars_files": list(files), "tasks": list(tasks)}]
    inventory = {"all": {"hosts": {"probe": playbook.LOCAL}}}
    return playbook.run(folder, inventory, plays, *args, variables=variables).stdout
