# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files the sandbox writes: whole or not at all, secrets readable by their owner only."""

from __future__ import annotations

import hashlib
import os
import secrets
import string
import tempfile
from pathlib import Path
from typing import Iterable

ALPHABET = string.ascii_letters + string.digits


def write(path: Path, content: str | bytes, mode: int = 0o644) -> bool:
    """Write `content` unless the file holds it already; return whether it was written."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data and (path.stat().st_mode & 0o777) == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        os.fchmod(handle, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True


def secret(path: Path, length: int = 32) -> str:
    """The secret kept in `path`; made of letters and digits when there is none yet."""
    if not path.exists():
        write(path, "".join(secrets.choice(ALPHABET) for _ in range(length)), 0o600)
    return path.read_text()


def digest(paths: Iterable[Path], *extra: str) -> str:
    """SHA-256 (hex) over names and contents of `paths` in the given order, and `extra`."""
    sha = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        sha.update(f"{path.name}\0{len(data)}\0".encode())
        sha.update(data)
    for text in extra:
        sha.update(f"\0{text}".encode())
    return sha.hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 (hex) of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
