"""The audit of expressions."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.expressions import (
    VARIABLES,
    ExpressionError,
    audit,
    tokenize,
)
from hypothesis import given
from hypothesis import strategies as st

GOOD = [
    "true",
    "5s",
    "'mx'",
    '"a\\"b"',
    "local_port != 25 && is_tls",
    "[plain, login, oauthbearer, xoauth2]",
    "[]",
    "is_local_domain(sender_domain) && !is_empty(authenticated_as)",
    "!is_empty(authenticated_as) || !key_exists('spam-block', sender_domain)",
    "retry_num > 0 && last_error == 'tls'",
    "key_exists('sender-allow', authenticated_as + ':' + sender)",
    "matches('^([^@]+)@(.+)$', rcpt) && $2 == 'example.org'",
    "if_then(is_local_domain(rcpt_domain), 'local', 'mx')",
    "(1 + 2) * -3 >= 4 ^ false",
    "relaxed",
    "split(sender, '@') == ['a', 'b']",
    "local_port & is_tls | is_tls",
    "octets[0] == 127 && octets[ 3 ] < 4",
    "dns_query(rcpt_domain, 'mx')[0]",
    "split(rcpt, '@')[1] == 'a.test'",
    "[sender, rcpt][1][0]",
    "$SPF_FAIL && !$FREEMAIL_FROM",
    "metric('queue.count') > 1",
    "system('node_id') + system('hostname')",
    "sender ==\n 'x'",
]


@pytest.mark.parametrize("text", GOOD)
def test_accepts(text: str) -> None:
    audit(text, variables=[*VARIABLES, "octets"])


BAD = [
    ("sender = 'x'", "single '='"),
    ("sender='x'", "single '=' at column 7"),
    ("local_port => 25", "write '>='"),
    ("local_port =< 25", "write '<='"),
    ("", "empty"),
    ("   ", "empty"),
    ("nonexistent_var == 'x'", "unknown variable or constant 'nonexistent_var'"),
    ("sendr == 'x'", "did you mean 'sender'"),
    ("is_emty(sender)", "did you mean 'is_empty'"),
    ("frobnicate(1)", "unknown function 'frobnicate'"),
    ("is_local_domain('*', sender_domain)", "takes one argument, not 2"),
    ("is_local_address()", "takes one argument, not 0"),
    ("'open", "cannot read"),
    ("(sender == 'x'", "ends where ')'"),
    ("sender == 'x')", "unexpected ')'"),
    ("sender ==", "ends where a value"),
    ("&& sender", "unexpected '&&'"),
    ("sender sender", "unexpected 'sender' at column 8"),
    ("[plain, login", "ends where ']'"),
    ("[plain login]", "expected ',' or ']'"),
    ("is_empty(sender", "ends where ')'"),
    ("sender == #", "cannot read '#'"),
    ("5sx", "cannot read"),
    ("!", "ends where a value"),
    ("size > 10MB", "sizes in bytes"),
    ("1kb > 2", "sizes in bytes"),
    ("'a'[0]", "unexpected '['"),
    ("$1[0]", "unexpected '['"),
    ("rcpt[", "ends where a value"),
    ("rcpt[]", "unexpected ']'"),
    ("rcpt[0", "ends where ']'"),
    ("rcpt[-1]", "cannot begin with '-'"),
    ("rcpt[0, 1]", "expected ']'"),
    ("$", "cannot read"),
    ("sender == 'x' and is_tls", "unexpected 'and' at column 15. Write '&&'"),
    ("sender == 'x' or is_tls", "Write '||'"),
    ("not is_tls", "Write '!'"),
    ("not(is_tls)", "Write '!'"),
    ("ends_with(sender, @acme.test)", "cannot read '@acme.test)' at column 19; a text needs quotes"),
    ("contains(rcpt)", "contains takes 2 arguments, not 1"),
    ("len(rcpt, 1)", "len takes one argument, not 2"),
    ("matches(rcpt, 'x')", "must be a text in quotes"),
    ("system('bogus')", "system at column 1 knows domain, hostname"),
    ("sender\t== 'x'", "a tab before column 8"),
    ("(" * 100 + "1" + ")" * 100, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        audit(text)
    assert message in str(caught.value)


def test_the_server_s_own_names_win() -> None:
    audit("brand_new_variable", variables=["brand_new_variable"])
    with pytest.raises(ExpressionError):
        audit("sender", variables=["brand_new_variable"])


@given(st.text(alphabet="abs_=!<>&|()[],'\"$0 19.+-*/^\\#", max_size=30))
def test_never_fails_otherwise(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        audit(text, variables=["a", "b", "s"])
        assert not any(token.text == "=" for token in tokenize(text))


@given(
    st.recursive(
        st.sampled_from(["sender", "'x'", "5s", "true", "1"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["==", "!=", "&&", "||", "+", "<"]), inner).map(" ".join),
            inner.map(lambda e: f"({e})"),
            inner.map(lambda e: f"!{e}"),
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            inner.map(lambda e: f"is_empty({e})"),
        ),
        max_leaves=12,
    )
)
def test_accepts_whatever_the_grammar_makes(text: str) -> None:
    audit(text)


def test_0_15_lacks_a_function() -> None:
    with pytest.raises(ExpressionError, match="unknown function 'is_ip_in_cidr'"):
        audit("is_ip_in_cidr(remote_ip, '10.0.0.0/8')", generation="0.15")
