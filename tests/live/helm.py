"""Helm by hand, as the cluster's administrator, and the Secrets in which it keeps its revisions."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from typing import Any

from tests.sandbox import facts

from .conftest import kubernetes_json


def call(namespace: str, *words: str, values: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """One command, whatever comes of it."""
    settings = facts.settings()
    return subprocess.run(
        [str(settings.bin / "helm"), "--kubeconfig", str(settings.kubeconfig), "--namespace", namespace, *words],
        input=json.dumps(values) if values else "",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


def output(namespace: str, *words: str, values: dict[str, Any] | None = None) -> str:
    """What a command that succeeds prints."""
    done = call(namespace, *words, values=values)
    assert done.returncode == 0, done.stdout
    return done.stdout


def record(namespace: str) -> dict[str, Any]:
    """The Secret of the newest revision."""
    found = kubernetes_json("get", "secret", "-n", namespace, "-l", "owner=helm,name=stalwart")["items"]
    return max(found, key=lambda item: int(item["metadata"]["labels"]["version"]))


def contents(secret: dict[str, Any]) -> dict[str, Any]:
    """The revision that a Secret holds."""
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    return found


def packed(last: dict[str, Any], revision: dict[str, Any]) -> dict[str, Any]:
    """The Secret of a revision; label and packed body agree.

    :param last: Secret of a revision of the same release. :param revision: as :func:`contents` tells one.
    """
    status, number = revision["info"]["status"], str(revision["version"])
    body = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(revision).encode()))).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": last["type"],
        "metadata": {
            "name": f"sh.helm.release.v1.stalwart.v{number}",
            "namespace": last["metadata"]["namespace"],
            "labels": {**last["metadata"]["labels"], "status": status, "version": number},
        },
        "data": {"release": body},
    }
