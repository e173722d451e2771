# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images the node runs: the pause image and Stalwart, simulated or real."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path
from typing import Any

from . import command, debian, files, golang, image, packages, progress
from .errors import SandboxError
from .servers.containerd import PAUSE_IMAGE, Containerd
from .settings import CHECKOUT, SIMULATED_STALWART_VERSIONS, Settings

# Names and layout of the real images: reference contract of Stalwart 0.16, section "Container image", and 1.1 of 0.15's.
USER = 2000
BINARY = "/usr/local/bin/stalwart"
HOME = "/var/lib/stalwart"
CONFIG_FOLDER = "/etc/stalwart"
ENTRYPOINT_015 = "/usr/local/bin/entrypoint.sh"
HOME_015 = "/opt/stalwart"
SIMULATOR_FOLDER = "/opt/stalwart-simulator"
BASE_PACKAGES = ("ca-certificates", "libstdc++6", "python3", "zlib1g")
SIMULATOR = CHECKOUT / "tests" / "simulator"
EXPOSED: dict[str, Any] = {f"{port}/tcp": {} for port in (443, 25, 110, 587, 465, 143, 993, 995, 4190, 8080)}

LAUNCHER = f"""\
#!/usr/bin/python3 -I
import runpy
import sys

sys.dont_write_bytecode = True
sys.path[:0] = ["{SIMULATOR_FOLDER}", "{SIMULATOR_FOLDER}/packages"]
runpy.run_module("tests.simulator", run_name="__main__", alter_sys=True)
"""
#: Takes no argument, and makes a configuration where there is none.
LAUNCHER_015 = f"""\
#!/bin/sh
[ -f {HOME_015}/etc/config.toml ] || {BINARY} --init {HOME_015}
exec {BINARY} --config {HOME_015}/etc/config.toml
"""


def ensure(settings: Settings) -> dict[str, str]:
    """Import pause image and Stalwart's images unless the node has them; return the latter's references by generation."""
    containerd = Containerd(settings)
    if PAUSE_IMAGE not in containerd.ctr("image", "ls", "-q").split():
        golang.build(settings, golang.PAUSE)
        content = image.Content()
        content.add("/pause", (settings.bin / "pause").read_bytes(), 0o755)
        layer = content.write(settings.build / "layer-pause.tar")
        _import_layers(settings, containerd, PAUSE_IMAGE, [layer], {"Entrypoint": ["/pause"]})
        layer.path.unlink()
    scripts = {ENTRYPOINT_015: LAUNCHER_015}
    return {
        "0.16": _stalwart(settings, "0.16", settings.stalwart_binary, _config(), {}),
        "0.15": _stalwart(settings, "0.15", settings.stalwart_binary_015, _config_015(), scripts),
    }


def _stalwart(
    settings: Settings, generation: str, binary: Path | None, config: dict[str, Any], scripts: dict[str, str]
) -> str:
    name, contents = _real(generation, binary) if binary else _simulated(settings, generation)
    for path, text in scripts.items():
        contents[-1].add(path, text.encode(), 0o755)
    return ensure_image(settings, name, contents, config)


def ensure_image(settings: Settings, name: str, contents: list[image.Content], config: dict[str, Any]) -> str:
    """Import an image of these layers on the base layer unless the node has it.

    :param name: repository and tag. :returns: the same with a mark of the content, so that pods roll when it changes.
    """
    containerd = Containerd(settings)
    base = base_layer(settings)
    layers = [content.write(settings.build / f"layer-{number}.tar") for number, content in enumerate(contents)]
    mark = files.digest([], base.digest, *(layer.digest for layer in layers), json.dumps(config, sort_keys=True))
    reference = f"{name}-{mark[:12]}"
    if reference not in containerd.ctr("image", "ls", "-q").split():
        _import_layers(settings, containerd, reference, [base, *layers], config)
    for layer in layers:
        layer.path.unlink()
    return reference


def _config() -> dict[str, Any]:
    return {
        "User": str(USER),
        "WorkingDir": HOME,
        "Entrypoint": [BINARY],
        "Cmd": ["--config", f"{CONFIG_FOLDER}/config.json"],
        "Env": [
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "LANG=C.UTF-8",
            "STALWART_HEALTHCHECK_URL=https://127.0.0.1:443/healthz/live",
        ],
        "ExposedPorts": EXPOSED,
        "Volumes": {CONFIG_FOLDER: {}, HOME: {}},
    }


def _config_015() -> dict[str, Any]:
    """Without a user: the image runs as root unless it is told otherwise."""
    return {
        "WorkingDir": HOME_015,
        "Entrypoint": ["/bin/sh", ENTRYPOINT_015],
        "Cmd": [BINARY],
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
        "ExposedPorts": EXPOSED,
        "Volumes": {HOME_015: {}},
    }


def _real(generation: str, binary: Path) -> tuple[str, list[image.Content]]:
    version = command.run([binary, "--version"], timeout=60).strip()  # the bare version, by contract
    if not re.fullmatch(rf"{re.escape(generation)}\.\d+", version):
        variable = f"STALWART_BINARY_{generation.replace('.', '_')}"
        raise SandboxError(
            f"{variable}={binary} says it is version {version.splitlines()[:1]}; expected {generation}.x"
        )
    content = image.Content()
    content.add(BINARY, binary.read_bytes(), 0o755)
    return f"localhost/stalwart:v{version}", [content]


def _simulated(settings: Settings, generation: str) -> tuple[str, list[image.Content]]:
    if not (SIMULATOR / "__main__.py").exists():
        raise SandboxError(f"{SIMULATOR} holds no package to run; set STALWART_BINARY_0_16 or complete the checkout")
    libraries, code = image.Content(), image.Content()
    folder = _packages(settings)
    libraries.add_tree(folder, f"{SIMULATOR_FOLDER}/packages", sources(folder))
    code.add(BINARY, LAUNCHER.encode(), 0o755)
    code.add(f"{SIMULATOR_FOLDER}/tests/__init__.py", b"")
    code.add_tree(SIMULATOR, f"{SIMULATOR_FOLDER}/tests/simulator", sources(SIMULATOR))
    return f"localhost/stalwart-simulator:{SIMULATED_STALWART_VERSIONS[generation]}", [libraries, code]


def sources(folder: Path) -> list[Path]:
    """The files of a package; not what compilers, linters and pip leave beside them."""

    def wanted(path: Path) -> bool:
        parts = path.relative_to(folder).parts
        return (
            path.suffix != ".pyc"
            and parts[0] != "bin"
            and not any(part.startswith((".", "__pycache__")) for part in parts)
        )

    return [path for path in folder.rglob("*") if path.is_file() and wanted(path)]


def _packages(settings: Settings) -> Path:
    """Third-party packages of the simulator."""
    return packages.install(settings, "simulator", SIMULATOR / "requirements.txt", image_python(settings))


def base_layer(settings: Settings) -> image.Layer:
    """Root file system of the images: this machine's Debian release with Python and the server's user."""
    release = debian_release()
    path = settings.share / f"base-{release}.tar"
    stamp = settings.share / f"base-{release}.stamp"
    hooks = [
        f'echo stalwart:x:{USER}:{USER}::{HOME}:/usr/sbin/nologin >> "$1/etc/passwd"',
        f'echo stalwart:x:{USER}: >> "$1/etc/group"',
        f'install -d -o {USER} -g {USER} "$1{CONFIG_FOLDER}" "$1{HOME}"',
    ]
    mark = files.digest([], release, *BASE_PACKAGES, *hooks)
    if path.exists() and stamp.exists():
        known, digest, _ = stamp.read_text().split()
        if known == mark:
            return image.Layer(path, digest)
    debian.install(settings, {"mmdebstrap": "mmdebstrap"})
    with progress.step(f"root file system of the images (Debian {release})"):
        settings.share.mkdir(parents=True, exist_ok=True)
        command.run(
            [
                debian.program("mmdebstrap"),
                "--quiet",
                "--variant=essential",
                f"--include={','.join(BASE_PACKAGES)}",
                *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info")),
                *(f"--customize-hook={hook}" for hook in hooks),
                release,
                path,
            ],
            log=settings.logs / "build-images.log",
            env={"TMPDIR": str(_made(settings.build / "tmp"))},
        )
        layer = image.Layer(path, files.sha256(path))
        files.write(stamp, f"{mark} {layer.digest} {_python_in(path)}\n")
    return layer


def image_python(settings: Settings) -> str:
    """Version of the Python in the base layer, such as 3.11."""
    base_layer(settings)
    return (settings.share / f"base-{debian_release()}.stamp").read_text().split()[2]


def _python_in(archive: Path) -> str:
    names = command.run(["tar", "--list", "--file", archive, "--wildcards", "./usr/bin/python3.*"])
    found = re.search(r"/usr/bin/python(3\.\d+)$", names, re.MULTILINE)
    if found is None:
        raise SandboxError(f"{archive} holds no Python")
    return found[1]


def debian_release() -> str:
    """Code name of this machine's Debian. Raises SandboxError on anything else."""
    values = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    release = values.get("VERSION_CODENAME", "").strip('"')
    if values.get("ID", "").strip('"') != "debian" or not release:
        raise SandboxError(
            "the sandbox needs Debian: it makes the images' root file system from the machine's own "
            f"package sources, and this machine is {values.get('PRETTY_NAME', 'unknown')}"
        )
    return release


def _import_layers(
    settings: Settings, containerd: Containerd, reference: str, layers: list[image.Layer], config: dict[str, Any]
) -> None:
    archive = settings.build / "image.tar"
    with progress.step(f"image {reference}"):
        image.write(archive, reference, layers, config, platform.machine())
        containerd.ctr("image", "import", str(archive))
        archive.unlink()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
