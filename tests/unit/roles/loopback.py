"""A server on loopback in place of one that a role's play asks; what it answers is each test's own."""

from __future__ import annotations

import abc
import http.server
import json
import threading
from typing import Any


class Loopback(abc.ABC):
    """Runs from its making until :meth:`stop`; speaks JSON."""

    def __init__(self) -> None:
        answers = self.answer

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = answers(self.command, self.path.split("?")[0], body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @abc.abstractmethod
    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Status and answer to a request."""

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
