"""What looks like a secret in a text: found, named by its kind, masked.

Three ways to know one: the prefix that its issuer gives it (`TOKENS`), the name that stands before it
(`password = …`), the form around it (a private key, a URL with a password). A bare string of hexadecimal digits is
not known, nor is a password in a sentence. Every look ahead is bounded: the time is linear in the text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

TOKENS: dict[str, tuple[tuple[str, ...], str]] = {
    "openai_key": (("sk-",), r"(?=[\w-]{0,64}?\d)[\w-]{16,}+"),
    "atlassian_token": (("ATATT3", "ATCTT3"), r"[\w=-]{40,}+"),
    "aws_key_id": (("AKIA", "ASIA", "ABIA", "ACCA"), r"[A-Z2-7]{16}\b"),
    "databricks_token": (("dapi",), r"[0-9a-f]{32}"),
    "digitalocean_token": (("dop_v1_", "doo_v1_", "dor_v1_"), r"[0-9a-f]{64}"),
    "docker_token": (("dckr_pat_", "dckr_oat_"), r"[\w-]{20,}+"),
    "github_token": (("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), r"\w{22,}+"),
    "gitlab_token": (("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glagent-", "gloas-"), r"[\w.-]{20,}+"),
    "google_key": (("AIza",), r"[\w-]{35}"),
    "google_oauth": (("ya29.", "GOCSPX-", "1//0"), r"[\w-]{20,}+"),
    "grafana_token": (("glc_", "glsa_"), r"[\w+/=]{20,}+"),
    "groq_key": (("gsk_",), r"[A-Za-z0-9]{20,}+"),
    "huggingface_token": (("hf_", "api_org_"), r"[A-Za-z0-9]{30,}+"),
    "jwt": (("eyJ",), r"[\w-]{8,}+\.[\w-]++\.[\w-]*+"),
    "linear_key": (("lin_api_",), r"[A-Za-z0-9]{30,}+"),
    "mailgun_key": (("key-",), r"[0-9a-f]{32}\b"),
    "notion_key": (("ntn_",), r"[A-Za-z0-9]{30,}+"),
    "npm_token": (("npm_",), r"[A-Za-z0-9]{36}"),
    "pypi_token": (("pypi-",), r"[\w-]{50,}+"),
    "sendgrid_key": (("SG.",), r"[\w-]{16,}+\.[\w-]{16,}+"),
    "sentry_token": (("sntrys_", "sntryu_"), r"[\w+/=]{32,}+"),
    "shopify_token": (("shpat_", "shpca_", "shppa_", "shpss_"), r"[0-9a-fA-F]{32}"),
    "slack_token": (("xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"), r"[\w.-]{10,}+"),
    "slack_webhook": (("hooks.slack.com/services/",), r"[\w/]{20,}+"),
    "stripe_key": (("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"), r"[A-Za-z0-9+/=]{16,}+"),
    "tailscale_key": (("tskey-",), r"[\w-]{20,}+"),
    "twilio_key": (("SK",), r"[0-9a-f]{32}\b"),
    "vault_token": (("hvs.", "hvb.", "hvr."), r"[\w-]{24,}+"),
    "xai_key": (("xai-",), r"[A-Za-z0-9]{20,}+"),
}
"""By kind: the prefixes, and a pattern of what follows one. Before a prefix there is no letter, digit or `_`."""

# The end of a name whose value is secret, in any case: DB_PASSWORD, clientSecret, x-api-key, AWS_SECRET_ACCESS_KEY.
# Both cases of the first letter are spelled out, which is what lets `re` pass over most of a text quickly.
_NAMES = {
    "a": "uthorization|(?:pi|ccess|ccount|uth)[_-]?key",
    "c": "redentials?|lient[_-]?key",
    "e": "ncryption[_-]?key",
    "p": "ass(?:word|wd|phrase)|wd|rivate[_-]?key",
    "s": "ecret|hared[_-]?key|igning[_-]?key",
    "t": "oken",
}
_NAME = (
    "(?:"
    + "|".join(f"{first}(?i:{rest})" for letter, rest in _NAMES.items() for first in (letter, letter.upper()))
    + ")"
    "(?i:[_-]?(?:access[_-]?)?(?:key|token|secret|value))?"
)
# Between a name and its value: `=`, `:` and the like, quotes (escaped, too), the scheme of an Authorization header;
# on a command line a space.
_QUOTE = r"""\\{0,3}["']"""
_SEPARATOR = rf"(?:{_QUOTE})?[ \t]{{0,3}}(?::=|=>|[:=])[ \t]{{0,3}}"
_SCHEME = r"(?i:bearer|basic)[ \t]{1,3}"
_VARIABLE = r"[$%]?[({<]|[$%][A-Za-z_]"


def _value(characters: str) -> str:
    """Twelve characters and more with a letter and a digit: a word is no value, nor is a number, a call, a variable."""
    few = rf"{characters}{{0,64}}?"
    return rf"(?!{_VARIABLE})(?={few}\d)(?={few}[A-Za-z]){characters}{{12,}}+(?![(\[{{])"


_QUOTED = _value(r"""[^\s"'\\]""")
_BARE = _value(r"""[^\s"'`,;<>(){}\[\]\\]""")
_FORMS = (
    # what follows the scheme of a header is secret, however it looks
    rf"{_NAME}(?:{_SEPARATOR}(?:(?:{_QUOTE})?{_SCHEME}(?P<header>[\w.~+/=-]{{6,}}+)"
    rf"|{_QUOTE}(?P<quoted_value>{_QUOTED})|(?:(?i:token)[ ])?(?P<value>{_BARE})))",
    rf"--(?:[A-Za-z]{{1,16}}-){{0,2}}{_NAME}[ \t]{{1,3}}(?P<option>{_BARE})",
    rf"[Bb](?i:earer)(?<!\w.{{6}})[ \t]{{1,3}}(?P<bearer_token>{_BARE})",
    r"(?P<private_key>-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[\w\s\\+/=:,.]|-(?!----))*+"
    r"(?:-----END [A-Z ]{0,40}-----)?)",
    r"password: Some\(\"(?P<url_field>[^\"]{1,256})\"\)",  # a URL as Rust prints it for debugging
    r":(?<=[A-Za-z0-9]:)//[^\s/:@\"']{0,128}:(?P<url_password>[^\s/\"']{1,256})@",
)


class Secret(NamedTuple):
    """A secret is `text[start:end]`; `kind` is a key of TOKENS, or says what gave it away."""

    start: int
    end: int
    kind: str


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compiled at the first use, which takes some ten milliseconds. Apart they are ten times as fast as in one."""
    first_letters = "".join(sorted({prefix[0] for prefixes, _ in TOKENS.values() for prefix in prefixes}))
    tokens = [
        f"(?P<{kind}>(?:{'|'.join(map(re.escape, prefixes))}){rest})" for kind, (prefixes, rest) in TOKENS.items()
    ]
    return re.compile(rf"\b(?=[{first_letters}])(?:{'|'.join(tokens)})"), *map(re.compile, _FORMS)


def secrets(text: str) -> Iterator[Secret]:
    """Every secret of a text, in order; none overlaps another."""
    found = []
    for pattern in _patterns():
        for match in pattern.finditer(text):
            assert match.lastgroup is not None  # each way to match has one named group
            found.append(Secret(*match.span(match.lastgroup), match.lastgroup))
    last: Secret | None = None
    for secret in sorted(found):
        if last is None or secret.start >= last.end:
            if last is not None:
                yield last
            last = secret
        elif secret.end > last.end:  # two ways to see one secret: hidden is what either sees
            last = last._replace(end=secret.end)
    if last is not None:
        yield last


def redact(text: str, mask: Callable[[Secret], str] = lambda _: "***") -> str:
    """`text` with each secret replaced by what `mask` makes of it."""
    parts, end = [], 0
    for secret in secrets(text):
        parts += [text[end : secret.start], mask(secret)]
        end = secret.end
    return "".join([*parts, text[end:]]) if parts else text


# A text that ends in one of these may go on to be a secret, beyond the white space that it ends in or holds: a name,
# its separator and its scheme, or the head and body of a private key.
_WORDS_BEHIND_A_NAME = 3  # separator, scheme, value
_BEGUN_NAME = rf"(?:{_NAME}|[Bb](?i:earer))"
_BEGUN_KEY = r"-----BEGIN [A-Z ]{0,60}-{0,5}\Z|-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\w\s\\+/=:,.-]*\Z"


@functools.cache
def _begun() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(_BEGUN_NAME), re.compile(_BEGUN_KEY)


def could_continue(text: str) -> int:
    """From where on a text may turn out to hold a secret if it goes on, apart from its last run of characters without
    white space, any of which may be the beginning of one. Its length if nowhere."""
    name, key = _begun()
    hold = len(text)
    if "-----BEGIN" in text and (begun := key.search(text)):
        hold = begun.start()
    line = max(text.rfind("\n"), len(text) - 512) + 1
    words = list(re.finditer(r"\S+", text[line:]))[-1 - _WORDS_BEHIND_A_NAME :]
    for word in words:
        if name.search(word[0]):
            return min(hold, line + word.start())
    return hold
