# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment that the chart's Job runs in, as ansible-builder would make it from the collection's archive."""

from __future__ import annotations

import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

from . import command, image, images, packages, sandbox
from .settings import CHECKOUT, Settings

NAME = "localhost/stalwart-ee"
PACKAGES = "/opt/ansible/packages"
COLLECTIONS = "/usr/share/ansible/collections/ansible_collections"
#: Collections that the roles of the Job use.
NEEDED = ("community/general", "kubernetes/core")

LAUNCHER = """\
#!/usr/bin/python3
from ansible.cli.playbook import main

main()
"""


def ensure(settings: Settings) -> str:
    """Import the image unless the node has it; return its reference.

    Nothing else may be changing the sandbox in this process: it would be waited for without end.
    """
    with sandbox.lock(settings):
        return _ensure(settings)


def _ensure(settings: Settings) -> str:
    libraries, code = image.Content(), image.Content()
    folder = packages.install(
        settings, "execution-environment", CHECKOUT / "requirements.txt", images.image_python(settings)
    )
    libraries.add_tree(folder, PACKAGES, images.sources(folder))
    for name in NEEDED:
        source = Path(sysconfig.get_paths()["purelib"]) / "ansible_collections" / name
        libraries.add_tree(source, f"{COLLECTIONS}/{name}", images.sources(source))
    code.add("/usr/local/bin/ansible-playbook", LAUNCHER.encode(), 0o755)
    _add_collection(code)
    config = {
        "User": str(images.USER),
        "WorkingDir": "/tmp",
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", f"PYTHONPATH={PACKAGES}"],
    }
    return images.ensure_image(settings, f"{NAME}:sandbox", [libraries, code], config)


def _add_collection(content: image.Content) -> None:
    """What a user installs: the archive, not the checkout."""
    program = Path(sys.executable).parent / "ansible-galaxy"
    with tempfile.TemporaryDirectory() as folder:
        command.run([program, "collection", "build", "--output-path", folder], cwd=CHECKOUT)
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                data = tar.extractfile(member) if member.isfile() else None
                if data is not None:
                    content.add(f"{COLLECTIONS}/tenantmail/stalwart/{member.name}", data.read(), member.mode & 0o755)
