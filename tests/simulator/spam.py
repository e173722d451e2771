"""The spam filter, as far as tests need it: the standard test message gets its tag, all others none."""

from __future__ import annotations

from dataclasses import dataclass

from . import headers
from .mta import SpamFilter

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
_TAG = "GTUBE_TEST"


@dataclass(frozen=True)
class Verdict:
    is_spam: bool
    headers: bytes


def judge(spam_filter: SpamFilter, raw: bytes) -> Verdict:
    """The servers look for the test text in the subject; what its tag weighs is in the rules they download."""
    tags = {_TAG: spam_filter.scores.get(_TAG, 0.0)} if str(headers.parsed(raw)["Subject"]).strip() == GTUBE else {}
    score = sum(tags.values())
    is_spam = score >= spam_filter.threshold
    results = ",\r\n\t".join(f"{tag} ({weight:.2f})" for tag, weight in tags.items())
    said = f"X-Spam-Result: {results}\r\nX-Spam-Score: {'spam' if is_spam else 'ham'}, score={score:.2f}\r\n"
    return Verdict(is_spam, said.encode())
