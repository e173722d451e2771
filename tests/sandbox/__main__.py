# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.sandbox up|down|status|reset|logs|exec|env`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from typing import NoReturn

from . import command, facts, hosts, progress, sandbox
from .errors import SandboxError
from .servers import servers
from .settings import Settings, current


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description="The servers that demo and tests use.")
    actions = parser.add_subparsers(dest="action", required=True)
    up = actions.add_parser("up", help="install, start and set up everything; write inventories/sandbox")
    up.add_argument("server", nargs="*", help="only start these again")
    down = actions.add_parser("down", help="end the servers")
    down.add_argument("server", nargs="*", help="only end these")
    down.add_argument("--wipe", action="store_true", help="also remove everything they have stored")
    actions.add_parser("status", help="process and health of each server")
    actions.add_parser("reset", help="remove the tenants' data, keep servers and programs")
    logs = actions.add_parser("logs", help="where the logs are, or the end of one")
    logs.add_argument("server", nargs="?")
    logs.add_argument("--lines", type=int, default=40)
    execute = actions.add_parser("exec", help="run a command that knows the sandbox's host names")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    actions.add_parser("env", help='shell exports: eval "$(python -m tests.sandbox env)"')
    arguments = parser.parse_args()
    try:
        settings = current()
        if arguments.action in ("up", "down", "reset"):
            if os.geteuid() != 0:
                raise SandboxError("the sandbox runs containers and makes a bridge: it needs root")
            with sandbox.lock(settings):
                _change(settings, arguments)
            return 0
        if arguments.action == "status":
            return _status(settings)
        if arguments.action == "logs":
            return _logs(settings, arguments.server, arguments.lines)
        if arguments.action == "exec":
            _execute(settings, arguments.command)
        _env(settings)
        return 0
    except (SandboxError, ValueError) as error:
        progress.line(f"error: {error}")
        return 1


def _change(settings: Settings, arguments: argparse.Namespace) -> None:
    if arguments.action == "reset":
        sandbox.reset(settings)
    elif arguments.action == "up":
        if arguments.server:
            sandbox.up_some(settings, arguments.server)
        else:
            sandbox.up(settings)
    elif arguments.server:
        if arguments.wipe:
            raise SandboxError("--wipe removes the data of all servers: name none")
        sandbox.down_some(settings, arguments.server)
    else:
        sandbox.down(settings, wipe=arguments.wipe)


def _status(settings: Settings) -> int:
    healthy = True
    for server in servers(settings):
        pid, ready = server.pid, server.healthy()
        healthy = healthy and ready
        print(f"{server.name:26} {pid or '-':>8}  {'ready' if ready else 'not ready' if pid else 'stopped'}")
    return 0 if healthy else 1


def _logs(settings: Settings, name: str | None, lines: int) -> int:
    if name is None:
        for server in servers(settings):
            print(f"{server.name:26} {server.log}")
        return 0
    (server,) = sandbox.select(settings, [name])
    print(command.tail(server.log, lines))
    return 0


def _execute(settings: Settings, words: list[str]) -> NoReturn:
    if not words:
        raise SandboxError("exec needs a command")
    os.execvpe(words[0], words, {**os.environ, **hosts.environment(settings)})


def _env(settings: Settings) -> None:
    exports = {
        "TENANTMAIL_CACHE": str(settings.cache),
        "TENANTMAIL_SANDBOX_FOLDER": str(settings.data),
        "KUBECONFIG": str(settings.kubeconfig),
        "SANDBOX_ADDRESS": settings.address,
        "SANDBOX_CA_FILE": str(settings.ca_file),
        "SANDBOX_CREDENTIALS": str(settings.credentials),
        "SANDBOX_PROVISIONER_KUBECONFIG": str(settings.provisioner_kubeconfig),
        "SANDBOX_INVENTORY": str(settings.inventory),
        "SANDBOX_PARENT_DOMAIN": facts.platform_fqdn(),
        "SANDBOX_KEYCLOAK_URL": settings.keycloak_url,
        "SANDBOX_OPENBAO_URL": settings.openbao_url,
        "SANDBOX_POWERDNS_URL": settings.powerdns_url,
        "SANDBOX_NAMESERVER": settings.nameserver,
        "VAULT_ADDR": settings.openbao_url,
        "VAULT_CACERT": str(settings.ca_file),
        **hosts.environment(settings),
        **{f"SANDBOX_REQUEST_LOG_{backend.upper()}": str(path) for backend, path in facts.request_logs().items()},
    }
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f'export PATH={shlex.quote(str(settings.bin))}:"$PATH"')


if __name__ == "__main__":
    sys.exit(main())
