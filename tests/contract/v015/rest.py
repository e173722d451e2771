"""A plain client of 0.15's management API for the contract tests: nothing of the collection in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ..api import Http, Target

Change = tuple[str, str, Any]


@dataclass
class Rest(Http):
    target: Target
    timeout = 60
    _principals: list[str] = field(default_factory=list)
    _settings: dict[str, str | None] = field(default_factory=dict)  # what was there before the test

    def answer(self, method: str, path: str, auth: Any = "admin", **options: Any) -> Any:
        """The body of a 200, with `data` or `error`."""
        answer = self.http(method, path, auth, **options)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        return answer.json()

    def data(self, method: str, path: str, auth: Any = "admin", **options: Any) -> Any:
        body = self.answer(method, path, auth, **options)
        assert "error" not in body, body
        return body["data"]

    def error(self, method: str, path: str, auth: Any = "admin", **options: Any) -> Any:
        body = self.answer(method, path, auth, **options)
        assert "error" in body, body
        return body

    # -- settings ------------------------------------------------------------------------------------------------

    def insert(self, values: dict[str, str], prefix: str | None = None, assert_empty: bool = False) -> Any:
        """The whole body of the answer. The values are put back after the test."""
        names = [key if prefix is None else f"{prefix}.{key}" for key in values]
        present = self.keys(keys=",".join(names))
        self._settings = {name: present.get(name) for name in names} | self._settings
        operation = {"type": "insert", "prefix": prefix, "values": [list(pair) for pair in values.items()]}
        return self.answer("POST", "/api/settings", json=[operation | {"assert_empty": assert_empty}])

    def operate(self, *operations: dict[str, Any]) -> None:
        assert self.data("POST", "/api/settings", json=list(operations)) is None

    def keys(self, **params: str) -> Any:
        return self.data("GET", "/api/settings/keys", params=params)

    def listed(self, prefix: str, **params: str) -> Any:
        return self.data("GET", "/api/settings/list", params={"prefix": prefix} | params)

    def reload(self, what: str = "", **params: str) -> Any:
        """The errors."""
        result = self.data("GET", f"/api/reload{what}", params=params)
        assert set(result) == {"warnings", "errors"}
        return result["errors"]

    # -- principals ----------------------------------------------------------------------------------------------

    def made(self, *names: str) -> None:
        """Principals to remove after the test that another request makes."""
        self._principals += names

    def create(self, type_: str, name: str, **fields: Any) -> int:
        self._principals.append(name.lower())
        return int(self.data("POST", "/api/principal/deploy", json={"type": type_, "name": name} | fields))

    def not_created(self, type_: str, name: str, **fields: Any) -> Any:
        return self.error("POST", "/api/principal/deploy", json={"type": type_, "name": name} | fields)

    def get(self, name: str) -> Any:
        return self.data("GET", f"/api/principal/{quote(name, safe='')}")

    def patch(self, name: str, *changes: Change) -> None:
        assert self.data("PATCH", f"/api/principal/{quote(name, safe='')}", json=_changes(changes)) is None

    def not_patched(self, name: str, *changes: Change) -> Any:
        return self.error("PATCH", f"/api/principal/{quote(name, safe='')}", json=_changes(changes))

    def clean(self) -> None:
        for name in reversed(self._principals):
            self.http("DELETE", f"/api/principal/{quote(name, safe='')}")
        if self._settings:
            values = [[key, value] for key, value in self._settings.items() if value is not None]
            self.operate(
                {"type": "delete", "keys": [key for key, value in self._settings.items() if value is None]},
                {"type": "insert", "prefix": None, "values": values, "assert_empty": False},
            )
            assert self.reload() == {}
        self.session.close()


def _changes(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
    return [{"action": action, "field": name, "value": value} for action, name, value in changes]
