"""Runs plays of a test's own, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

LINK = Path(os.environ.get("TENANTMAIL_LINK", Path(__file__).parents[1]))
#: A host that is the controller itself.
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def own_settings(folder: Path) -> dict[str, str]:
    """Environment of a run that neither sees this checkout's ansible.cfg nor shares a home with others."""
    (folder / "ansible.cfg").write_text("[defaults]\nnocolor = true\n")
    return {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "home")}


def run(
    folder: Path,
    inventory: Mapping[str, Any],
    plays: Sequence[Any],
    *args: str,
    variables: Mapping[str, Any] | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run the plays to their end; both streams are in its ``stdout``.

    :param variables: of all hosts, before any other; they may hold secrets and go by a file.
    """
    documents = {"inventory.yml": inventory, "playbook.yml": list(plays)}
    extra: list[str] = []
    if variables is not None:
        documents["variables.yml"] = variables
        extra = ["-e", f"@{folder / 'variables.yml'}"]
    for name, data in documents.items():
        (folder / name).write_text(yaml.safe_dump(data, sort_keys=False))
        (folder / name).chmod(0o600)
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", str(folder / "inventory.yml"), *extra),
            str(folder / "playbook.yml"),
            *args,
        ],
        cwd=LINK,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
