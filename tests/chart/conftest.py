"""Renders the chart with the helm that the sandbox has built, or the one in PATH."""

from __future__ import annotations

import copy
import functools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

CHART = Path(__file__).parents[2] / "roles/chart/files/bp-stalwart-tenant"
NAMESPACE = "tenant-acme"


class Refused(Exception):
    """What helm says when it does not render."""


class Manifest(dict):
    """Objects by (kind, name)."""

    def one(self, kind: str, name: str = "stalwart") -> dict[str, Any]:
        return self[kind, name]

    def names(self, kind: str) -> list[str]:
        return sorted(name for found, name in self if found == kind)

    @property
    def pod(self) -> dict[str, Any]:
        return self.one("StatefulSet")["spec"]["template"]["spec"]

    @property
    def container(self) -> dict[str, Any]:
        (container,) = self.pod["containers"]
        return container

    @property
    def env(self) -> dict[str, Any]:
        return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in self.container["env"]}


@pytest.fixture(scope="session")
def helm() -> str:
    cache = os.environ.get("TENANTMAIL_CACHE") or os.path.expanduser("~/.cache/tenantmail.stalwart")
    found = shutil.which("helm") or shutil.which("helm", path=f"{cache}/bin")
    assert found, "helm is needed: `make sandbox` builds it"
    return found


def rendered(helm: str, values: str, release: str = "stalwart", served: tuple[str, ...] = ()) -> Manifest:
    """:param values: YAML. :param served: APIs of the cluster besides Kubernetes' own. Raises Refused."""
    apis = [word for api in served for word in ("--api-versions", api)]
    done = subprocess.run(
        [helm, "template", release, str(CHART), "--namespace", NAMESPACE, "--values", "-", *apis],
        input=values,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(done.stderr)
    objects = [document for document in yaml.safe_load_all(done.stdout) if document]
    result = Manifest({(obj["kind"], obj["metadata"]["name"]): obj for obj in objects})
    assert len(result) == len(objects), "two objects of one kind and name"
    return result


@pytest.fixture(scope="session")
def render(helm: str) -> Callable[..., Manifest]:
    known = functools.cache(functools.partial(rendered, helm))

    def run(
        values: dict[str, Any] | None = None, release: str = "stalwart", served: tuple[str, ...] = (), **more: Any
    ) -> Manifest:
        """As role chart renders it, without the chart's own Job; values that name ``setupJob`` say otherwise.

        The same values are rendered once.
        """
        given = {"setupJob": {"enabled": False}, **(values or {}), **more}
        return copy.deepcopy(known(json.dumps(given, sort_keys=True), release, served))

    return run
