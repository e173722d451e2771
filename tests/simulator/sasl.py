"""OAUTHBEARER (RFC 7628): the one mechanism of the servers that pysasl does not bring."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pysasl.creds.external import ExternalCredentials
from pysasl.exception import InvalidResponse
from pysasl.mechanism import ChallengeResponse, ServerChallenge, ServerMechanism

#: gs2-header with an optional authorization identity, then key-value pairs, auth among them.
_MESSAGE = re.compile(
    rb"[ny],(?:a=([^,]*))?,\x01(?:[a-z]+=[^\x01]*\x01)*?auth=bearer ([^\x01]+)\x01.*\x01", re.I | re.S
)


class OAuthBearerMechanism(ServerMechanism):
    def __init__(self) -> None:
        super().__init__(b"OAUTHBEARER")

    def server_attempt(self, responses: Sequence[ChallengeResponse]) -> tuple[ExternalCredentials, None]:
        if not responses:
            raise ServerChallenge(b"")
        match = _MESSAGE.fullmatch(responses[0].response)
        if match is None:
            raise InvalidResponse
        user, token = (match[1] or b"").decode(), match[2].decode()
        return ExternalCredentials(user.replace("=2C", ",").replace("=3D", "="), token), None
