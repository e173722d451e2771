# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images written with `tarfile`: the form `docker save` has, which containerd imports."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Iterable

from . import files

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Layer:
    """A tar file with the SHA-256 (hex) of its content."""

    path: Path
    digest: str


@dataclass
class Content:
    """Files of one layer; the same files always give the same tar, byte for byte."""

    entries: dict[str, tuple[bytes, int]] = field(default_factory=dict)  # path -> (data, mode)

    def add(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self.entries[path.lstrip("/")] = (data, mode)

    def add_tree(self, source: Path, target: str, paths: Iterable[Path]) -> None:
        """Add `paths` (below `source`) below `target`."""
        for path in sorted(paths):
            mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
            self.add(str(PurePosixPath(target) / path.relative_to(source).as_posix()), path.read_bytes(), mode)

    def write(self, path: Path) -> Layer:
        """Write the layer's tar."""
        path.parent.mkdir(parents=True, exist_ok=True)
        folders: set[str] = set()
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            for name, (data, mode) in sorted(self.entries.items()):
                for parent in reversed(PurePosixPath(name).parents[:-1]):
                    if str(parent) not in folders:
                        folders.add(str(parent))
                        info = tarfile.TarInfo(str(parent))
                        info.type, info.mode = tarfile.DIRTYPE, 0o755
                        tar.addfile(info)
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(data), mode
                tar.addfile(info, io.BytesIO(data))
        return Layer(path, files.sha256(path))


def write(path: Path, reference: str, layers: list[Layer], config: dict[str, Any], machine: str) -> None:
    """Write an image of `layers` (lowest first) with the container settings `config` (OCI image config)."""
    document = json.dumps(
        {
            "architecture": ARCHITECTURES[machine],
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "tests.sandbox"} for _ in layers],
        },
        sort_keys=True,
    ).encode()
    name = hashlib.sha256(document).hexdigest() + ".json"
    manifest = [{"Config": name, "RepoTags": [reference], "Layers": [f"{layer.digest}/layer.tar" for layer in layers]}]
    with tarfile.open(path, "w") as tar:
        for layer in layers:
            tar.add(layer.path, f"{layer.digest}/layer.tar")
        for entry, data in ((name, document), ("manifest.json", json.dumps(manifest).encode())):
            info = tarfile.TarInfo(entry)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
