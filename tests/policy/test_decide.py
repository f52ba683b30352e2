"""Decisions: examples of each rule, and what holds for every policy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codex_mcp.policy.decide import Effect, Request, decide, lower
from codex_mcp.policy.document import Ceilings, Document, HighImpact, McpServer, Methods, Scope
from codex_mcp.policy.stricter import stricter

TICKETS = McpServer(command="tickets-mcp", args=("--stdio",), tools=("search", "close"))
DOCUMENT = Document(
    version=1,
    scope=Scope(roots=("/src",), deny_paths=("/home/u/.ssh", "**/.env*", "customers/**")),
    methods=Methods(tools=("codex",), deny=("loginApiKey", "getAuthStatus.token")),
    ceilings=Ceilings(sandbox="workspace-write", approval=("on-request",), config_keys=("model_verbosity", "x.y")),
    mcp_servers={"tickets": TICKETS},
    high_impact=(
        HighImpact(
            category="production",
            commands=(r"\bgit\b.*\bpush\b",),
            paths=("deploy/**", "**/*.tf"),
            tools=("mcp__tickets__close",),
        ),
    ),
)


@pytest.mark.requirement("policy:decide:table")
@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (Request(method="loginApiKey"), "methods.deny"),
        (Request(method="getAuthStatus.token"), "methods.deny"),
        (Request(offered_tool="codex-read"), "methods.tools"),
        (Request(paths=("/etc",)), "scope.roots"),
        (Request(paths=("/srcs",)), "scope.roots"),
        (Request(writable_roots=("/",)), "scope.roots"),
        (Request(paths=("/src/.env.local",)), "scope.deny_paths"),
        (Request(touched=("/home/u/.ssh/id",)), "scope.deny_paths"),
        (Request(touched=("/src/a/customers/b/c",)), "scope.deny_paths"),
        (Request(sandbox="danger-full-access"), "ceilings.sandbox"),
        (Request(sandbox="something-new"), "ceilings.sandbox"),
        (Request(network=True), "ceilings.network"),
        (Request(approval="never"), "ceilings.approval"),
        (Request(config={"features": {"hooks": False}}), "ceilings.config_keys"),
        (Request(config={"features.hooks": False}), "ceilings.config_keys"),
        (Request(config={"x": {"z": 1}}), "ceilings.config_keys"),
        (Request(config={"x": {}}), "ceilings.config_keys"),
        (Request(server="other"), "mcp_servers"),
        (Request(server="tickets", identity=McpServer(command="evil")), "mcp_servers.tickets"),
        (Request(server="tickets", tool="mcp__tickets__delete"), "mcp_servers.tickets.tools"),
    ],
)
def test_each_rule_says_no_and_names_itself(request_: Request, rule: str) -> None:
    ruling = decide(DOCUMENT, request_)
    assert (ruling.effect, ruling.rule) == (Effect.DENY, rule)
    assert ruling.because


@pytest.mark.requirement("policy:decide:table")
@pytest.mark.parametrize(
    "request_",
    [
        Request(method="getAuthStatus"),
        Request(offered_tool="codex"),
        Request(paths=("/src", "/src/a")),
        Request(sandbox="read-only", network=False, approval="on-request"),
        Request(config={"model_verbosity": "low", "x": {"y": {"z": 1}}}),
        Request(server="tickets", identity=TICKETS, tool="mcp__tickets__search"),
        Request(tool="Bash", command="git status"),
        Request(tool="apply_patch", touched=("/src/a.py",)),
    ],
)
def test_what_no_rule_is_about_is_allowed(request_: Request) -> None:
    assert decide(DOCUMENT, request_).effect is Effect.ALLOW


@pytest.mark.requirement("policy:decide:impact")
@pytest.mark.parametrize(
    "request_",
    [
        Request(tool="Bash", command="cd /src && git push"),
        Request(tool="apply_patch", touched=("/src/deploy/a/b",)),
        Request(tool="apply_patch", touched=("/src/ok", "/src/main.tf")),
        Request(server="tickets", tool="mcp__tickets__close"),
    ],
)
def test_high_impact_is_asked_with_its_class(request_: Request) -> None:
    ruling = decide(DOCUMENT, request_)
    assert (ruling.effect, ruling.rule, ruling.categories) == (Effect.ASK, "high_impact.production", ("production",))


def test_a_no_comes_before_a_question() -> None:
    assert decide(DOCUMENT, Request(tool="apply_patch", touched=("/src/deploy/.env",))).effect is Effect.DENY


@pytest.mark.requirement("policy:commands:hidden")
def test_hidden_commands_are_asked_where_they_could_evade_a_pattern() -> None:
    request = Request(tool="Bash", command="$X push")
    assert decide(DOCUMENT, request).rule == "approval.hidden_commands"
    assert decide(structs.replace(DOCUMENT, high_impact=()), request).effect is Effect.ALLOW


@pytest.mark.requirement("policy:ceilings:lower")
def test_what_is_above_a_ceiling_can_be_lowered_instead() -> None:
    document = structs.replace(DOCUMENT, ceilings=structs.replace(DOCUMENT.ceilings, above="lower"))
    wanted = Request(sandbox="danger-full-access", network=True, approval="never", config={"x": {"y": 1, "z": 2}})
    lowered, notes = lower(document, wanted)
    assert lowered == Request(sandbox="workspace-write", network=False, approval="on-request", config={"x": {"y": 1}})
    assert len(notes) == 4
    assert decide(document, lowered).effect is Effect.ALLOW
    assert lower(DOCUMENT, wanted) == (wanted, ())


# -- properties

NAMES = st.sampled_from(["a", "b", "c", "d"])
PATHS = st.sampled_from(["/a", "/a/b", "/a/b/c", "/d", "/d/.env"])
PATTERNS = st.sampled_from(["git", r"\bpush\b", "^ls", "a|b"])
GLOBS = st.sampled_from(["/a", "b", "**/.env", "c/**", "/d/*"])
SANDBOXES = st.sampled_from(["read-only", "workspace-write", "danger-full-access"])
APPROVALS = st.sampled_from(["never", "on-request", "untrusted"])
SERVERS = st.builds(
    McpServer, command=st.sampled_from(["x", "y"]), tools=st.none() | st.lists(NAMES, max_size=3).map(tuple)
)


def some(what: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(what, max_size=3).map(tuple)


IMPACTS = st.builds(
    HighImpact, category=NAMES, commands=some(PATTERNS), paths=some(GLOBS), tools=some(st.sampled_from(["*", "mcp__*"]))
)
DOCUMENTS = st.builds(
    Document,
    version=st.just(1),
    scope=st.builds(Scope, roots=st.none() | some(PATHS), deny_paths=some(GLOBS)),
    methods=st.builds(Methods, tools=st.none() | some(NAMES), deny=some(NAMES)),
    ceilings=st.builds(
        Ceilings,
        sandbox=SANDBOXES,
        network=st.booleans(),
        approval=some(APPROVALS),
        config_keys=some(st.sampled_from(["k", "k.l", "m"])),
        above=st.sampled_from(["refuse", "lower"]),
    ),
    mcp_servers=st.dictionaries(NAMES, SERVERS, max_size=3),
    high_impact=some(IMPACTS),
)
REQUESTS = st.builds(
    Request,
    method=st.none() | NAMES,
    offered_tool=st.none() | NAMES,
    paths=some(PATHS),
    sandbox=st.none() | SANDBOXES,
    network=st.none() | st.booleans(),
    writable_roots=some(PATHS),
    approval=st.none() | APPROVALS,
    config=st.none() | st.dictionaries(st.sampled_from(["k", "m", "n"]), st.just(1) | st.just({"l": 1, "o": 2})),
    server=st.none() | NAMES,
    identity=st.none() | SERVERS,
    tool=st.none() | st.sampled_from(["Bash", "mcp__a__b", "mcp__c__d"]),
    command=st.none() | st.sampled_from(["git push", "ls", "$X", "echo a"]),
    touched=some(PATHS),
)


@pytest.mark.requirement("policy:decide:monotone")
@given(DOCUMENTS, DOCUMENTS, REQUESTS)
def test_two_policies_allow_only_what_each_allows(a: Document, b: Document, request_: Request) -> None:
    both = decide(stricter(a, b), request_).effect.rank
    assert both >= decide(a, request_).effect.rank
    assert both >= decide(b, request_).effect.rank


@pytest.mark.requirement("policy:decide:monotone")
@given(DOCUMENTS, REQUESTS, IMPACTS, GLOBS, NAMES)
def test_adding_a_rule_never_allows_more(
    document: Document, request_: Request, impact: HighImpact, glob: str, name: str
) -> None:
    before = decide(document, request_).effect.rank
    scope = structs.replace(document.scope, deny_paths=(glob, *document.scope.deny_paths))
    methods = structs.replace(document.methods, deny=(name, *document.methods.deny))
    for stricter_document in (
        structs.replace(document, high_impact=(impact, *document.high_impact)),
        structs.replace(document, scope=scope),
        structs.replace(document, methods=methods),
    ):
        assert decide(stricter_document, request_).effect.rank >= before


@given(DOCUMENTS, REQUESTS)
def test_what_was_lowered_is_under_every_ceiling(document: Document, request_: Request) -> None:
    lowered, notes = lower(document, request_)
    if document.ceilings.above == "lower" and document.ceilings.approval:
        ruling = decide(document, lowered)
        assert not ruling.rule.startswith("ceilings.")
    assert bool(notes) or lowered == request_


@given(DOCUMENTS)
def test_a_policy_with_itself_decides_the_same(document: Document) -> None:
    assert stricter(document, document) == stricter(stricter(document, document), document)
