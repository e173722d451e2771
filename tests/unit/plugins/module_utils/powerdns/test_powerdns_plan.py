"""What becomes of one zone: ownership, merging, conflicts, bad input."""

from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.client import Comment, StoredRRset
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.desired import parse
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.plan import marker, plan_zone
from hypothesis import given
from hypothesis import strategies as st

ZONE = "omantel.test."


def item(name="acme.omantel.test", type="MX", values=("10 mail.acme.omantel.test",), owner="acme", **more):
    return {"zone": "omantel.test", "name": name, "type": type, "values": list(values), "owner": owner, **more}


def spf(value="v=spf1 mx -all", owner="acme", **more):
    return item(type="TXT", values=[value], merge={"prefix": "v=spf1"}, owner=owner, **more)


def stored(type="MX", *contents, name="acme.omantel.test.", ttl=300, comments=(), disabled=()):
    records = tuple((content, content in disabled) for content in contents)
    return {(name, type): StoredRRset(name, type, ttl, records, tuple(comments))}


def plan_of(current, *items, ownership="comment"):
    desired, mistakes = parse(items, owner_needed=ownership == "comment")
    assert not mistakes, mistakes
    return plan_zone(ZONE, current, desired, ownership)


def only(plan):
    assert not plan.failures, plan.failures
    assert len(plan.changes) == 1, plan.changes
    return plan.changes[0]


def failure_of(plan, owner="acme"):
    assert not plan.changes
    (failure,) = plan.failures[owner]
    return failure


OURS = marker("acme")
THEIRS = marker("beta")
NOTE = Comment("admin", "do not touch", 7)


class TestWhole:
    def test_new_is_created_with_the_mark(self) -> None:
        change = only(plan_of({}, item()))
        assert (change.action, change.kind, change.key) == ("create", "MX", "acme.omantel.test.")
        assert (change.before, change.after) == ("", "acme.omantel.test. 300 IN MX 10 mail.acme.omantel.test.\n")
        assert change.payload.body == {
            "name": "acme.omantel.test.",
            "type": "MX",
            "changetype": "REPLACE",
            "ttl": 300,
            "records": [{"content": "10 mail.acme.omantel.test.", "disabled": False}],
            "comments": [{"account": "tenantmail", "content": "tenant=acme"}],
        }

    def test_without_ownership_no_mark(self) -> None:
        assert "comments" not in only(plan_of({}, item(), ownership="none")).payload.body

    @pytest.mark.parametrize("comments", [[OURS], [OURS, NOTE], [], [THEIRS], [NOTE]])
    @pytest.mark.parametrize("content", ["10 mail.acme.omantel.test.", "10 MAIL.Acme.omantel.test."])
    def test_equal_is_fine_whoever_made_it(self, comments, content) -> None:
        plan = plan_of(stored("MX", content, comments=comments), item())
        assert not plan.changes
        assert not plan.failures
        assert [decision.action for decision in plan.decisions] == ["none"]

    def test_own_with_other_content_is_updated_and_comments_stay(self) -> None:
        change = only(plan_of(stored("MX", "20 old.test.", comments=[OURS, NOTE]), item()))
        assert change.action == "update"
        assert change.before == "acme.omantel.test. 300 IN MX 20 old.test.\n"
        assert "comments" not in change.payload.body

    def test_own_with_another_ttl_is_updated(self) -> None:
        assert (
            only(plan_of(stored("MX", "10 mail.acme.omantel.test.", ttl=60, comments=[OURS]), item())).payload.body[
                "ttl"
            ]
            == 300
        )

    def test_foreign_with_another_ttl_only_is_fine(self) -> None:
        assert not plan_of(stored("MX", "10 mail.acme.omantel.test.", ttl=60), item()).changes

    @pytest.mark.parametrize(
        "comments", [[], [NOTE], [Comment("somebody", "tenant=acme")], [Comment("tenantmail", "acme")]]
    )
    def test_foreign_with_other_content_is_a_conflict(self, comments) -> None:
        failure = failure_of(plan_of(stored("MX", "10 mx.elsewhere.test.", comments=comments), item()))
        assert (failure.layer, failure.code, failure.tenant) == ("powerdns", "foreign_record", "acme")
        assert "10 mx.elsewhere.test." in failure.message
        assert "10 mail.acme.omantel.test." in failure.message
        assert "adopt" in failure.hint

    def test_anothers_with_other_content_is_a_conflict(self) -> None:
        failure = failure_of(plan_of(stored("MX", "10 mx.elsewhere.test.", comments=[THEIRS]), item()))
        assert failure.code == "not_owner"
        assert "'beta'" in failure.message

    def test_more_values_than_desired_are_other_content(self) -> None:
        assert (
            failure_of(plan_of(stored("MX", "10 mail.acme.omantel.test.", "20 b.test."), item())).code
            == "foreign_record"
        )

    def test_a_disabled_record_is_other_content(self) -> None:
        content = "10 mail.acme.omantel.test."
        assert failure_of(plan_of(stored("MX", content, disabled=[content]), item())).code == "foreign_record"
        assert only(plan_of(stored("MX", content, disabled=[content], comments=[OURS]), item())).action == "update"

    @pytest.mark.parametrize("comments", [[], [NOTE], [THEIRS, NOTE]])
    @pytest.mark.parametrize("content", ["10 mail.acme.omantel.test.", "10 mx.elsewhere.test."])
    def test_adopted_gets_the_mark_and_keeps_other_comments(self, comments, content) -> None:
        body = only(plan_of(stored("MX", content, comments=comments), item(adopt=True))).payload.body
        expected = [{"account": "admin", "content": "do not touch", "modified_at": 7}] if NOTE in comments else []
        assert body["comments"] == [*expected, {"account": "tenantmail", "content": "tenant=acme"}]

    def test_adopting_what_is_owned_changes_nothing(self) -> None:
        assert not plan_of(stored("MX", "10 mail.acme.omantel.test.", comments=[OURS]), item(adopt=True)).changes

    def test_without_ownership_everything_named_is_ours(self) -> None:
        current = stored("MX", "10 mx.elsewhere.test.", comments=[THEIRS])
        assert only(plan_of(current, item(), ownership="none")).action == "update"
        assert only(plan_of(current, item(state="absent", owner=None), ownership="none")).action == "delete"

    def test_foreign_content_that_is_no_valid_value_is_a_conflict_and_shown(self) -> None:
        assert "some junk" in failure_of(plan_of(stored("MX", "some junk"), item())).message

    @given(
        st.permutations(["10 a.test.", "10 b.test.", "20 c.test."]),
        st.permutations(["10 A.test", "10 b.test", "20 c.test."]),
    )
    def test_order_and_case_do_not_count(self, contents, values) -> None:
        assert not plan_of(stored("MX", *contents, comments=[OURS]), item(values=values)).changes


class TestAbsent:
    def test_own_is_deleted(self) -> None:
        change = only(plan_of(stored("MX", "10 x.test.", comments=[OURS]), item(state="absent", values=[])))
        assert change.action == "delete"
        assert change.after == ""
        assert change.payload.body == {"name": "acme.omantel.test.", "type": "MX", "changetype": "DELETE"}

    def test_nothing_there_is_nothing_to_do(self) -> None:
        assert not plan_of({}, item(state="absent")).changes

    @pytest.mark.parametrize("comments", [[], [THEIRS], [NOTE]])
    def test_anybody_elses_is_kept(self, comments) -> None:
        plan = plan_of(stored("MX", "10 mail.acme.omantel.test.", comments=comments), item(state="absent"))
        assert not plan.changes
        assert not plan.failures
        assert [decision.action for decision in plan.decisions] == ["kept"]

    def test_adopted_is_deleted(self) -> None:
        assert only(plan_of(stored("MX", "10 x.test."), item(state="absent", adopt=True))).action == "delete"

    def test_what_is_not_mentioned_is_not_touched(self) -> None:
        current = {
            **stored("MX", "10 mail.acme.omantel.test.", comments=[OURS]),
            **stored("A", "192.0.2.1", comments=[OURS]),
        }
        assert not plan_of(current, item()).changes


class TestMerge:
    SITE = '"google-site-verification=\\097bc"'

    def test_beside_somebodys_values_which_are_sent_back_as_they_are(self) -> None:
        change = only(plan_of(stored("TXT", self.SITE, '"other" "value"', ttl=77, comments=[NOTE]), spf(ttl=300)))
        assert change.payload.body == {
            "name": "acme.omantel.test.",
            "type": "TXT",
            "changetype": "REPLACE",
            "ttl": 77,
            "records": [
                {"content": self.SITE, "disabled": False},
                {"content": '"other" "value"', "disabled": False},
                {"content": '"v=spf1 mx -all"', "disabled": False},
            ],
        }
        assert change.payload.merged

    def test_disabled_values_of_others_stay_disabled(self) -> None:
        records = only(plan_of(stored("TXT", self.SITE, disabled=[self.SITE]), spf())).payload.body["records"]
        assert records[0] == {"content": self.SITE, "disabled": True}

    @pytest.mark.parametrize("own", ['"v=spf1 mx -all"', '"v=spf1" " mx -all"'])
    def test_nothing_to_do(self, own: str) -> None:
        assert not plan_of(stored("TXT", own, self.SITE), spf()).changes

    @pytest.mark.parametrize("own", [['"v=spf1 ~all"'], ['"V=SPF1 a -all"', '"v=spf1 mx -all"']])
    def test_the_managed_value_is_replaced_however_many_there_are(self, own) -> None:
        change = only(plan_of(stored("TXT", *own, self.SITE), spf()))
        assert [record["content"] for record in change.payload.body["records"]] == [self.SITE, '"v=spf1 mx -all"']

    def test_a_disabled_managed_value_is_enabled(self) -> None:
        own = '"v=spf1 mx -all"'
        assert only(plan_of(stored("TXT", own, disabled=[own]), spf())).action == "update"

    def test_created_without_a_mark(self) -> None:
        change = only(plan_of({}, spf(ttl=60)))
        assert change.action == "create"
        assert change.payload.body["ttl"] == 60
        assert "comments" not in change.payload.body

    def test_two_owners_share_one_write(self) -> None:
        other = item(type="TXT", values=["verify=1"], merge={"prefix": "verify="}, owner="beta")
        plan = plan_of(stored("TXT", self.SITE), spf(), other)
        assert only(plan).payload.owners == ("acme", "beta")
        assert len(only(plan).payload.body["records"]) == 3

    def test_an_owner_whose_value_is_there_is_not_named(self) -> None:
        other = item(type="TXT", values=["verify=1"], merge={"prefix": "verify="}, owner="beta")
        plan = plan_of(stored("TXT", '"verify=1"'), spf(), other)
        assert only(plan).payload.owners == ("acme",)
        assert [(d.item.owner, d.action) for d in plan.decisions] == [("acme", "update"), ("beta", "none")]

    def test_absent_leaves_the_others(self) -> None:
        change = only(plan_of(stored("TXT", '"v=spf1 -all"', self.SITE), {**spf(state="absent"), "values": []}))
        assert change.action == "update"
        assert [record["content"] for record in change.payload.body["records"]] == [self.SITE]

    def test_absent_with_a_value_removes_only_that(self) -> None:
        assert not plan_of(stored("TXT", '"v=spf1 ~all"'), spf(state="absent")).changes

    def test_absent_deletes_what_would_be_empty(self) -> None:
        change = only(plan_of(stored("TXT", '"v=spf1 mx -all"'), spf(state="absent")))
        assert change.action == "delete"
        assert change.payload.body["changetype"] == "DELETE"

    @given(st.permutations([SITE, '"b"', '"v=spf1 mx -all"']))
    def test_order_does_not_count(self, contents) -> None:
        assert not plan_of(stored("TXT", *contents), spf()).changes


class TestCname:
    def test_beside_a_cname_nothing_can_stand(self) -> None:
        failure = failure_of(plan_of(stored("CNAME", "x.test."), item()))
        assert failure.code == "foreign_record"
        assert "CNAME" in failure.message

    def test_a_cname_cannot_stand_beside_others(self) -> None:
        failure = failure_of(plan_of(stored("A", "192.0.2.1"), item(type="CNAME", values=["x.test"])))
        assert "existing A" in failure.message

    def test_unless_they_go_in_the_same_run_and_then_deletions_come_first(self) -> None:
        current = stored("A", "192.0.2.1", comments=[OURS])
        plan = plan_of(current, item(type="CNAME", values=["x.test"]), item(type="A", values=[], state="absent"))
        assert not plan.failures
        assert [(change.action, change.kind) for change in plan.changes] == [("delete", "A"), ("create", "CNAME")]

    def test_an_existing_cname_is_no_conflict_with_itself(self) -> None:
        assert not plan_of(stored("CNAME", "x.test."), item(type="CNAME", values=["X.test"])).changes


BAD = [
    ({"name": "acme.other.test"}, "invalid_value", "not below zone 'omantel.test.'"),
    ({"name": "@"}, "invalid_value", "absolute domain name"),
    ({"name": "mail"}, "invalid_value", "not below zone"),
    ({"name": "a b.omantel.test"}, "invalid_value", "absolute domain name"),
    ({"zone": ""}, "invalid_value", "absolute domain name"),
    ({"type": "SOA", "values": ["x"]}, "invalid_value", "SOA belongs to the zone"),
    ({"type": "soa", "values": ["x"]}, "invalid_value", "SOA belongs to the zone"),
    ({"type": "NS", "name": "omantel.test.", "values": ["ns.test"]}, "invalid_value", "NS belongs to the zone"),
    ({"type": "BOGUS"}, "invalid_value", "type 'BOGUS' is not managed; accepted are A,"),
    ({"values": []}, "invalid_value", "values is empty"),
    ({"values": ["mail.acme.omantel.test"]}, "invalid_value", "no MX value"),
    ({"type": "TXT", "values": ["v=DKIM1; p=<public key>"]}, "placeholder", "'<public key>' is a placeholder"),
    ({"name": "<selector>._domainkey.omantel.test"}, "placeholder", "'<selector>' is a placeholder"),
    ({"type": "TXT", "values": ["x" * 65536]}, "invalid_value", "65535 octets of one record"),
    ({"ttl": -5}, "invalid_value", "ttl -5 is out of range"),
    ({"owner": None}, "invalid_value", "owner is missing"),
    ({"owner": "a b"}, "invalid_value", "owner 'a b' is not accepted"),
    ({"type": "CNAME", "values": ["a.test", "b.test"]}, "invalid_value", "a CNAME has one"),
    ({"merge": {"prefix": "10"}}, "invalid_value", "merge is for TXT"),
    (
        {"type": "TXT", "values": ["v=spf1 -all", "v=spf1 ~all"], "merge": {"prefix": "v=spf1"}},
        "invalid_value",
        "with merge it has one",
    ),
    (
        {"type": "TXT", "values": ["hello"], "merge": {"prefix": "v=spf1"}},
        "invalid_value",
        "does not start with merge.prefix",
    ),
    ({"type": "TXT", "values": ["hello"], "merge": {"prefix": " "}}, "invalid_value", "merge.prefix is empty"),
    (
        {"type": "TXT", "values": ["v=spf1"], "merge": {"prefix": "v=spf1"}, "adopt": True},
        "invalid_value",
        "adopt has no meaning",
    ),
]


class TestBadInput:
    @pytest.mark.parametrize(("change", "code", "why"), BAD, ids=[why for _change, _code, why in BAD])
    def test_refused_with_place_and_reason(self, change, code, why) -> None:
        desired, mistakes = parse([{**item(), **change}], owner_needed=True)
        assert not desired
        ((failure,),) = mistakes.values()
        assert failure.code == code
        assert why in failure.message
        assert failure.message.startswith("rrsets[0] (")

    def test_every_mistake_is_reported_for_its_owner(self) -> None:
        items = [
            item(values=["bad"]),
            item(owner="beta", name="beta.omantel.test"),
            item(type="A", values=["1"]),
            item(owner="gamma", values=[]),
        ]
        desired, mistakes = parse(items, owner_needed=True)
        assert [d.owner for d in desired] == ["beta"]
        assert {owner: len(failures) for owner, failures in mistakes.items()} == {"acme": 2, "gamma": 1}

    @pytest.mark.parametrize(
        ("one", "other", "code"),
        [
            (item(), item(), "invalid_value"),
            (item(), item(name="ACME.omantel.test."), "invalid_value"),
            (item(), item(owner="beta"), "conflict"),
            (spf(), spf("v=spf1 ~all"), "invalid_value"),
            (spf(), spf("v=spf1 ~all", owner="beta"), "conflict"),
            (spf(), item(type="TXT", values=["x"]), "invalid_value"),
            (item(type="CNAME", values=["x.test"]), item(), "invalid_value"),
            (item(type="CNAME", values=["x.test"]), item(owner="beta"), "conflict"),
        ],
    )
    def test_items_that_contradict_each_other(self, one, other, code) -> None:
        _desired, mistakes = parse([one, other], owner_needed=True)
        assert set(mistakes) == {one["owner"], other["owner"]}
        assert {failure.code for failures in mistakes.values() for failure in failures} == {code}

    def test_two_owners_may_want_the_same_merged_value(self) -> None:
        _desired, mistakes = parse([spf(), spf(owner="beta")], owner_needed=True)
        assert not mistakes

    def test_the_same_name_in_two_zones_is_no_contradiction(self) -> None:
        child = {**item(), "zone": "acme.omantel.test"}
        assert not parse([item(), child], owner_needed=True)[1]
