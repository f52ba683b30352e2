"""Secrets are found by prefix, by name and by form; what only talks of them is left as it is."""

from __future__ import annotations

import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_mcp.logs import _LineFormatter
from codex_mcp.redaction import TOKENS, redact, secrets

# put together here, so that no scanner takes this file for a leak
WORD = "a1B2c3D4e5F6g7H8"
HEX = "0123456789abcdef"
PLANTED = {
    "openai": "sk-" + "proj-" + WORD * 3,
    "anthropic": "sk-" + "ant-api03-" + WORD * 4,
    "github": "ghp" + "_" + (WORD * 3)[:36],
    "github fine-grained": "github" + "_pat_" + WORD + "_" + WORD * 3,
    "gitlab": "glpat" + "-" + WORD + "-x7_Q",
    "slack": "xoxb" + "-123456789012-" + WORD,
    "aws id": "AKIA" + "IOSFODNN7EXAMPLE"[:16].replace("8", "7").replace("9", "7"),
    "google": "AIza" + (WORD * 3)[:35],
    "google oauth": "ya29" + "." + WORD * 3,
    "stripe": "sk" + "_live_" + WORD * 2,
    "npm": "npm" + "_" + (WORD * 3)[:36],
    "pypi": "pypi" + "-AgEIcHlwaS5vcmc" + WORD * 3,
    "docker": "dckr" + "_pat_" + WORD * 2,
    "hugging face": "hf" + "_" + WORD * 2,
    "sendgrid": "SG" + "." + WORD + "." + WORD * 2,
    "twilio": "SK" + HEX * 2,
    "digitalocean": "dop" + "_v1_" + HEX * 4,
    "vault": "hvs" + "." + WORD * 2,
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIx.c2lnbmF0dXJl",
    "slack webhook": "hooks.slack.com" + "/services/T0000/B0000/" + WORD,
}
NAMED = [
    ("OPENAI_API_KEY={}", f"proj-{HEX}"),
    ("export AWS_SECRET_ACCESS_KEY={}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("api-key: '{}'", f"proj-{HEX}"),
    ('"access_token": "{}"', f"proj-{HEX}"),
    ('{{\\"clientSecret\\": \\"{}\\"}}', "abc8Q~abcdefgh"),
    ("password={}", f"proj-{HEX}"),
    ('password = "{}"', "a,b(1)cdefghijk"),
    ("AccountKey={};EndpointSuffix=core", WORD * 4 + "=="),
    ("Authorization: Bearer {}", f"proj-{HEX}"),
    ('{{"authorization": "Bearer {}"}}', f"proj-{HEX}"),
    ("Authorization: Basic {}", "dXNlcjpwYXNz"),
    ("curl -H 'Authorization: token {}'", HEX),
    ("bearer {}", HEX),
    ("tool --db-password {} --verbose", HEX),
    ("tool --token={}", HEX),
    ("postgres://user:{}@db.example/x", "hunter2"),
    ("proxy http://user:{}@proxy.example:8080 refused", "p@ss:word"),
    ('Url {{ scheme: "http", username: "user", password: Some("{}"), host: Some(Domain("proxy")) }}', "hunter2"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----", WORD * 4 + "\n" + WORD),
    ("-----BEGIN PRIVATE KEY-----\\n{}", WORD * 4),
]


@pytest.mark.requirement("reliability:secrets:logs")
@pytest.mark.parametrize("secret", PLANTED.values(), ids=PLANTED.keys())
def test_what_looks_like_a_secret_is_masked_whatever_its_kind(secret: str) -> None:
    assert redact(f"it said {secret} and went on") == "it said *** and went on"
    assert redact(f'{{"value":"{secret}"}}') == '{"value":"***"}'


@pytest.mark.requirement("reliability:secrets:logs")
@pytest.mark.parametrize(("text", "secret"), NAMED, ids=[text for text, _ in NAMED])
def test_what_stands_where_secrets_stand_is_masked(text: str, secret: str) -> None:
    masked = redact(text.format(secret))
    assert "***" in masked
    assert secret not in masked
    assert not any(part in masked for part in secret.split("\n"))


@pytest.mark.requirement("reliability:secrets:logs")
@pytest.mark.parametrize(
    "text",
    [
        "the token was refused; see api_key in config.toml; 12 tokens",
        "the token yesterday was fine",
        "password: required",
        "secret = load_secret()",
        "token = response.json2()",
        "token=${GITHUB_TOKEN_2}",
        "max_tokens: 128000000000000",
        "Token.Token = Token\nToken.String2",
        "https://example.org:8080/a@b",
        "session 019a3f0c-7d1e-7c43-9a52-0b7c9f3d2e11",
        "sk-loading-spinner-container",
    ],
)
def test_what_only_names_a_secret_is_left_alone(text: str) -> None:
    assert redact(text) is text


@pytest.mark.requirement("reliability:secrets:logs")
def test_lines_of_the_log_are_masked_with_their_fields_and_tracebacks() -> None:
    try:
        raise ValueError(PLANTED["openai"])
    except ValueError as error:
        record = logging.LogRecord("codex_mcp", logging.ERROR, "", 0, "%s", (PLANTED["github"],), None)
        record.exc_info = (type(error), error, error.__traceback__)
    record.fields = {"key": PLANTED["stripe"]}
    line = _LineFormatter().format(record)
    assert line.count("***") == 3
    assert not any(secret in line for secret in PLANTED.values())


def test_a_kind_names_what_was_found_and_where() -> None:
    text = f"first {PLANTED['github']}, then password={HEX}"
    found = list(secrets(text))
    assert [(secret.kind, text[secret.start : secret.end]) for secret in found] == [
        ("github_token", PLANTED["github"]),
        ("value", HEX),
    ]
    assert redact(text, lambda secret: f"[{secret.kind}]") == "first [github_token], then password=[value]"


PIECES = st.sampled_from([*PLANTED.values(), "password=", "Bearer ", "://u:", "@", " ", '"', "\n", WORD, HEX, "-----"])


@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=12))
def test_what_is_left_of_a_masked_text_is_the_text_around_the_secrets(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = list(secrets(text))
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    rest = "".join(
        text[a:b] for a, b in zip([0, *(s.end for s in found)], [*(s.start for s in found), None], strict=True)
    )
    assert redact(text, lambda _: "") == rest


@pytest.mark.parametrize("head", [prefix for prefixes, _ in TOKENS.values() for prefix in prefixes])
def test_no_token_begins_in_the_middle_of_a_word(head: str) -> None:
    assert not [s for s in secrets(f"x{head}" + "g" * 20) if s.kind in TOKENS]
