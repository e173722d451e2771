"""An API server in memory, as far as paths, label selectors and resource versions go. It counts and notes requests."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure


class Cluster:
    """Stands where a KubernetesClient is expected."""

    def __init__(self, objects: dict[str, dict[str, Any]] | None = None) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.namespaces = {"tenant-acme"}
        self.log: list[tuple[str, str]] = []
        self.version = 0
        #: Resource names that this cluster does not serve.
        self.unserved: set[str] = set()
        #: Path → how the API server refuses a dry run there.
        self.refuses: dict[str, Failure] = {}
        #: Bodies of dry runs, as (method, path, body).
        self.dry_runs: list[tuple[str, str, dict[str, Any]]] = []
        #: Called before a write reaches the store: how a test lets somebody else be faster.
        self.before_write: Any = None
        for path, obj in (objects or {}).items():
            self.put(path, obj)

    @property
    def requests(self) -> int:
        return len(self.log)

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [entry for entry in self.log if entry[0] not in ("GET", "dry run")]

    def put(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        stored = copy.deepcopy(obj)
        stored.setdefault("metadata", {})["resourceVersion"] = str(self.version)
        self.objects[path] = stored
        return copy.deepcopy(stored)

    def get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        found = self.find(path, params)
        if found is None:
            raise Failure("kubernetes", "not_found", f"GET {path}: not found")
        return found

    def find(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any] | None:
        self.log.append(("GET", path))
        return copy.deepcopy(self.objects.get(path))

    def items(self, path: str, selector: str | None = None) -> list[dict[str, Any]] | None:
        self.log.append(("GET", path))
        if path.rpartition("/")[2] in self.unserved:
            return None
        if path in self.objects:
            return copy.deepcopy(self.objects[path]["items"])
        found = [obj for key, obj in self.objects.items() if key.rpartition("/")[0] == path]
        return [copy.deepcopy(obj) for obj in found if _selected(obj["metadata"].get("labels") or {}, selector)]

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._write("POST", path)
        if path.split("/namespaces/")[1].split("/")[0] not in self.namespaces:
            raise Failure("kubernetes", "not_found", "namespaces not found")
        target = f"{path}/{body['metadata']['name']}"
        if target in self.objects:
            raise Failure("kubernetes", "conflict", "already exists")
        return self.put(target, body)

    def replace(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._write("PUT", path)
        if path not in self.objects:
            raise Failure("kubernetes", "not_found", "not found")
        if body["metadata"].get("resourceVersion") != self.objects[path]["metadata"]["resourceVersion"]:
            raise Failure("kubernetes", "conflict", "the object has been modified")
        return self.put(path, body)

    def try_create(self, path: str, body: dict[str, Any]) -> None:
        self._dry_run("POST", path, body)

    def try_patch(self, path: str, body: dict[str, Any]) -> None:
        if path not in self.objects:
            raise Failure("kubernetes", "not_found", f"PATCH {path}: not found")
        self._dry_run("PATCH", path, body)

    def _dry_run(self, method: str, path: str, body: dict[str, Any]) -> None:
        self.log.append(("dry run", path))
        self.dry_runs.append((method, path, copy.deepcopy(body)))
        if path in self.refuses:
            raise self.refuses[path]

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, method: str, path: str) -> None:
        if self.before_write:
            act, self.before_write = self.before_write, None
            act()
        self.log.append((method, path))


def _selected(labels: dict[str, str], selector: str | None) -> bool:
    """Equality-based requirements of the API: ``a=b`` and ``a!=b``, which an absent label fulfils."""
    for part in filter(None, (selector or "").split(",")):
        key, operator, value = part.partition("!=") if "!=" in part else part.partition("=")
        if (labels.get(key) == value) == (operator == "!="):
            return False
    return True
