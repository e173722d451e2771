"""Prints docs/verify.md from the catalogue of checks: ``python -m tests.tools.verify_doc > docs/verify.md``."""

from __future__ import annotations

import sys

from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.causes import CAUSES, CHECKS

HEAD = """# What `verify` proves

<!-- Printed from the code by `python -m tests.tools.verify_doc`; a unit test holds it equal. -->

`mail_probe` returns one record for each check; role `verify` writes them to `report/<tenant>.json` ([report.schema.json](report.schema.json)).
A record's `status` is `ok`, `failed`, `warning` (failed, but `verify_warn` names the check) or `skipped`. A check is skipped because another
one that it needs failed (`because` names it), or because there is nothing to check (`observed` says why).

## The table

```
acme: NOT VERIFIED: 2 ok, 1 failed, 2 skipped (acme.example.net, 6.2 s)
  dns         ok       mx
  certificate ok
  token       FAILED   !probe
  login       skipped  -imap -smtp
  FAILED token.probe (keycloak): aud is account
    expected: aud stalwart, every scope, groups
    next: Run ansible-playbook tenantmail.stalwart.provision_tenant --limit acme --tags realm.
```

One line for each kind of check, with the worst that happened and the checks' names: `!` failed, `?` is a warning, `-` was skipped, nothing
passed. Then every failure and warning with its check and layer, what was found and expected, and what to do next; do that for the first one and
run again. The report has more: `cause`, which is a row of the table below, `because`, and what was found where a check passed (that a
certificate is self-signed, say).

In hints, `{provision}` is the command for this tenant, such as `ansible-playbook tenantmail.stalwart.provision_tenant --limit acme` (add your `-i`),
and `{publish}` says how its record sets get published: `Run {provision} --tags dns_records.`, or, for a domain of the tenant's own, that its owner
has to publish `zone.txt` of the ConfigMap (`kubectl --namespace tenant-beta get configmap stalwart-dns-records-required --output jsonpath='{.data.zone\\.txt}'`).

A run that ends before it can check anything, because OpenBao is down, say, prints the failure of that layer and writes a report with one
record, `verify`.

## Checks

The layer is where to look first; a failed check has its cause's layer.

| check | layer | a pass means |
|---|---|---|
"""
MIDDLE = """
## Causes

A failure of a back end itself (unreachable, forbidden …) has one of the README's codes as its cause instead, and its own hint.

| cause | layer | what is wrong | the fix |
|---|---|---|---|
"""


def render() -> str:
    checks = "".join(f"| `{name}` | `{about.layer}` | {about.proves} |\n" for name, about in CHECKS.items())
    causes = "".join(
        f"| `{name}` | `{cause.layer}` | {cause.means} | {cause.hint} |\n" for name, cause in CAUSES.items()
    )
    return f"{HEAD}{checks}{MIDDLE}{causes}"


if __name__ == "__main__":
    sys.stdout.write(render())
