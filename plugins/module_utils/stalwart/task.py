# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Stalwart tasks share: reach the server, find out its generation, hand over to that generation's driver."""

from __future__ import annotations

import contextlib
import typing as t

from ..failure import Failure
from .connection import Connection, connect
from .driver import Driver
from .generation import Probe, probe, refute
from .v016.driver import Driver016


@contextlib.contextmanager
def open_driver(params: t.Mapping[str, t.Any], *, assume: bool = True) -> t.Iterator[tuple[Driver, Connection]]:
    """A driver for the server that the options name; one request (the probe) is made unless ``probe`` tells.

    :param assume: as :func:`.generation.probe`.
    :raises Failure: as :func:`.connection.connect` and :func:`.generation.probe`.
    """
    connection = connect(params)
    found: t.Optional[Probe] = None
    try:
        found = probe(connection.http, params.get("generation"), params.get("probe"), assume=assume)
        connection.probe = found.told(connection.http)
        if not params.get("probe"):
            # One task of a run tells it, the one that asked.
            connection.warnings = found.warnings(connection.http)
        if found.generation == "0.15":
            # Here, so that each generation's modules are loaded for its own servers only.
            from .v015.driver import Driver015

            yield Driver015(connection.http), connection
        else:
            yield Driver016(connection.http, found.schema_hash), connection
    except Failure as failure:
        if found is None or not found.assumed:
            raise
        raise refute(connection.http, found.generation, failure) from None
    finally:
        connection.close()


def told(driver: Driver, connection: Connection) -> dict[str, t.Any]:
    """What every result tells of the server."""
    facts = {"generation": driver.generation, "probe": connection.probe, "requests": connection.http.requests}
    return {**facts, "warnings": list(connection.warnings)} if connection.warnings else facts


def refuse_absent(params: t.Mapping[str, t.Any], check_mode: bool) -> bool:
    """Whether the server counts as absent.

    :raises Failure: ``invalid_value`` outside check mode: nothing can be written to a server that is not there.
    """
    if params.get("server") != "absent":
        return False
    if not check_mode:
        raise Failure("stalwart", "invalid_value", "server: absent is for check mode only.")
    return True
