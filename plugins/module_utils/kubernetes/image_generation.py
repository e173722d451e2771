# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The generation of the server that is deployed, against the one that is asked for. Reads only.

The chart refuses an image whose tag is not of its generation. What it cannot see is the server that is there already,
whose volume the other generation would not read: it would start empty beside the mail, or not at all.
"""

from __future__ import annotations

import re
import typing as t

from ..failure import Failure
from ..stalwart.connection import connect
from ..stalwart.generation import GENERATIONS
from .objects import Key, Object, key_of

CONTAINER = "stalwart"
_TAG = re.compile(rf":v?({'|'.join(map(re.escape, GENERATIONS))})(?!\d)[^:/@]*(?:@|\Z)")
#: Without a credential, which is no failed login to a server: 0.15 wants one here, 0.16 has no such path (contract 0.15 2.5).
_PROBE = "/api/principal"
_ANSWERS = {401: "0.15", 404: "0.16"}
#: How a server that does not run, or not well, answers: it must not stop the run that repairs it.
_SILENT = frozenset(("unreachable", "not_ready", "not_found", "server_error", "rate_limited", "forbidden"))


def check(
    connection: t.Mapping[str, t.Any],
    namespace: str,
    release: str,
    wanted: t.Optional[str],
    stored: t.Sequence[Object],
    live: t.Mapping[Key, Object],
) -> None:
    """Refuse a release whose server is of another generation. No request, but for an image without a tag that tells.

    :param wanted: the value ``generation``; none for a chart that has none.
    :param stored: what Helm recorded. :param live: what the cluster holds, which counts where both are there.
    :raises Failure: ``image_config_mismatch``.
    """
    recorded = next((obj for obj in stored if key_of(obj)[0] == "StatefulSet"), None)
    deployed = live.get(("StatefulSet", release)) or recorded
    if wanted is None or deployed is None:
        return
    image = _image(deployed)
    found = of_image(image) or _asked(connection, namespace, release)
    if found is not None and found != wanted:
        raise Failure(
            "kubernetes",
            "image_config_mismatch",
            f"release {release} in {namespace} runs a server of generation {found} ({image}), but {wanted} is asked for, and"
            " neither generation reads the other's data.",
            hint=f'Keep tenant_generation: "{found}". To change it, provision a tenant of generation {wanted} beside this one,'
            " copy the mailboxes (by IMAP), then remove this one with its volume.",
        )


def of_image(image: str) -> t.Optional[str]:
    """The generation that an image's tag tells; none where it does not."""
    found = _TAG.search(image)
    return found[1] if found else None


def _image(workload: Object) -> str:
    containers = t.cast("list[Object]", workload["spec"].get("template", {}).get("spec", {}).get("containers", []))
    named = [one for one in containers if one.get("name") == CONTAINER] or containers
    return str(named[0].get("image", "")) if named else ""


def _asked(connection: t.Mapping[str, t.Any], namespace: str, release: str) -> t.Optional[str]:
    """What the server itself is; none for one that does not run, which the image's digest alone does not tell either."""
    where = {**connection, "namespace": namespace, "service": f"{release}-web", "port": "http"}
    server = connect({"kubernetes": where}, anonymous=True)
    try:
        response = server.http.request("GET", _PROBE, expected=(200, *_ANSWERS))
    except Failure as failure:
        if failure.code in _SILENT:
            return None
        raise
    finally:
        server.close()
    return _ANSWERS.get(response.status_code)
