# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart on disk: its metadata, its values' schema, and what ``helm template`` makes of it."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import traceback
import typing as t

from ..failure import Failure, missing_library
from ..redact import Redactor
from . import chart_schema

YAML_IMPORT_ERROR: str | None
try:
    import yaml

    YAML_IMPORT_ERROR = None
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()

#: Seconds for one rendering; it takes less than one.
RENDER_TIMEOUT = 60
#: The extra words around the sentence of a template's ``fail``.
_EXECUTION_ERROR = re.compile(r"^Error: execution error at \([^)]*\): ")


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart's directory.

    :param schema: ``values.schema.json``, empty when the chart has none.
    """

    path: str
    name: str
    version: str
    schema: t.Mapping[str, t.Any] = dataclasses.field(repr=False, default_factory=dict)


def load(path: str) -> Chart:
    """Read ``Chart.yaml`` and ``values.schema.json``.

    :raises Failure: ``not_found`` when there is no chart, ``missing_library`` without PyYAML.
    """
    if YAML_IMPORT_ERROR is not None:
        raise missing_library("kubernetes", "PyYAML", "to read the chart")
    try:
        with open(os.path.join(path, "Chart.yaml"), encoding="utf-8") as file:
            metadata = yaml.safe_load(file)
        schema: dict[str, t.Any] = {}
        schema_path = os.path.join(path, "values.schema.json")
        if os.path.exists(schema_path):
            with open(schema_path, encoding="utf-8") as file:
                schema = json.load(file)
        return Chart(path, str(metadata["name"]), str(metadata["version"]), schema)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as exc:
        raise Failure(
            "kubernetes",
            "not_found",
            f"there is no readable chart in {path}: {exc}",
            hint="Give the chart's directory.",
        ) from None


def validate(chart: Chart, values: t.Mapping[str, t.Any]) -> bool:
    """Check values against the chart's schema; all errors at once. False when nothing could be checked here.

    ``helm template`` checks the same schema, but names neither the value nor the reason, and is not always there.

    :raises Failure: ``invalid_value``; ``details`` lists ``{path, message}``.
    """
    refusals = chart_schema.refused(chart.schema, values)
    if refusals:
        raise Failure(
            "kubernetes",
            "invalid_value",
            f"{len(refusals)} value(s) for the chart {chart.name} are not accepted: "
            + "; ".join(refusal.message for refusal in refusals),
            hint="Correct tenant_chart_values (roles/chart/README.md lists the chart's values).",
            details=[{"path": refusal.dotted, "message": refusal.message} for refusal in refusals],
        )
    return refusals is not None


def render(
    chart: Chart,
    release: str,
    namespace: str,
    values: t.Mapping[str, t.Any],
    binary: str,
    served: t.Sequence[str] = (),
) -> str:
    """The manifest that Helm would apply: ``helm template``, which contacts no server. Values go by stdin.

    :param binary: helm's name in PATH or its path.
    :param served: APIs of the cluster besides Kubernetes' own, as ``.Capabilities.APIVersions`` has them.
    :raises Failure: ``not_found`` without helm, ``invalid_value`` when the chart refuses the values, ``timeout``.
    """
    command = [
        binary, "template", release, chart.path,
        "--namespace", namespace, "--no-hooks", "--is-upgrade", "--values", "-",
        *(word for api in served for word in ("--api-versions", api)),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, input=json.dumps(values), capture_output=True, text=True, timeout=RENDER_TIMEOUT, check=False
        )
    except OSError as exc:
        raise Failure(
            "kubernetes",
            "not_found",
            f"helm is not there: {binary!r} could not be started ({exc.strerror}).",
            hint="Install Helm 3 (3.14 or later) or set chart_helm_binary to its path.",
        ) from None
    except subprocess.TimeoutExpired:
        raise Failure("kubernetes", "timeout", f"helm template took longer than {RENDER_TIMEOUT} s.") from None
    if done.returncode != 0:
        raise Failure(
            "kubernetes",
            "invalid_value",
            f"the chart {chart.name} refuses the values: {complaint(done.stderr)}",
            hint="Correct tenant_chart_values (roles/chart/README.md lists the chart's values).",
        )
    return done.stdout


def complaint(stderr: str) -> str:
    """The sentence in what helm prints when a template or the schema refuses."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("Use --debug")]
    text = _EXECUTION_ERROR.sub("", " ".join(lines))
    return Redactor().body(text[7:] if text.startswith("Error: ") else text)


def documents(manifest: str) -> list[dict[str, t.Any]]:
    """The objects of a manifest, in its order.

    :raises Failure: ``protocol`` when it is no YAML; ``missing_library`` without PyYAML.
    """
    if YAML_IMPORT_ERROR is not None:
        raise missing_library("kubernetes", "PyYAML", "to read the chart's manifest")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return [document for document in yaml.load_all(manifest, Loader=loader) if document]
    except yaml.YAMLError as exc:
        raise Failure("kubernetes", "protocol", f"a manifest of the release is no YAML: {exc}") from None
