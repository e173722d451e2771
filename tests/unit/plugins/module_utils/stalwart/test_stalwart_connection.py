"""How a server is reached, what it is, and which credential is used."""

from __future__ import annotations

import base64
import contextlib
import http.server
import socket
import threading
import time
from typing import Any

import pytest
import requests
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import portforward
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.connection import (
    authorization,
    base_url,
    connect,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.generation import (
    TESTED_SCHEMAS,
    Probe,
    probe,
    refute,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.portforward import (
    PodFinder,
    Target,
    adapter,
    choose_target,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.running import running_issuer

HASH = "25gnm1_xB9bPk-puX9VTFMP1W5V-1muUWuK964-_uEw"


# --- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://a.test", "https://a.test:8443/", "http://[::1]:8080", " http://192.0.2.1 "])
def test_good_urls(url: str) -> None:
    assert base_url(url) == url.strip().rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.test",
        "ftp://a.test",
        "http://",
        "http://a.test/jmap",
        "http://a.test?x=1",
        "http://u:geheim77@a.test",
        "http://a.test:x",
        "http://a.test:99999",
    ],
)
def test_bad_urls(url: str) -> None:
    with pytest.raises(Failure) as caught:
        base_url(url)
    assert caught.value.code == "invalid_value"
    assert "geheim77" not in str(caught.value.as_dict())


def test_authorization() -> None:
    basic = authorization({"api_username": "admin", "api_password": "s\u00e4cret-1"})
    assert base64.b64decode(str(basic).split()[1]).decode() == "admin:s\u00e4cret-1"
    assert authorization({"api_token": "API_12345678"}) == "Bearer API_12345678"
    assert authorization({}) is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"api_username": "a"}, "belong together"),
        ({"api_password": "12345678"}, "belong together"),
        ({"api_username": "a", "api_password": "12345678", "api_token": "12345678"}, "not both"),
        ({"api_username": "a:b", "api_password": "12345678"}, "colon"),
        ({"api_username": "a", "api_password": "1234567"}, "api_password has 7 characters"),
        ({"api_token": "1234567"}, "api_token has 7 characters"),
    ],
)
def test_bad_credentials(params: dict[str, str], message: str) -> None:
    with pytest.raises(Failure) as caught:
        authorization(params)
    assert message in caught.value.message
    assert "12345678" not in caught.value.message


@pytest.mark.parametrize(
    "value", ["geheim-77\n", " geheim-77", "geheim-77\t", "geheim-77\r\n", "geheim\x00-77", "geheim-77\u00a0"]
)
@pytest.mark.parametrize("field", ["api_username", "api_password", "api_token"])
def test_white_space_around_a_credential_is_refused_without_a_request(field: str, value: str) -> None:
    """Base64 would carry it, and the server would count a wrong password."""
    other = {"api_username": {"api_password": "12345678"}, "api_password": {"api_username": "admin"}, "api_token": {}}
    with pytest.raises(Failure) as caught:
        connect({"api_url": "http://a.test", **other[field], field: value})
    assert (caught.value.layer, caught.value.code) == ("stalwart", "invalid_value")
    assert caught.value.message.startswith(f"{field} starts or ends with white space")
    assert "geheim" not in str(caught.value.as_dict())


CREDENTIAL = {"api_username": "admin", "api_password": "admin-secret"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"api_url": "http://a.test"}, "no credential"),
        (CREDENTIAL, "where the server is"),
        (
            {
                **CREDENTIAL,
                "api_url": "http://a.test",
                "kubernetes": {"namespace": "n", "service": "s", "port": "http"},
            },
            "not both",
        ),
    ],
)
def test_incomplete_options(params: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure) as caught:
        connect(params)
    assert message in caught.value.message


@pytest.mark.parametrize("value", ["from-environment\n", "short"])
def test_what_is_overruled_is_not_checked(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STALWART_API_PASSWORD", value)
    given = {"api_username": " admin ", "api_password": value, "api_token": "API_12345678"}
    assert authorization(given) == "Bearer API_12345678"
    with pytest.raises(Failure):
        authorization({"api_username": "admin", "api_password": value})


def test_the_environment_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STALWART_API_URL", "http://env.test")
    monkeypatch.setenv("STALWART_API_PASSWORD", "from-environment")
    cluster = {
        "namespace": "n",
        "service": "s",
        "port": "http",
        "host": "https://192.0.2.1:6443",
        "api_key": "some-token-77",
    }
    opened = connect(
        {
            "api_url": "http://env.test",
            "kubernetes": cluster,
            "api_token": "API_12345678",
            "api_password": "from-environment",
        }
    )
    assert opened.http.base_url == "http://s.n"
    assert opened.finder is not None
    opened.close()


# --- probe ------------------------------------------------------------------------------------------------------------


def test_probe_016(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/schema", "", 302, {"Location": f"/api/schema/{HASH}"})
    assert probe(http) == Probe("0.16", HASH)
    assert http.requests == 1


PROBLEM = {"Content-Type": "application/problem+json"}
NOT_FOUND = {"type": "about:blank", "status": 404, "title": "Not Found", "detail": "x"}
PAGE = {"Content-Type": "text/html; charset=utf-8"}


def test_probe_015(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/schema", NOT_FOUND, 404, PROBLEM)
    assert probe(http).generation == "0.15"
    assert http.requests == 1


def test_probe_015_behind_something_that_changes_errors(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/schema", "gone", 404, PAGE)
    script.expect("GET", "/api/settings/keys?keys=version.spam-filter", {"data": {}})
    assert probe(http).generation == "0.15"


def test_probe_015_asked_for(http: HttpClient) -> None:
    assert probe(http, "0.15", assume=True) == Probe("0.15", assumed=True)
    assert http.requests == 0


def _gone(status: int = 404, code: str = "not_found") -> Failure:
    return Failure("stalwart", code, "x", request={"method": "GET", "url": "u", "status": status})


def test_what_was_assumed_is_refuted(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/schema", "", 302, {"Location": f"/api/schema/{HASH}"})
    failure = refute(http, "0.15", _gone())
    assert (failure.code, "speaks the API of 0.16" in failure.message) == ("unknown_generation", True)
    script.expect("GET", "/api/schema", "<html>", 200, PAGE)
    failure = refute(http, "0.15", _gone(200, "protocol"))
    assert (failure.code, "HTTP 200 (text/html)" in failure.message) == ("unknown_generation", True)


def test_what_was_assumed_is_confirmed(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/schema", NOT_FOUND, 404, PROBLEM)
    for failure in (
        _gone(),
        _gone(401, "unauthorized"),
        _gone(500, "server_error"),
        Failure("stalwart", "conflict", "x"),
    ):
        assert refute(http, "0.15", failure) is failure


@pytest.mark.parametrize(
    ("status", "body", "headers", "second", "seen"),
    [
        (404, "gone", PAGE, (404, "gone", PAGE), "HTTP 404 (text/html), GET /api/settings/keys HTTP 404 (text/html)"),
        (404, {"error": "x"}, {"Content-Type": "application/json"}, (404, "", {}), "HTTP 404 (application/json)"),
        (404, {**NOT_FOUND, "type": "urn:x"}, PROBLEM, (200, "<html>", PAGE), "GET /api/settings/keys HTTP 200"),
        (200, "<html>", PAGE, None, "GET /api/schema answered HTTP 200 (text/html)"),
        (200, {"objects": {}}, {"Content-Type": "application/json"}, None, "HTTP 200 (application/json)"),
        (301, "", {"Location": "https://other.test/"}, None, "HTTP 301 (no content type)"),
        (405, "", {}, None, "HTTP 405"),
        (400, "", {}, None, "HTTP 400"),
    ],
)
def test_probe_neither(
    script: Any, http: HttpClient, status: int, body: Any, headers: Any, second: Any, seen: str
) -> None:
    script.expect("GET", "/api/schema", body, status, headers)
    if second:
        script.expect("GET", "/api/settings/keys?keys=version.spam-filter", second[1], second[0], second[2])
    with pytest.raises(Failure) as caught:
        probe(http)
    assert caught.value.code == "unknown_generation"
    assert seen in caught.value.message
    assert "0.15 and 0.16" in caught.value.hint


def test_a_schema_that_was_not_tested_is_a_warning(http: HttpClient) -> None:
    other = "a" * 43
    (warning,) = Probe("0.16", other).warnings(http)
    for said in (http.base_url, other, "was not tested with", "before the first run"):
        assert said in warning
    assert Probe("0.16", next(iter(TESTED_SCHEMAS))).warnings(http) == []
    assert Probe("0.15").warnings(http) == []


def test_probe_other_than_asked_for(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/schema", "", 302, {"Location": f"/api/schema/{HASH}"})
    with pytest.raises(Failure) as caught:
        probe(http, "0.15")
    assert "speaks the API of 0.16" in caught.value.message


@pytest.mark.parametrize(
    ("status", "code"), [(401, "unauthorized"), (403, "forbidden"), (500, "server_error"), (200, "unknown_generation")]
)
def test_probe_stops_at_once(script: Any, http: HttpClient, status: int, code: str) -> None:
    script.expect("GET", "/api/schema", "", status)
    with pytest.raises(Failure) as caught:
        probe(http)
    assert caught.value.code == code
    assert http.requests == 1


@pytest.mark.parametrize(
    "location",
    [
        "",
        "/login",
        f"http://evil.test/api/schema/{HASH}",
        "/api/schema/",
        "/api/schema/../../x",
        f"https://stalwart.test/api/schema/{HASH}",
        "//evil.test/api/schema/" + HASH,
    ],
)
def test_foreign_redirects_are_not_followed(script: Any, http: HttpClient, location: str) -> None:
    script.expect("GET", "/api/schema", "", 302, {"Location": location})
    with pytest.raises(Failure) as caught:
        probe(http)
    assert caught.value.code == "protocol"


def test_redirect_with_the_own_origin(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/schema", "", 302, {"Location": f"http://stalwart.test/api/schema/{HASH}"})
    assert probe(http).schema_hash == HASH


# --- running directory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "issuer"),
    [
        ({"issuer": "https://k.test/realms/a"}, "https://k.test/realms/a"),
        ({"issuer": "https://k.test/realms/a/"}, "https://k.test/realms/a"),
        ({"issuer": ""}, ""),
        ({"issuer": "https://mail.test", "scopes_supported": ["openid", "urn:ietf:params:oauth:scope:mail"]}, ""),
    ],
)
def test_running_issuer(script: Any, http: HttpClient, document: dict[str, Any], issuer: str) -> None:
    script.expect("GET", "/api/discover/postmaster@acme.test", document)
    assert running_issuer(http, "postmaster@acme.test") == issuer
    assert "Authorization" not in script.seen[-1][3], "the question is anonymous"


@pytest.mark.parametrize("answer", ["x", [], {}])
def test_running_issuer_needs_a_document(script: Any, http: HttpClient, answer: Any) -> None:
    script.expect("GET", "/api/discover/postmaster@localhost", answer)
    with pytest.raises(Failure) as caught:
        running_issuer(http)
    assert caught.value.code == "protocol"


# --- port-forward -----------------------------------------------------------------------------------------------------


def endpoints(*pods: tuple[str, bool | None], ports: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {
        "ports": ports if ports is not None else [{"name": "https", "port": 8443}, {"name": "http", "port": 8080}],
        "endpoints": [
            {"targetRef": {"kind": "Pod", "name": n}, "conditions": {} if r is None else {"ready": r}} for n, r in pods
        ],
    }


def test_the_first_ready_pod() -> None:
    assert choose_target([endpoints(("a", False)), endpoints(("b", True), ("c", True))], "web", "http") == Target(
        "b", 8080
    )
    assert choose_target([endpoints(("a", None))], "web", "8443") == Target("a", 8443)


@pytest.mark.parametrize(
    ("slices", "port", "code", "message"),
    [
        ([], "http", "not_ready", "no pod behind the Service web is ready."),
        ([endpoints(("a", False))], "http", "not_ready", "(not ready: a)"),
        ([endpoints(("a", True))], "smtp", "invalid_value", "no port 'smtp'; it offers http (8080), https (8443)"),
        ([{"ports": None, "endpoints": None}], "http", "not_ready", "no pod"),
        ([{**endpoints(), "endpoints": [{"targetRef": {"kind": "Node", "name": "x"}}]}], "http", "not_ready", "no pod"),
    ],
)
def test_no_pod(slices: list[dict[str, Any]], port: str, code: str, message: str) -> None:
    with pytest.raises(Failure) as caught:
        choose_target(slices, "web", port)
    assert (caught.value.layer, caught.value.code) == ("kubernetes", code)
    assert message in caught.value.message


class Cluster:
    """What of the Kubernetes client the finder uses."""

    def __init__(self, slices: list[dict[str, Any]], service: bool) -> None:
        self.slices, self.service, self.paths = slices, service, []

    def items(self, path: str, selector: str | None = None) -> list[dict[str, Any]]:
        self.paths.append(f"{path}?{selector}")
        return self.slices

    def find(self, path: str) -> dict[str, Any] | None:
        self.paths.append(path)
        return {} if self.service else None


def test_a_missing_service_is_told_from_a_pod_that_is_not_ready() -> None:
    for service, code in ((False, "not_found"), (True, "not_ready")):
        with pytest.raises(Failure) as caught:
            PodFinder(Cluster([], service), "tenant-acme", "stalwart-web", "http").find()
        assert caught.value.code == code
    cluster = Cluster([endpoints(("p", True))], True)
    assert PodFinder(cluster, "tenant-acme", "stalwart-web", "http").find().pod == "p"
    assert cluster.paths == [
        "/apis/discovery.k8s.io/v1/namespaces/tenant-acme/endpointslices?kubernetes.io/service-name=stalwart-web"
    ]


class Forward:
    """Opens plain sockets, or fails as a port-forward does."""

    def __init__(self, address: tuple[str, int] | None) -> None:
        self.address, self.opened = address, 0

    def open(self) -> socket.socket:
        self.opened += 1
        if self.address is None:
            raise OSError("pod is gone")
        return socket.create_connection(self.address)


@pytest.fixture
def echo():
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.headers["Host"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address
    server.shutdown()
    thread.join()
    server.server_close()


def test_requests_travel_through_one_kept_connection(echo: tuple[str, int]) -> None:
    forward = Forward(echo)
    client = HttpClient("stalwart", "http://stalwart-web.tenant-acme", adapter=adapter(forward))
    assert [client.request("GET", "/x").text for _ in range(3)] == ["stalwart-web.tenant-acme"] * 3
    assert forward.opened == 1
    client.close()


def test_a_forward_that_does_not_open_is_unreachable_and_tried_again() -> None:
    forward = Forward(None)
    client = HttpClient("stalwart", "http://s.n", adapter=adapter(forward), deadline=0.5)
    with pytest.raises(Failure) as caught:
        client.request("POST", "/jmap", json={}, idempotent=False)
    assert caught.value.code == "unreachable"
    assert "pod is gone" in caught.value.message
    assert forward.opened > 1, "nothing was sent, so a write may be tried again"
    client.close()


def test_failures_of_the_cluster_pass_through() -> None:
    class Refusing(Forward):
        def open(self) -> socket.socket:
            raise Failure("kubernetes", "forbidden", "no")

    client = HttpClient("stalwart", "http://s.n", adapter=adapter(Refusing(None)))
    with pytest.raises(Failure) as caught:
        client.request("GET", "/x")
    assert caught.value.layer == "kubernetes"
    client.close()


def test_ordinary_https_is_not_sent_through_a_forward(echo: tuple[str, int]) -> None:
    session = requests.Session()
    session.mount("https://", adapter(Forward(echo)))
    with contextlib.closing(session), pytest.raises(KeyError):
        session.get("https://s.n/x", timeout=5)


def test_a_stalled_handshake_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server takes the connection and never answers the upgrade; the real library is used."""
    monkeypatch.setattr(portforward, "OPEN_TIMEOUT", 0.3)
    silent = socket.create_server(("127.0.0.1", 0))
    try:
        connection = {"host": f"http://127.0.0.1:{silent.getsockname()[1]}", "api_key": "k" * 9}
        forward = portforward.PortForward(connection, Finder(), "ns")  # type: ignore[arg-type]
        for _attempt in range(2):
            before = time.monotonic()
            with pytest.raises(OSError, match=r"pod p: no answer within 0\.3 seconds"):
                forward.open()
            assert time.monotonic() - before < 5
    finally:
        silent.close()


class Finder:
    def find(self) -> portforward.Target:
        return portforward.Target("p", 8080)
