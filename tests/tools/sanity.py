"""`ansible-test sanity` on every ansible-core of the support range that this machine's Pythons can run.

ansible-test bootstraps its environments with a get-pip script from a host that not every machine reaches. It first looks
into its cache for one, so a stand-in that installs from the package index is put there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
CACHE = Path(os.environ["TENANTMAIL_CACHE"])
#: A template of Helm is YAML only when it is rendered (tests/chart does that).
EXCLUDED = "roles/chart/files/bp-stalwart-tenant/templates/"
#: ansible-core minor release → the Pythons it runs on as a controller.
CORES = {"2.18": ("3.11", "3.12", "3.13"), "2.19": ("3.11", "3.12", "3.13"), "2.20": ("3.12", "3.13", "3.14")}
PINNED = {"2.18": "2.18.19", "2.19": "2.19.14", "2.20": "2.20.10"}

GET_PIP = """\
import subprocess
import sys

args = [a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *args])
"""


def interpreter(version: str) -> str | None:
    """A Python of that version that really runs (a pyenv shim may not)."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version == running:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", "")) / "versions"
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python{version}")))]
    for found in filter(None, candidates):
        if subprocess.run([found, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0:
            return found
    return None


def environment(core: str, python: str) -> Path:
    """A virtual environment with that ansible-core."""
    venv = CACHE / "venv" / f"core-{PINNED[core]}-{Path(os.path.realpath(python)).name}"
    if not (venv / ".complete").exists():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin/pip"), "install", "-q", f"ansible-core=={PINNED[core]}"], check=True)
        (venv / ".complete").touch()
    return venv


def unpacked_artifact() -> Path:
    """The collection as users get it, in a real folder of the path that ansible-test wants (it resolves a link away)."""
    folder = CACHE / "ansible-test"
    root = folder / "ansible_collections" / "tenantmail" / "stalwart"
    shutil.rmtree(root, ignore_errors=True)
    build = ["ansible-galaxy", "collection", "build", "--force", "--output-path", str(folder)]
    subprocess.run(build, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    (artifact,) = folder.glob("tenantmail-stalwart-*.tar.gz")
    root.mkdir(parents=True)
    shutil.unpack_archive(artifact, root)
    artifact.unlink()
    return root


def sanity(core: str, version: str, python: str, root: Path) -> int:
    venv = environment(core, python)
    home = CACHE / "ansible-test"
    scripts = home / ".ansible/test/cache"
    scripts.mkdir(parents=True, exist_ok=True)
    for name in ("get_pip_24_2.py", "get_pip_25_2.py"):
        (scripts / name).write_text(GET_PIP)
    env = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        # The collections beside ours are not its business, and the checkout is not to be imported in place of the copy.
        "ANSIBLE_COLLECTIONS_PATH": str(root.parents[2]),
        "PYTHONPATH": "",
    }
    begin = time.monotonic()
    done = subprocess.run(
        [
            str(venv / "bin/ansible-test"),
            "sanity",
            "--venv",
            "--python",
            version,
            "--color",
            "no",
            "--exclude",
            EXCLUDED,
            *sys.argv[1:],
        ],
        cwd=root,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    verdict = "ok" if not done.returncode else "FAILED"
    print(
        f"sanity on ansible-core {PINNED[core]}, Python {version}: {time.monotonic() - begin:.0f} s  {verdict}",
        flush=True,
    )
    if done.returncode:
        print(done.stdout)
    return done.returncode


def main() -> int:
    status = 0
    root = unpacked_artifact()
    for core, versions in CORES.items():
        usable = next(((v, p) for v in versions if (p := interpreter(v))), None)
        if usable is None:
            print(f"sanity on ansible-core {core}: none of Python {', '.join(versions)} is here", flush=True)
            continue
        status = sanity(core, *usable, root) or status
    return status


if __name__ == "__main__":
    sys.exit(main())
