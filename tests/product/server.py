"""A server under test with the product's tasks bound to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import (
    app_password_task,
    info_task,
    principal_task,
    settings_task,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import GATHER_UNASKED
from tests.contract.api import Api, Target
from tests.simulator.fixture import Simulator

Result = dict[str, Any]


@dataclass
class Server:
    """``simulator`` is none for a real server."""

    target: Target
    simulator: Simulator | None = None
    generation: str = "0.16"

    @property
    def options(self) -> Result:
        return {
            "api_url": self.target.base_url,
            "kubernetes": None,
            "api_username": self.target.username,
            "api_password": self.target.password,
            "api_token": None,
            "ca_path": None,
            "generation": None,
            "server": "present",
            "update_secrets": "on_create",
        }

    def settings(self, settings: Mapping[str, Any], *, check: bool = False, **more: Any) -> Result:
        params = {**self.options, "settings": settings, "state": "present", "exclusive": [], **more}
        return settings_task.run(params, check_mode=check)

    def principals(self, *principals: Mapping[str, Any], check: bool = False, **more: Any) -> Result:
        return principal_task.run({**self.options, "principals": principals, **more}, check_mode=check)

    def info(self, domain: str | None = None, gather: Sequence[str] = GATHER_UNASKED, **more: Any) -> Result:
        params = {**self.options, "domain": domain, "gather": gather, "wait_dkim": 0, "missing_ok": False, **more}
        return info_task.run(params, check_mode=False)

    def app_passwords(self, *, check: bool = False, **more: Any) -> Result:
        """As the server's administrator, or with the ``api_token`` that is given as its owner."""
        own = {"api_username": None, "api_password": None} if more.get("api_token") else {}
        params = {**self.options, "state": "present", "account": None, "description": None, **own, **more}
        return app_password_task.run(params, check_mode=check)

    def api(self) -> Api:
        """Behind the product's back."""
        return Api(self.target)

    def writes(self) -> list[tuple[str, str]]:
        """Object and operation of every write so far, on 0.15 reloads, too; empty for a server that does not tell."""
        return [(entry["object"], entry["op"]) for entry in self.simulator.writes()] if self.simulator else []


def words(result: Result) -> list[str]:
    """``create domain acme.test`` and so on."""
    return [f"{change['action']} {change['kind']} {change['key']}" for change in result["changes"]]


def refusal(call: Any, *args: Any, **kwargs: Any) -> Failure:
    """The failure that a call raises."""
    try:
        result = call(*args, **kwargs)
    except Failure as failure:
        return failure
    raise AssertionError(f"no failure, but {result}")


def counted(server: Server, call: Any, *args: Any, **kwargs: Any) -> tuple[Result, int]:
    """A result, and the requests that the server counted for it; what the task says where the server does not count."""
    before = server.simulator.requests() if server.simulator else 0
    result = call(*args, **kwargs)
    return result, server.simulator.requests() - before - 1 if server.simulator else result["requests"]
