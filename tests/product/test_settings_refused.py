"""Wrong settings: what is said, with which code, and that nothing is written. One empty server serves the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract import servers

from .server import Server, refusal

SHORT = "geheim7"
OIDC = {"@type": "Oidc", "issuerUrl": "https://k.test/realms/a"}
RELAY = {"@type": "Relay", "address": "relay.test"}
INVALID = "invalid_value"

#: What is given, further options, the code, and a part of the message.
Row = tuple[str, dict[str, Any], dict[str, Any], str, str]
ROWS: list[Row] = [
    # Keys.
    ("unknown type", {"directroy": {}}, {}, INVALID, "directroy: unknown key; did you mean 'directory'"),
    ("type in upper case", {"Domain": {}}, {}, INVALID, "Domain: unknown key; did you mean 'domain'"),
    ("empty key", {"": 1}, {}, INVALID, "unknown key"),
    ("empty label", {"directory.": {}}, {}, INVALID, "has an empty label"),
    ("empty nested label", {"directory": {"": {}}}, {}, INVALID, "has an empty label"),
    ("an account", {"account": {"a@b.test": {}}}, {}, INVALID, "is no setting: manage it with stalwart_principal"),
    ("an action", {"action": {"@type": "ReloadSettings"}}, {}, INVALID, "is no setting: actions run by themselves"),
    ("no labels", {"directory": "keycloak"}, {}, INVALID, "expected a mapping of labels"),
    ("a list of objects", {"mtaRoute": [{"name": "out"}]}, {}, INVALID, "expected a mapping of labels"),
    ("no properties", {"directory": {"k": "Oidc"}}, {}, INVALID, "directory.k: expected a mapping"),
    ("a singleton's value", {"spamSettings": False}, {}, INVALID, "expected a mapping of properties"),
    (
        "given twice",
        {"spamSettings.enable": True, "spamSettings": {"enable": False}},
        {},
        INVALID,
        "spamSettings.enable: is given twice",
    ),
    (
        "an alias and its target",
        {"storage.directory": "a", "authentication.directoryId": "b"},
        {},
        INVALID,
        "authentication.directoryId: is given twice",
    ),
    (
        "one object twice",
        {"mtaRoute": {"a": {**RELAY, "name": "out"}, "b": {**RELAY, "name": "out"}}},
        {},
        INVALID,
        "is the same object as mtaRoute.a",
    ),
    # Properties.
    ("unknown property", {"spamSettings.enabel": True}, {}, INVALID, "unknown property; did you mean 'enable'"),
    ("another case", {"directory.k": {**OIDC, "issuerURL": "x"}}, {}, INVALID, "did you mean 'issuerUrl'"),
    ("of another variant", {"directory.k": {**OIDC, "bindDn": "x"}}, {}, INVALID, "unknown property of Oidc"),
    ("a list for it", {"spamSettings.scoreSpam": [5]}, {}, INVALID, "expected a number"),
    ("nested unknown", {"http.rateLimitAnonymous": {"cuont": 1}}, {}, INVALID, "did you mean 'count'"),
    ("set by the server", {"domain": {"a.test": {"dnsZoneFile": "x"}}}, {}, INVALID, "is set by the server"),
    ("the id", {"domain": {"a.test": {"id": "b"}}}, {}, INVALID, "domain.a.test.id: unknown property"),
    # Values.
    ("no boolean", {"spamSettings.enable": "perhaps"}, {}, INVALID, "expected true or false"),
    ("a number for a boolean", {"spamSettings.enable": 1}, {}, INVALID, "expected true or false"),
    ("null", {"spamSettings.enable": None}, {}, INVALID, "cannot be null; expected true or false"),
    ("no integer", {"authentication.passwordMinLength": "eight"}, {}, INVALID, "expected an integer"),
    ("a boolean for a number", {"authentication.passwordMinLength": True}, {}, INVALID, "expected an integer"),
    ("a fraction", {"authentication.passwordMinLength": 8.5}, {}, INVALID, "expected an integer"),
    ("too small", {"mtaRoute.out": {**RELAY, "port": 0}}, {}, INVALID, "expected an integer from 1 to 65535"),
    ("too large", {"mtaRoute.out": {**RELAY, "port": 65536}}, {}, INVALID, "expected an integer from 1 to 65535"),
    (
        "no duration",
        {"spamSettings.greylistFor": "soon"},
        {},
        INVALID,
        "expected a duration: milliseconds, or text such as 5s",
    ),
    ("no unit", {"spamSettings.greylistFor": "5 min"}, {}, INVALID, "expected a duration"),
    ("negative", {"spamSettings.greylistFor": -1}, {}, INVALID, "expected a duration"),
    (
        "empty text",
        {"domain": {"a.test": {"description": ""}}},
        {},
        INVALID,
        "empty string is not accepted; null clears",
    ),
    ("a number for text", {"domain": {"a.test": {"description": 7}}}, {}, INVALID, "expected a string"),
    (
        "no member of the enumeration",
        {"tracer.Stdout": {"@type": "Stdout", "level": "loud"}},
        {},
        INVALID,
        "not an accepted value; accepted: debug, error, info, trace, warn",
    ),
    ("no address", {"domain": {"a.test": {"catchAllAddress": "all"}}}, {}, INVALID, "expected an e-mail address"),
    ("no network", {"allowedIp": {"10.0.0.0/99": {}}}, {}, INVALID, "expected an IP address or network"),
    ("no URL", {"directory.k": {"@type": "Oidc", "issuerUrl": "k.test"}}, {}, INVALID, "expected a URL"),
    ("a text for a set", {"domain": {"a.test": {"aliases": "b.test"}}}, {}, INVALID, "expected a list"),
    ("a mapping for a set", {"domain": {"a.test": {"aliases": {"b.test": True}}}}, {}, INVALID, "expected a list"),
    ("a text for a list", {"systemSettings.mailExchangers": "mx.test"}, {}, INVALID, "expected a list"),
    (
        "in a list's item",
        {"systemSettings.mailExchangers": [{"hostname": "mx.test"}, {"priority": 0}]},
        {},
        INVALID,
        "mailExchangers[1].priority (given: 0): expected an integer from 1 to 65535",
    ),
    ("a list for a map", {"systemSettings.services": ["imap"]}, {}, INVALID, "expected a mapping"),
    ("a map's key", {"systemSettings.services": {"imapp": {}}}, {}, INVALID, "did you mean 'imap'"),
    # Variants, labels, references.
    ("unknown variant", {"directory.k": {"@type": "OIDC"}}, {}, INVALID, "unknown variant; did you mean 'Oidc'"),
    ("a new object without its variant", {"mtaRoute.out": {"address": "r.test"}}, {}, INVALID, "@type: is missing"),
    ("without what it needs", {"mtaRoute.out": {"@type": "Relay"}}, {}, INVALID, "address: is needed to create it"),
    ("a label in one part", {"memoryLookupKey": {"alone": {}}}, {}, INVALID, "label must look like <namespace>:<key>"),
    ("a reference to nothing", {"authentication.directoryId": "nope"}, {}, INVALID, "'nope', which does not exist"),
    (
        "a role that is not there",
        {"authentication.defaultUserRoleIds": ["Usr"]},
        {},
        INVALID,
        "'Usr', which does not exist; did you mean 'User'",
    ),
    # Secrets.
    (
        "a short secret",
        {"mtaRoute.out": {**RELAY, "authSecret": {"@type": "Value", "secret": SHORT}}},
        {},
        INVALID,
        "a secret needs at least 8 characters; this one has 7",
    ),
    (
        "a masked secret",
        {"mtaRoute.out": {**RELAY, "authSecret": {"@type": "Value", "secret": "****"}}},
        {},
        INVALID,
        "a secret needs at least 8 characters",
    ),
    (
        "a placeholder",
        {"mtaRoute.out": {**RELAY, "authSecret": {"@type": "Value", "secret": "<secret: mtaRoute.out>"}}},
        {},
        "placeholder",
        "an export's placeholder stands in their place: mtaRoute.out",
    ),
    # Expressions.
    ("a single =", {"mtaStageMail.isSenderAllowed": "sender = 'x'"}, {}, INVALID, "single '=' at column 8"),
    ("=>", {"mtaStageMail.isSenderAllowed": "size => 5"}, {}, INVALID, "write '>='"),
    ("an unknown variable", {"mtaStageAuth.mustMatchSender": "sender_domian == 'x'"}, {}, INVALID, "'sender_domain'"),
    (
        "an unknown function",
        {"mtaStageRcpt.allowRelaying": "is_local(rcpt)"},
        {},
        INVALID,
        "unknown function 'is_local'",
    ),
    (
        "0.15's arguments",
        {"mtaStageRcpt.allowRelaying": "is_local_domain('', rcpt)"},
        {},
        INVALID,
        "one argument, not 2",
    ),
    ("a bracket too few", {"mtaStageMail.isSenderAllowed": "(true"}, {}, INVALID, "ends where ')' is expected"),
    ("a text without quotes", {"mtaOutboundStrategy.route": "mx-out"}, {}, INVALID, "a text needs quotes"),
    ("a list as expression", {"mtaStageMail.isSenderAllowed": ["true"]}, {}, INVALID, "expected an expression"),
    (
        "in a condition",
        {"mtaStageAuth.mustMatchSender": {"match": [{"if": "sender = 'x'", "then": "false"}], "else": "true"}},
        {},
        INVALID,
        "mustMatchSender.match[0].if",
    ),
    (
        "in an object's condition",
        {"mtaInboundThrottle.all": {"match": "rcpt = 'x'", "rate": {"count": 1, "period": "1s"}, "key": ["rcpt"]}},
        {},
        INVALID,
        "single '='",
    ),
    # Exclusive and absent.
    ("exclusive of nothing", {"allowedIp": {}}, {"exclusive": ["allowedIpp"]}, INVALID, "did you mean 'allowedIp'"),
    ("exclusive of no object", {"allowedIp": {}}, {"exclusive": ["allowedIp.192.0.2.1"]}, INVALID, "names no object"),
    ("exclusive roles", {"role": {}}, {"exclusive": ["role"]}, INVALID, "the server's own roles cannot be removed"),
    (
        "exclusive of a property",
        {"http": {}},
        {"exclusive": ["http.useXForwarded"]},
        INVALID,
        "no singleton and no map",
    ),
    (
        "absent with a value",
        {"spamSettings.enable": True},
        {"state": "absent"},
        INVALID,
        "give null to put a property back",
    ),
    ("absent of nothing known", {"spamSettings.enabel": None}, {"state": "absent"}, INVALID, "did you mean 'enable'"),
    (
        "absent identity",
        {"mtaRoute.mx.name": None},
        {"state": "absent"},
        INVALID,
        "identifies the object and cannot be",
    ),
    (
        "a certificate without its text",
        {"certificate": {"mail": {}}},
        {},
        INVALID,
        "certificate: is missing; objects of",
    ),
    # The options around.
    ("another generation", {}, {"generation": "0.15"}, "unknown_generation", "but generation 0.15 was asked for"),
    ("an absent server", {}, {"server": "absent"}, INVALID, "server: absent is for check mode only"),
    ("a short password", {}, {"api_password": SHORT}, INVALID, "api_password"),
    ("half a credential", {}, {"api_password": None}, INVALID, "belong together"),
    ("two credentials", {}, {"api_token": "token-token-1"}, INVALID, "not both"),
    ("no server", {}, {"api_url": None}, INVALID, "nothing says where the server is"),
    ("a path in the URL", {}, {"api_url": "http://127.0.0.1:1/jmap"}, INVALID, "without path, query or credentials"),
    ("a wrong probe", {}, {"probe": "OWN"}, INVALID, "probe.schema_hash"),
]


@pytest.fixture(scope="module", params=servers.names("0.16"))
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.opened(request.param, tmp_path_factory.mktemp("refused")) as target:
        yield Server(target, target.simulator)


@pytest.mark.parametrize(
    ("settings", "options", "code", "message"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_refused(shared: Server, settings: dict[str, Any], options: dict[str, Any], code: str, message: str) -> None:
    before = shared.writes()
    if options.get("probe"):
        options = {"probe": {"server": shared.target.base_url, "generation": "0.16", "schema_hash": "../etc"}}
    for check in (True, False) if "server" not in options else (False,):
        failure = refusal(shared.settings, settings, check=check, **options)
        assert (failure.layer, failure.code) == ("stalwart", code)
        assert message in failure.message
        assert SHORT not in str(failure.as_dict())
    assert shared.writes() == before


def test_all_mistakes_are_told_at_once(shared: Server) -> None:
    wrong = {"directroy": {}, "spamSettings.enable": "perhaps", "mtaRoute.out": {"@type": "Rely"}}
    failure = refusal(shared.settings, wrong)
    assert [detail["key"] for detail in failure.details] == ["directroy", "spamSettings.enable", "mtaRoute.out.@type"]
    assert failure.hint == "Nothing was written."
