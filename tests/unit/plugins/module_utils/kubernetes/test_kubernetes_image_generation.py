"""The server that is deployed, against the generation that is asked for."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import image_generation
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.connection import Connection

DIGEST = "sha256:" + "a" * 64


def statefulset(image: str, name: str = "stalwart") -> dict[str, Any]:
    containers = [{"name": "sidecar", "image": "proxy:v0.15.5"}, {"name": "stalwart", "image": image}]
    return {
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def check(wanted: str | None, live: dict[str, Any] | None, stored: dict[str, Any] | None = None) -> None:
    image_generation.check(
        {"kubeconfig": "/k"},
        "tenant-acme",
        "stalwart",
        wanted,
        [stored] if stored else [],
        {("StatefulSet", "stalwart"): live} if live else {},
    )


@pytest.mark.parametrize(
    ("image", "generation"),
    [
        ("docker.io/stalwartlabs/stalwart:v0.16.18", "0.16"),
        ("localhost:5000/s:0.15.5-alpine", "0.15"),
        (f"s:v0.15@{DIGEST}", "0.15"),
        ("s:v0.160.1", None),
        ("s:latest", None),
        (f"s@{DIGEST}", None),
        ("v0.15.5", None),
        ("", None),
    ],
)
def test_a_tag_tells(image: str, generation: str | None) -> None:
    assert image_generation.of_image(image) == generation


def test_what_fits_passes_and_so_does_a_first_install() -> None:
    check("0.16", statefulset("s:v0.16.1"), statefulset("s:v0.15.5"))
    check("0.15", None)
    check(None, statefulset("s:v0.15.5"))


@pytest.mark.parametrize("where", ["live", "recorded"])
def test_another_generation_is_refused_with_the_way_out(where: str) -> None:
    there = statefulset("s:v0.15.5")
    with pytest.raises(Failure) as caught:
        check("0.16", there if where == "live" else None, there if where == "recorded" else None)
    assert (caught.value.layer, caught.value.code) == ("kubernetes", "image_config_mismatch")
    assert "runs a server of generation 0.15 (s:v0.15.5), but 0.16 is asked for" in caught.value.message
    assert 'tenant_generation: "0.15"' in caught.value.hint


class Answering(http.server.BaseHTTPRequestHandler):
    status = 404
    seen: list[tuple[str, str | None]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answering]]:
    handler = type("Handler", (Answering,), {"seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def connect(params: Any, *, anonymous: bool) -> Connection:
            assert anonymous
            assert params["kubernetes"] == {
                "kubeconfig": "/k",
                "namespace": "tenant-acme",
                "service": "stalwart-web",
                "port": "http",
            }
            return Connection(HttpClient("stalwart", f"http://127.0.0.1:{server.server_port}", deadline=0), ())

        monkeypatch.setattr(image_generation, "connect", connect)
        yield handler
        server.shutdown()


@pytest.mark.parametrize(("status", "generation"), [(401, "0.15"), (404, "0.16")])
def test_a_server_whose_image_does_not_tell_is_asked_without_a_credential(
    running: type[Answering], status: int, generation: str
) -> None:
    running.status = status
    check(generation, statefulset(f"s@{DIGEST}"))
    assert running.seen == [("/api/principal", None)]
    other = "0.16" if generation == "0.15" else "0.15"
    with pytest.raises(Failure, match=f"generation {generation}"):
        check(other, statefulset(f"s@{DIGEST}"))


@pytest.mark.parametrize("status", [200, 503])
def test_what_does_not_run_stops_no_repair(running: type[Answering], status: int) -> None:
    running.status = status
    check("0.16", statefulset(f"s@{DIGEST}"))
    assert running.seen
