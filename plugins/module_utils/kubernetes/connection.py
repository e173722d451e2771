# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kubernetes.core's connection options, turned into the client library's configuration.

The option names, their aliases and the ``K8S_AUTH_*`` variables are those of the kubernetes.core collection, so that
one dictionary (``tenant_kubernetes``) serves its modules and ours. kubernetes.core's own loader is private to it and
imports its whole dynamic client; the part that matters is small.
"""

from __future__ import annotations

import os
import re
import traceback
import typing as t

from ..failure import Failure, missing_library

KUBERNETES_IMPORT_ERROR: str | None
try:
    import kubernetes.client
    import kubernetes.config

    KUBERNETES_IMPORT_ERROR = None
except ImportError:
    KUBERNETES_IMPORT_ERROR = traceback.format_exc()

if t.TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

#: Option → its aliases, as in kubernetes.core's ``k8s_auth_options``.
ALIASES: dict[str, tuple[str, ...]] = {
    "kubeconfig": (),
    "context": (),
    "host": (),
    "api_key": (),
    "username": (),
    "password": (),
    "validate_certs": ("verify_ssl",),
    "ca_cert": ("ssl_ca_cert",),
    "client_cert": ("cert_file",),
    "client_key": ("key_file",),
    "proxy": (),
    "no_proxy": (),
}
#: What ``kubernetes.core.helm`` understands of them; the rest belongs into a kubeconfig when helm is to run.
HELM_OPTIONS = frozenset(("kubeconfig", "context", "host", "api_key", "validate_certs", "ca_cert"))
_SECRETS = frozenset(("api_key", "password"))
#: Keys of a kubeconfig's users (token, password, client-key-data, id-token, client-secret …); ``tokenFile`` is none.
_SECRET_KEY = re.compile(r"(?:token|passw(?:or)?d|secret|key|key-data|credential)s?\Z", re.IGNORECASE)
_FALSE = frozenset(("0", "false", "no", "off"))
#: Option → attribute of the client library's configuration, for those that are copied as they are.
_ATTRIBUTES = {
    "username": "username",
    "password": "password",
    "ca_cert": "ssl_ca_cert",
    "client_cert": "cert_file",
    "client_key": "key_file",
    "proxy": "proxy",
    "no_proxy": "no_proxy",
}


def normalise(connection: t.Mapping[str, t.Any] | None, environ: t.Mapping[str, str] | None = None) -> dict[str, t.Any]:
    """Options under their canonical names, completed from ``K8S_AUTH_*``; unset ones are left out.

    :raises Failure: ``invalid_value`` for an option that kubernetes.core does not know, or that cannot be used here.
    """
    environ = os.environ if environ is None else environ
    given = {key: value for key, value in dict(connection or {}).items() if value is not None}
    result: dict[str, t.Any] = {}
    for name, aliases in ALIASES.items():
        names = (name, *aliases)
        value = next((given.pop(key) for key in names if key in given), None)
        if value is None:
            value = next(
                (environ[f"K8S_AUTH_{key.upper()}"] for key in names if environ.get(f"K8S_AUTH_{key.upper()}")), None
            )
        if value is None or value == "":
            continue
        if name == "validate_certs" and isinstance(value, str):
            value = value.lower() not in _FALSE
        result[name] = value
    unknown = sorted(set(given) - {alias for aliases in ALIASES.values() for alias in aliases})
    if unknown:
        raise Failure(
            "kubernetes",
            "invalid_value",
            f"the Kubernetes connection has the option(s) {', '.join(unknown)}, which cannot be used here.",
            hint=f"Accepted: {', '.join(ALIASES)}; anything else belongs into a kubeconfig.",
        )
    return result


def secrets_of(options: t.Mapping[str, t.Any]) -> list[str]:
    """The secret values among the options, for redaction."""
    named = [str(value) for name, value in options.items() if name in _SECRETS]
    return named + _kubeconfig_secrets(options.get("kubeconfig"))


def inline_secrets(params: t.Mapping[str, t.Any]) -> list[str]:
    """The secrets inside a task's inline kubeconfig, for the shells: Ansible only knows those of whole options.

    :param params: a task's parameters; the connection is ``connection`` or ``kubernetes``.
    """
    connections = (params.get(name) for name in ("connection", "kubernetes"))
    return [
        secret
        for connection in connections
        if isinstance(connection, t.Mapping)
        for secret in _kubeconfig_secrets(connection.get("kubeconfig"))
    ]


def _is_content(kubeconfig: t.Any) -> bool:
    """Whether a text is a kubeconfig's content, misplaced where its path belongs."""
    return isinstance(kubeconfig, str) and ("\n" in kubeconfig or kubeconfig.lstrip().startswith("{"))


def _kubeconfig_secrets(value: t.Any, key: str = "") -> list[str]:
    if _is_content(value) and not key:
        return [value]
    if isinstance(value, t.Mapping):
        found = [secret for name, below in value.items() for secret in _kubeconfig_secrets(below, str(name))]
        # An exec plugin's environment is a list of {name, value}.
        if "value" in value and _SECRET_KEY.search(str(value.get("name", ""))):
            found.append(str(value["value"]))
        return found
    if isinstance(value, (list, tuple)):
        return [secret for below in value for secret in _kubeconfig_secrets(below, key or "[]")]
    return [value] if isinstance(value, str) and value and _SECRET_KEY.search(key) else []


def configuration(connection: t.Mapping[str, t.Any] | None) -> Configuration:
    """The client library's configuration; the library's global default stays untouched.

    In the order of kubernetes.core: explicit host and credential; kubeconfig or context; the pod's service account; the
    default kubeconfig. Single options override what was loaded.

    :raises Failure: ``missing_library``, or ``invalid_value`` when nothing usable can be loaded.
    """
    if KUBERNETES_IMPORT_ERROR is not None:
        raise missing_library("kubernetes", "kubernetes", "to reach the cluster")
    options = normalise(connection)
    config = kubernetes.client.Configuration()
    explicit = "host" in options and (
        "api_key" in options
        or {"username", "password"} <= set(options)
        or {"client_cert", "client_key"} <= set(options)
    )
    if not explicit:
        _load(config, options)
    if "host" in options:
        config.host = str(options["host"]).rstrip("/")
    if "api_key" in options:
        config.refresh_api_key_hook = None
        config.api_key = {"authorization": f"Bearer {options['api_key']}"}
        config.api_key_prefix = {}
    if "validate_certs" in options:
        config.verify_ssl = bool(options["validate_certs"])
    for name, attribute in _ATTRIBUTES.items():
        if name in options:
            value = options[name]
            setattr(
                config,
                attribute,
                os.path.expanduser(value) if name in ("ca_cert", "client_cert", "client_key") else value,
            )
    return config


def _load(config: Configuration, options: t.Mapping[str, t.Any]) -> None:
    kubeconfig, context = options.get("kubeconfig"), options.get("context")
    named = kubeconfig or context
    loader: t.Any = kubernetes.config
    try:
        if isinstance(kubeconfig, t.Mapping):
            loader.load_kube_config_from_dict(
                dict(kubeconfig), context=context, client_configuration=config, persist_config=False
            )
            return
        if not named:
            try:
                loader.load_incluster_config(client_configuration=config)
                return
            except kubernetes.config.ConfigException:
                pass  # Not in a pod: the default kubeconfig is next.
        loader.load_kube_config(
            config_file=kubeconfig, context=context, client_configuration=config, persist_config=False
        )
    except Exception as exc:  # The loader's YAML, OIDC and exec parts each raise kinds of their own.
        inline = isinstance(kubeconfig, t.Mapping) or _is_content(kubeconfig)
        what = "the given kubeconfig" if inline else (kubeconfig or "the default kubeconfig")
        where = f"{what}, context {context}" if context else str(what)
        # Only the loader's own exception is repeated: a parse error of another kind may quote the file.
        why = (
            str(exc)
            if not _is_content(kubeconfig) and isinstance(exc, (kubernetes.config.ConfigException, OSError))
            else type(exc).__name__
        )
        raise Failure(
            "kubernetes",
            "invalid_value",
            f"no usable Kubernetes connection in {where}: {why}",
            hint="Set tenant_kubernetes (kubeconfig, context, or host with api_key and ca_cert), or K8S_AUTH_* variables.",
        ) from None


def api_client(connection: t.Mapping[str, t.Any] | None) -> ApiClient:
    """A client of the library for these options (for a port-forward, say; ``stream`` needs one of its own).

    :raises Failure: as :func:`configuration`.
    """
    return kubernetes.client.ApiClient(configuration(connection))
