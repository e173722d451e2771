"""A loopback HTTP server with prepared answers: the client's own transport is exercised, not replaced."""

from __future__ import annotations

import http.server
import threading
from typing import Any, Iterator

import pytest


class Prepared:
    """Called with path → (status, body); returns the server's URL. ``seen`` holds (path, Authorization)."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.seen: list[tuple[str, str | None]] = []
        prepared = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                prepared.seen.append((self.path, self.headers.get("Authorization")))
                status, body = prepared.answers.get(self.path.split("?")[0], (404, "{}"))
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __call__(self, answers: dict[str, tuple[int, str]]) -> str:
        self.answers = answers
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def httpserver() -> Iterator[Prepared]:
    prepared = Prepared()
    yield prepared
    prepared.server.shutdown()
    prepared.server.server_close()
    prepared.thread.join()
