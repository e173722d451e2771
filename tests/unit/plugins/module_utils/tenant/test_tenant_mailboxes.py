"""Mailboxes from variables and from a file: what they become, and every mistake with its place."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import mailbox_file, task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.mailbox_file import File
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive

CANARY = "canary-secret-value"
ACME: dict[str, t.Any] = {
    "host": "acme",
    "platform_fqdn": "omantel.omani.works",
    "platform_openbao_url": "https://bao.omantel.omani.works",
    "platform_powerdns_url": "https://pdns.omantel.omani.works",
    "platform_powerdns_api_key": CANARY,
    "platform_keycloak_auth": {"username": "provisioner", "password": CANARY},
    "platform_openbao_auth": {"method": "token", "token": CANARY},
}
DOMAIN = "acme.omantel.omani.works"
PLAIN = {**ACME, "tenant_verify": False}


def boxes(options: dict[str, t.Any] | None = None, text: str | bytes | None = None, name: str = "m.csv") -> list[t.Any]:
    data = text.encode() if isinstance(text, str) else text
    file = None if data is None else File(name, data)
    found: list[t.Any] = derive({**PLAIN, **(options or {})}, mailboxes_file=file)["mailboxes"]["principals"]
    return found


def told(options: dict[str, t.Any] | None = None, text: str | bytes | None = None, name: str = "m.csv") -> list[str]:
    """Every mistake as the message has it."""
    with pytest.raises(Failure) as caught:
        boxes(options, text, name)
    assert (caught.value.layer, caught.value.code) == ("inventory", "invalid_value")
    message = caught.value.message
    count = len(caught.value.details)
    parts = [message.partition(f"({number}) ")[2].partition(f" ({number + 1}) ")[0] for number in range(1, count + 1)]
    assert all(parts), message
    return parts


def test_a_bare_name_is_an_address_of_the_tenant_and_its_list_says_what_it_is() -> None:
    found = boxes(
        {
            "tenant_mailboxes": [{"name": "Alice", "aliases": ["al"], "quota": "5G", "member_of": ["sales"]}],
            "tenant_groups": [{"name": f"sales@{DOMAIN}", "members": ["alice"]}],
            "tenant_lists": [{"name": "news", "members": ["alice", "press@elsewhere.test"]}],
        }
    )
    assert found == [
        {
            "name": f"alice@{DOMAIN}",
            "type": "individual",
            "aliases": [f"al@{DOMAIN}"],
            "quota": "5G",
            "member_of": [f"sales@{DOMAIN}"],
        },
        {"name": f"sales@{DOMAIN}", "type": "group", "members": [f"alice@{DOMAIN}"]},
        {"name": f"news@{DOMAIN}", "type": "list", "members": [f"alice@{DOMAIN}", "press@elsewhere.test"]},
    ]


def test_the_probe_is_among_them_unless_nobody_verifies() -> None:
    assert boxes() == []
    group, probe = derive(ACME)["mailboxes"]["principals"]
    assert (group["name"], probe["name"]) == (f"tenantmail-probe-group@{DOMAIN}", f"tenantmail-probe@{DOMAIN}")
    assert probe["quota"] == 0
    taken = told({"tenant_verify": True, "tenant_lists": [{"name": "tenantmail-probe", "members": ["x"]}]})
    assert "the probe of role verify" in taken[0]


def test_whoever_takes_a_promised_address_has_it_and_the_administrator_the_others() -> None:
    model = derive({**PLAIN, "tenant_mailboxes": [{"name": "alice", "aliases": ["Postmaster"]}, {"name": "abuse"}]})
    assert model["admin"]["aliases"] == [f"dmarc@{DOMAIN}"]
    assert model["mailboxes"]["promised"] == [f"postmaster@{DOMAIN}", f"abuse@{DOMAIN}", f"dmarc@{DOMAIN}"]
    gone = derive({**PLAIN, "tenant_mailboxes": [{"name": "abuse", "state": "absent"}]})
    assert f"abuse@{DOMAIN}" in gone["admin"]["aliases"]


CSV = """name,type,state,description,aliases,quota,receive_mail,member_of
alice,,,Alice Al-Harthy,"al, a.h",5G,yes,sales
bob@acme.omantel.omani.works,,suspended,Bob,,500M,,
sales,group,,Sales,info,,,
"""
FROM_CSV = [
    {
        "name": f"alice@{DOMAIN}",
        "type": "individual",
        "description": "Alice Al-Harthy",
        "aliases": [f"al@{DOMAIN}", f"a.h@{DOMAIN}"],
        "quota": "5G",
        "receive_mail": True,
        "member_of": [f"sales@{DOMAIN}"],
    },
    {"name": f"bob@{DOMAIN}", "type": "individual", "state": "suspended", "description": "Bob", "quota": "500M"},
    {"name": f"sales@{DOMAIN}", "type": "group", "description": "Sales", "aliases": [f"info@{DOMAIN}"]},
]


@pytest.mark.parametrize(
    "data",
    [
        CSV.encode(),
        CSV.replace("\n", "\r\n").encode("utf-8-sig"),
        CSV.encode("utf-16"),
        CSV.replace('"al, a.h"', "al a.h").replace(",", ";").encode(),
        b"sep=;\r\n" + CSV.replace('"al, a.h"', "al a.h").replace(",", ";").encode(),
        CSV.replace('"al, a.h"', "al a.h").replace(",", "\t").encode(),
        CSV.replace("name,", "Name ,", 1).replace("receive_mail", "Receive mail").encode(),
        CSV.replace("\nbob", "\n\n,,,,,,,\nbob").encode(),
    ],
    ids=["plain", "excel", "utf-16", "semicolons", "sep", "tabs", "capitals", "empty rows"],
)
def test_a_spreadsheet_s_file(data: bytes) -> None:
    assert boxes(text=data) == FROM_CSV


def test_a_list_in_yaml() -> None:
    text = "- {name: alice, aliases: [al], quota: 1073741824}\n- {name: news, type: list, members: [alice]}\n"
    assert [item["name"] for item in boxes(text=text, name="m.yml")] == [f"alice@{DOMAIN}", f"news@{DOMAIN}"]


WRONG = """name,type,state,description,aliases,quota,receive_mail,member_of,locale
alice,,,Alice,info,5XB,,,
,,,Nobody,,,,,
bob smith,,,Bob,,,,,
carol,person,,Carol,,,,,
dave,,gone,Dave,,,,,
erin,,,Erin,,,perhaps,,
frank@acme.example.net,,,Frank,,,,,
alice,,,Alice again,,,,,
grace,,,Grace,info,,,,
heidi,,,Heidi,,,,news,
news,list,,News,,1G,,,
ivan,,,Ivan,,,,,german
"""
EXPECTED = [
    'tenant_mailboxes_file row 7, column receive_mail is "perhaps"; accepted: true or false, yes or no.',
    "tenant_mailboxes_file row 2, column quota: '5XB': expected bytes, from 0 (no limit) to 9223372036854775807, or a size such as 5G or 500M.",
    "tenant_mailboxes_file row 3, column name is missing; accepted: an address, or its part before the @.",
    f"tenant_mailboxes_file row 4, column name: 'bob smith@{DOMAIN}': expected an address such as alice@example.org.",
    'tenant_mailboxes_file row 5, column type is "person"; accepted: individual, group, list.',
    'tenant_mailboxes_file row 6, column state is "gone"; accepted: present, absent, suspended.',
    f'tenant_mailboxes_file row 8, column name is "frank@acme.example.net"; accepted: an address of {DOMAIN} (further domains: tenant_settings.domain).',
    "tenant_mailboxes_file row 12, column quota is not for type list.",
    "tenant_mailboxes_file row 13, column locale: 'german': not an accepted value; expected a form such as en_US.",
    f'tenant_mailboxes_file row 9, column name is "alice@{DOMAIN}"; accepted: an address that nobody else has; it is also used by tenant_mailboxes[0].name.',
    f'tenant_mailboxes_file row 10, column aliases is "info@{DOMAIN}"; accepted: an address that nobody else has; it is also used by tenant_mailboxes[0].aliases.',
    f'tenant_mailboxes_file row 11, column member_of is "news@{DOMAIN}"; accepted: a group; tenant_lists[0] is of type list.',
    # Rows that have another mistake, too.
    f'tenant_mailboxes_file row 2, column name is "alice@{DOMAIN}"; accepted: an address that nobody else has; it is also used by tenant_mailboxes[0].name.',
    f'tenant_mailboxes_file row 2, column aliases is "info@{DOMAIN}"; accepted: an address that nobody else has; it is also used by tenant_mailboxes[0].aliases.',
    f'tenant_mailboxes_file row 12, column name is "news@{DOMAIN}"; accepted: an address that nobody else has; it is also used by tenant_lists[0].name.',
]


def test_different_mistakes_are_told_at_once_with_their_rows() -> None:
    alice = {"tenant_mailboxes": [{"name": "alice", "aliases": ["info"]}], "tenant_lists": [{"name": "news"}]}
    assert sorted(told(alice, WRONG)) == sorted(EXPECTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"name\nj\xfcrgen\n", 'row 2 is "byte 0xfc"; accepted: text in UTF-8'),
        ("", "a header row"),
        ("address\nalice\n", "a header row with a column name, which holds the address"),
        ("name,Passwort\nalice,geheim-1\n", "column Passwort"),
        ("name,password\nalice,Str0ng-pass\n", "make app passwords for mail programs"),
        ("name,name\nalice,bob\n", "each column once"),
        ("name,qouta\nalice,5G\n", "did you mean quota?"),
        ("name\nalice,bob\n", 'is "2 cells"; accepted: 1, as many as the header has; quote a cell that holds a comma.'),
        ('name\n"alice\n', "a CSV file (RFC 4180)"),
    ],
)
def test_what_is_no_such_file(text: str | bytes, expected: str) -> None:
    found = " ".join(told(text=text))
    assert expected in found
    assert "geheim" not in found
    assert "Str0ng" not in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- alice\n- {name: bob, qouta: 1}\n", ["tenant_mailboxes_file item 1", "tenant_mailboxes_file item 2.qouta"]),
        ("{name: alice}\n", ["tenant_mailboxes_file"]),
        ("- {name: alice\n", ["tenant_mailboxes_file line 2"]),
        (f"- {{name: alice, password: {CANARY}}}\n", ["tenant_mailboxes_file item 1.password"]),
    ],
)
def test_what_is_no_such_list(text: str, expected: list[str]) -> None:
    with pytest.raises(Failure) as caught:
        boxes(text=text, name="m.yaml")
    assert [item["variable"] for item in caught.value.details] == expected
    assert CANARY not in str(caught.value.as_dict())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tenant_groups": [{"name": "sales", "type": "list"}]}, ["tenant_groups[0].type"]),
        ({"tenant_mailboxes": [{"name": "alice", "password": CANARY}]}, ["tenant_mailboxes[0].password"]),
        ({"tenant_mailboxes": [{"name": "alice", "quota": True}]}, ["tenant_mailboxes[0].quota"]),
        ({"tenant_mailboxes": [{"name": "alice", "aliases": "al"}]}, ["tenant_mailboxes[0].aliases"]),
        ({"tenant_mailboxes": "alice"}, ["tenant_mailboxes"]),
        ({"tenant_mailboxes": [{"name": "admin"}]}, ["tenant_mailboxes[0].name"]),
        (
            {
                "tenant_mailboxes": [{"name": "a", "state": "absent"}],
                "tenant_groups": [{"name": "g", "members": ["a"]}],
            },
            ["tenant_groups[0].members"],
        ),
        (
            {"tenant_mailboxes": [{"name": "a", "state": "absent"}, {"name": "a"}]},
            ["tenant_mailboxes[0].name"],
        ),
        ({"tenant_groups": [{"name": "g", "members": ["h"]}, {"name": "h"}]}, ["tenant_groups[0].members"]),
        ({"tenant_password_clients": "passwords"}, ["tenant_password_clients"]),
        ({"tenant_password_clients": "internal", "tenant_verify": True}, ["tenant_verify"]),
        (
            {
                "tenant_password_clients": "none",
                "tenant_settings": {"role": {"User": {"disabledPermissions": ["emailSend"]}}},
            },
            ["tenant_settings.role.User.disabledPermissions"],
        ),
    ],
)
def test_mistakes_in_variables(options: dict[str, t.Any], expected: list[str]) -> None:
    with pytest.raises(Failure) as caught:
        boxes(options)
    assert [item["variable"] for item in caught.value.details] == expected
    assert CANARY not in str(caught.value.as_dict())


def test_a_further_domain_is_one_of_the_settings() -> None:
    settings = {"domain": {"shop.test": {}}}
    assert (
        boxes({"tenant_settings": settings, "tenant_mailboxes": [{"name": "a@shop.test"}]})[0]["name"] == "a@shop.test"
    )


def test_how_programs_without_oauth_log_in() -> None:
    def role(options: dict[str, t.Any]) -> t.Any:
        return derive({**PLAIN, **options})["stalwart"]["settings"]["role"]["User"]["disabledPermissions"]

    assert role({}) == []
    assert role({"tenant_password_clients": "none"}) == ["sysAppPasswordCreate"]
    assert role({"tenant_settings": {"role": {"User": {"disabledPermissions": ["emailSend"]}}}}) == ["emailSend"]
    internal = derive({**PLAIN, "tenant_password_clients": "internal"})["oidc_directory"]
    assert internal["issuer"] == ""
    assert internal["settings"]["authentication"] == {"directoryId": None}


def test_a_file_is_read_beside_the_inventory(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(CSV)

    def derived(name: t.Any) -> t.Any:
        params = {**PLAIN, mailbox_file.VARIABLE: name}
        return task.run(params, check_mode=True, folder=str(tmp_path))["model"]["mailboxes"]["principals"]

    assert derived("people.csv") == derived(str(tmp_path / "people.csv")) == FROM_CSV
    (tmp_path / "large.csv").write_bytes(b"x" * (mailbox_file.MAX_SIZE + 1))
    for name, expected in {
        "nobody.csv": f"there is none at {tmp_path}/nobody.csv",
        "people.xlsx": "a file whose name ends in .csv",
        "large.csv": "a file of at most",
        "": "the path of a CSV or YAML file",
    }.items():
        with pytest.raises(Failure, match="tenant_mailboxes_file") as caught:
            derived(name)
        assert expected in caught.value.message


ALICE = {"username": "alice", "first_name": "Alice", "last_name": "Smith", "groups": ["sales"]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # Alice's login would open somebody else's mailbox, or none.
        ({"tenant_mailboxes": [{"name": "bob", "aliases": ["alice"]}]}, ["tenant_mailboxes[0].aliases"]),
        ({"tenant_groups": [{"name": "alice"}]}, ["tenant_groups[0].name"]),
        ({"tenant_lists": [{"name": "alice", "members": ["bob"]}]}, ["tenant_lists[0].name"]),
        # The server refuses a token that lists a group of somebody else's name.
        ({"tenant_mailboxes": [{"name": "sales"}]}, ["tenant_mailboxes[0].name"]),
        ({"tenant_mailboxes": [{"name": "bob", "aliases": ["sme-admin"]}]}, ["tenant_mailboxes[0].aliases"]),
        ({"tenant_lists": [{"name": "sme-user", "members": ["bob"]}]}, ["tenant_lists[0].name"]),
    ],
)
def test_an_address_that_the_realm_gives_to_somebody_else(options: dict[str, t.Any], expected: list[str]) -> None:
    with pytest.raises(Failure) as caught:
        boxes({"tenant_users": [ALICE], **options})
    assert [item["variable"] for item in caught.value.details] == expected


def test_what_the_realm_and_the_server_both_name() -> None:
    found = boxes(
        {
            "tenant_users": [ALICE],
            "tenant_mailboxes": [{"name": "alice"}, {"name": "dave", "aliases": ["bob"], "state": "absent"}],
            "tenant_groups": [{"name": "sales", "members": ["alice"]}],
        }
    )
    assert [item["name"].partition("@")[0] for item in found] == ["alice", "dave", "sales"]


DOUBTFUL: dict[str, t.Any] = {
    "tenant_users": [
        {"username": "alice", "first_name": "A", "last_name": "H", "groups": ["salse", "staff"]},
        {"username": "dora", "first_name": "D", "last_name": "S"},
        {"username": "erin", "first_name": "E", "last_name": "S", "enabled": False},
    ],
    "tenant_mailboxes": [{"name": "alice", "member_of": ["sales"]}, {"name": "bob", "member_of": ["salse"]}],
    "tenant_groups": [{"name": "sales", "members": ["alice", "bobb"]}],
}


def test_what_the_inventory_names_and_does_not_have_is_a_warning() -> None:
    found = task.run({**ACME, **DOUBTFUL}, check_mode=True)["warnings"]
    assert found == [
        f"bob@{DOMAIN}: salse@{DOMAIN} in member_of is no group of the inventory; did you mean sales@{DOMAIN}? "
        "Unless the server has it, the run fails.",
        f"sales@{DOMAIN}: bobb@{DOMAIN} in members is no mailbox of the inventory; did you mean bob@{DOMAIN}? "
        "Unless the server has it, the run fails.",
        "tenant_users: alice is in group salse, which is none of tenant_groups and becomes a mailbox of its own; did you mean sales?",
        "tenant_users: dora has no mailbox in the inventory. Until the first login, mail to it is refused, and realm.mailboxes of role "
        "verify fails. Add it to tenant_mailboxes.",
    ]
    assert "warnings" not in task.run(PLAIN, check_mode=True)
