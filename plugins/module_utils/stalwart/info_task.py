# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``stalwart_info``."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from .argspec import GATHER_UNASKED
from .connection import authorization, connect
from .driver import InfoAsk, no_info
from .generation import TESTED_SCHEMAS
from .task import open_driver, told

_ABSENT: dict[str, t.Any] = {
    "present": False,
    "reachable": False,
    "generation": None,
    "schema_hash": None,
    "version": None,
    **no_info(),
    "export": None,
}


def _absent() -> dict[str, t.Any]:
    return {"changed": False, "info": dict(_ABSENT), "probe": None, "requests": 0}


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Read facts of one server; check mode makes no difference.

    :raises Failure: see the module's documentation.
    """
    del check_mode
    if authorization(params) is None:
        _refuse_anonymous(params)
        return _anonymous(params)
    ask = InfoAsk(frozenset(params["gather"]), params.get("domain"), float(params["wait_dkim"]))
    try:
        # Where nothing is read, the probe is what shows that the server answers and the credential works.
        with open_driver(params, assume=bool(ask.gather or params.get("export"))) as (driver, connection):
            export = driver.export() if params.get("export") else None
            schema_hash = str((connection.probe or {}).get("schema_hash") or "")
            info = {
                "version": TESTED_SCHEMAS.get(schema_hash),
                **driver.info(ask),
                "export": export,
                "generation": driver.generation,
                "present": True,
                "reachable": True,
            }
            return {"changed": False, "info": info, **told(driver, connection)}
    except Failure as failure:
        if params["missing_ok"] and _service_missing(failure):
            return _absent()
        raise


def _refuse_anonymous(params: t.Mapping[str, t.Any]) -> None:
    """:raises Failure: ``invalid_value`` for what needs a credential, unless it is only the default of ``gather``."""
    asked = set(params["gather"])
    needs = [] if asked == set(GATHER_UNASKED) else [f"gather: {part}" for part in sorted(asked - {"directory"})]
    needs += ["export"] if params.get("export") else []
    if needs:
        raise Failure(
            "stalwart",
            "invalid_value",
            f"no credential is given, which {', '.join(needs)} needs: give api_username and api_password, or api_token.",
            hint="Without one, only gather: [directory] or [] is possible.",
        )


def _anonymous(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Without a credential: whether the server is there and answers, and whom it trusts for logins."""
    # Here, so that the drivers' modules need not be loaded for a look at a URL.
    from .v016.running import running_issuer

    connection = connect(params, anonymous=True)
    try:
        if connection.finder is not None and not connection.finder.exists():
            if params["missing_ok"]:
                return _absent()
            raise Failure(
                "kubernetes",
                "not_found",
                f"there is no Service {params['kubernetes']['service']} in the namespace {params['kubernetes']['namespace']}.",
            )
        info = {**_ABSENT, "present": True, "reachable": None}
        # That the cluster has the Service is all there is to say where nothing is to be gathered.
        if params["gather"] or connection.finder is None:
            connection.http.request("GET", "/healthz/live", headers={"Accept": "*/*"})
            info["reachable"] = True
        if "directory" in params["gather"]:
            try:
                info["running_issuer"] = running_issuer(connection.http)
            except Failure as failure:
                # 0.15 tells nobody whom it trusts.
                if failure.code not in ("not_found", "unauthorized"):
                    raise
        return {"changed": False, "info": info, "probe": None, "requests": connection.http.requests}
    finally:
        connection.close()


def _service_missing(failure: Failure) -> bool:
    return (failure.layer, failure.code) == ("kubernetes", "not_found")
