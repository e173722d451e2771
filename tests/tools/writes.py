"""Remember a moment, and later fail if the playbooks sent a write since, by the servers' own records.

python -m tests.tools.writes mark FILE
python -m tests.tools.writes none-since FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.sandbox import facts


def main(action: str, name: str) -> int:
    path = Path(name)
    if action == "mark":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dict(facts.mark().offsets)))
        return 0
    since = facts.Mark(json.loads(path.read_text()))
    counts = facts.counts(since)
    print(json.dumps(counts, indent=2))
    # A check run takes no lock, so a Lease is a write here.
    writes = sum(count["write"] + count["lock"] for count in counts.values())
    asked = sum(count["total"] for count in counts.values())
    if not asked:
        print("no request at all was recorded: the records are not those of the run", file=sys.stderr)
        return 1
    return 1 if writes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
