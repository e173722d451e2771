"""Records a real server's answers: `STALWART_BINARY_0_16=… python -m tests.contract.record FILE…` (or `…_0_15`).

Sends the requests of the given conversations (JSON lines, see transcripts) one after the other to one freshly started
server of the generation that their folder names, with its built-in administrator, and rewrites their answers. A new conversation is a file whose
lines have a ``step``, a ``request`` and ``"response": null``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import servers
from .api import Api

_HEADERS = ("content-type",)


def record(api: Api, path: Path) -> int:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for number, line in enumerate(lines, start=1):
        request = line["request"]
        answer = api.http(request["method"], request["path"], json=request["json"])
        headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
        body: Any = answer.json() if answer.content else ""
        line |= {"n": number, "response": {"status": answer.status_code, "headers": headers, "body": body}}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def main(paths: list[Path]) -> None:
    (generation,) = {path.resolve().parent.name.partition("-")[0] for path in paths}
    with tempfile.TemporaryDirectory() as folder, servers.opened("binary", Path(folder), generation) as target:
        api = Api(target)
        for path in paths:
            print(f"{path}: {record(api, path)} answers")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
