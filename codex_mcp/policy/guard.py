"""Carries a policy out: what it says to each act is recorded before the act, and what came of it after.

It knows the client's requests by `admit`, requests to the engine by `pass_on`, tool calls of the model by the gate, and
the engine's messages by `hear`. What is to be asked is asked by whoever it is given as `asker`. In the mode `observe`
it decides and records, and lets everything through.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
import pathlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import anyio

from codex_mcp.policy import engine_settings
from codex_mcp.policy.acts import act, in_words, kind_of
from codex_mcp.policy.audit import keys
from codex_mcp.policy.audit.anchors import Anchor
from codex_mcp.policy.audit.record import Actor, Approver, Decision, Fields, Outcome
from codex_mcp.policy.audit.trail import AuditFailed, Trail
from codex_mcp.policy.decide import ALLOWED, Effect, Request, Ruling, decide
from codex_mcp.policy.engine_requests import JsonObject, PolicyDenied, Surroundings, flat_config, shape
from codex_mcp.policy.engine_settings import PROFILES
from codex_mcp.policy.gate import GATE_VARIABLE, MANAGED_HOOK, Gate, GateCall
from codex_mcp.policy.load import Policy, PolicyError
from codex_mcp.policy.masking import Masker
from codex_mcp.policy.paths import is_below, resolve
from codex_mcp.redaction import redact

log = logging.getLogger(__name__)

_TICK = 5.0  # seconds between looks at whether a checkpoint is due
_MAX_KEPT = 4096  # calls of which something is remembered
_MAX_TARGET = 2000  # characters


@dataclass(frozen=True)
class Question:
    """A tool call that a person has to decide on."""

    call: GateCall
    request: Request
    ruling: Ruling
    what: str
    """The act in words; nothing in it is masked."""
    cwd: str
    escalated: bool | None
    """Whether it is to leave the sandbox; None if that is not known."""


@dataclass(frozen=True)
class Answer:
    """What came of a question."""

    decision: Decision
    """`approved`, `declined`, `timeout` or `withdrawn`."""
    approver: Approver
    because: str = ""


class Asker(Protocol):
    """Whoever puts questions to people, and tells clients what was refused without one."""

    async def ask(self, question: Question, limit: float) -> Answer:
        """The answer, within `limit` seconds."""

    def tell_denied(self, question: Question, because: str) -> None:
        """The call was refused; nobody was asked."""


@dataclass
class _Thread:
    """What is known of a thread of the engine."""

    client: Actor
    cwd: str = ""
    in_scope: bool = True
    sandbox: str = ""
    approval: str = ""
    approver: Approver = "none"
    """How its client is asked."""


class Guard:
    """One per agent: its policy, its trail, its gate."""

    def __init__(
        self, policy: Policy, *, cwd: str, home: pathlib.Path, configured: Mapping[str, Any], flags: Mapping[str, Any]
    ) -> None:
        """`cwd` and `home` (CODEX_HOME) are the engine's, `configured` is its config.toml, `flags` are the settings
        of the server's command line by dotted key. Raises PolicyError if the policy cannot be carried out."""
        self.policy = policy
        self.document = document = policy.document
        self.folder = pathlib.Path(os.path.expanduser(document.audit.dir))
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = keys.digest_key(self.folder)
        except OSError as error:
            raise PolicyError(f"the audit folder {self.folder} cannot be used: {error.strerror or error}") from None
        self.masker = Masker(document.masking, key)
        self.asker: Asker
        """Set before the gate is served."""
        self.gate = Gate(self._judge, self.masker.tree)
        anchor = None if document.audit.anchor == "none" else Anchor(document.audit.anchor)
        self._anchor = anchor
        self.trail = Trail(self.folder, policy.digest, anchor)
        merged = {**flat_config(configured), **flags}
        protected = (str(self.gate.folder), str(self.folder), *policy.files, str(home / "auth.json"))
        self._servers = _tables(configured, flags)
        self.around = Surroundings(document, cwd, protected, merged, dict(flags))
        self._sessions = str(resolve(str(home / "sessions")))
        self._threads: dict[str, _Thread] = {}
        self._asked: dict[Any, tuple[str, JsonObject, Actor, Approver]] = {}
        self._begun: dict[tuple[str, Any], Fields] = {}
        self._raw: dict[str, JsonObject] = {}
        self._granted: dict[str, tuple[Question, Answer]] = {}
        self._passing: tuple[Actor, Approver] | None = None
        self._user = _user()

    @property
    def enforcing(self) -> bool:
        return self.document.mode == "enforce"

    @property
    def masks_output(self) -> bool:
        """Whether what goes to clients is masked."""
        return self.document.masking.level == "all" and self.enforcing

    def engine_settings(self) -> list[str]:
        """`key=value` settings for the engine's command line, to be given last."""
        given = engine_settings.settings(
            self.document,
            hook=self.gate.hook,
            protected=self.around.protected,
            configured=self._servers,
            result_hook=self.gate.result_hook,
        )
        return given if self.enforcing else [line for line in given if line.split("=")[0] in _OBSERVED]

    @property
    def environment(self) -> dict[str, str]:
        """Of the engine, beside its own."""
        return {GATE_VARIABLE: str(self.gate.folder)}

    async def run(self) -> None:
        """Serve the gate and keep checkpoints until cancelled; then close the trail. Raises AuditFailed."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.gate.serve)
                while True:
                    await anyio.sleep(_TICK)
                    self.trail.tick()
        finally:
            self.gate.close()
            try:
                self.trail.close()
            finally:
                if self._anchor is not None:
                    self._anchor.close()

    async def check_engine(self, ask: Callable[[str, JsonObject], Coroutine[Any, Any, JsonObject]]) -> None:
        """Whether a started engine has what it was given in force. `ask` is a request to it. Raises PolicyError."""
        found = (await ask("hooks/list", {"cwds": [self.around.cwd]})).get("data") or []
        hooks = [hook for place in found for hook in place.get("hooks", ()) if hook.get("enabled")]
        self.gate.managed = any(
            hook.get("command") == MANAGED_HOOK and hook.get("trustStatus") == "managed" for hook in hooks
        )
        ours = (hook for hook in hooks if hook.get("command") == self.gate.hook)
        if not self.gate.managed and not any(hook.get("trustStatus") in ("trusted", "managed") for hook in ours):
            raise PolicyError(
                "the gate is not in force: the engine does not run its hook. If requirements.toml has "
                "`allow_managed_hooks_only`, the hook has to be in it: see `codex-mcp-server policy export`"
            )
        if self.document.masking.to_model == "mcp" and self.enforcing:
            results = (hook for hook in hooks if hook.get("command") == self.gate.result_hook)
            if not any(hook.get("trustStatus") in ("trusted", "managed") for hook in results):
                raise PolicyError("results of MCP tools are not masked: the engine does not run the hook for them")
        config = (await ask("config/read", {"cwd": self.around.cwd})).get("config") or {}
        servers = config.get("mcp_servers") or {}
        for name, entry in servers.items() if self.enforcing else ():
            if entry.get("enabled", True) and not self._may_run(name, entry):
                raise PolicyError(f"the MCP server `{name}` is on, and the policy does not list it as it is")
        if self.enforcing and not (config.get("features") or {}).get("hooks", True):
            raise PolicyError("the engine has `features.hooks` off")

    def _may_run(self, name: str, entry: Mapping[str, Any]) -> bool:
        listed = self.document.mcp_servers.get(name)
        return listed is not None and engine_settings.is_identity(listed, entry)

    # -- what clients ask for

    def admit(self, client: str, method: str, params: Any, request: Any) -> None:
        """A request of a client, `NAME/VERSION`. Raises PolicyDenied."""
        given = params if isinstance(params, dict) else {}
        actor = self._actor(client)
        wanted = Request(method=method)
        target, kind = method, "method"
        if method == "tools/call":
            kind, target = "tool", str(given.get("name"))
            wanted = Request(method=method, offered_tool=target)
        ruling = decide(self.document, wanted)
        for name, value in given.items() if ruling.effect is Effect.ALLOW else ():
            if value and (parameter := _named_parameter(self.document.methods.deny, method, name)):
                ruling = decide(self.document, Request(method=parameter))
        for name in ("path", "rolloutPath", "rollout_path") if ruling.effect is Effect.ALLOW else ():
            if isinstance(given.get(name), str) and method != "tools/call":
                ruling = self._rollout(resolve(given[name], self.around.cwd))
        fields = Fields(
            event="decided",
            actor=actor,
            call=str(request),
            kind=kind,
            target=target,
            args_sha256=self._digest(given.get("arguments", given)),
            decision="deny" if ruling.effect is Effect.DENY else "allow",
            rule=ruling.rule,
            approver="policy",
        )
        if kind == "tool" or ruling.effect is Effect.DENY:
            self._decided(fields, ruling)
            if kind == "tool":
                self._remember(("client", (client, request)), fields)
        self._enforce(ruling)

    def _rollout(self, path: str) -> Ruling:
        """Rollouts of Codex are in scope wherever CODEX_HOME is; what they are of is looked at when they are loaded."""
        if is_below(path, self._sessions):
            return ALLOWED
        return decide(self.document, Request(paths=(path,)))

    def answered(self, client: str, request: Any, *, failed: bool) -> None:
        """The client's request got its answer."""
        self._ended(("client", (client, request)), Outcome("failed" if failed else "completed"))

    def offers(self, tool: str) -> bool:
        """Whether a tool of ours is offered."""
        return not self.enforcing or decide(self.document, Request(offered_tool=tool)).effect is not Effect.DENY

    # -- what is asked of the engine

    def pass_on(
        self, client: str, method: str, params: JsonObject, *, by_tool: bool
    ) -> tuple[JsonObject, tuple[str, ...]]:
        """The params that go to the engine in place of these, and what was lowered, in words. `by_tool`: a tool of ours
        is called, whose questions are elicitations. Raises PolicyDenied."""
        actor = self._actor(client)
        self._passing = (actor, "elicitation" if by_tool else "v1")
        thread = self._threads.get(str(params.get("threadId")))
        try:
            if thread is not None and not thread.in_scope and method.startswith(("turn/", "thread/read")):
                raise PolicyDenied(decide(self.document, Request(paths=(thread.cwd,))))
            shaped = shape(self.around, method, params)
        except PolicyDenied as denied:
            self._decided(self._of_engine(actor, method, params, denied.ruling), denied.ruling)
            if self.enforcing:
                raise
            return params, ()
        if shaped.params is params:
            return params, ()
        self._decided(self._of_engine(actor, method, shaped.params, shaped.ruling), shaped.ruling)
        known = self._threads.get(str(params.get("threadId")))
        if known is not None and method == "turn/start":
            known.approval = shaped.request.approval or known.approval
            known.sandbox = PROFILES.get(shaped.request.sandbox or "", known.sandbox)
        return (shaped.params, shaped.notes) if self.enforcing else (params, ())

    def _of_engine(self, actor: Actor, method: str, params: JsonObject, ruling: Ruling) -> Fields:
        kind = {"thread": "thread", "turn": "turn", "command": "command"}.get(method.partition("/")[0], "engine")
        return Fields(
            event="decided",
            actor=actor,
            thread=str(params.get("threadId") or ""),
            kind=kind,
            target=method,
            args_sha256=self._digest(params),
            impact=ruling.categories,
            decision="allow" if ruling.effect is Effect.ALLOW else "deny",
            rule=ruling.rule,
            approver="policy",
            sandbox=str(params.get("permissions") or ""),
        )

    # -- what the engine says

    def sent(self, id: Any, method: str, params: JsonObject) -> None:
        """A request has gone to the engine."""
        passing, self._passing = self._passing, None
        if method in _LOADS and passing is not None:
            self._asked[id] = (method, params, *passing)

    def result(self, id: Any, result: Any) -> Any:
        """The engine's answer to a request; what takes its place."""
        asked = self._asked.pop(id, None)
        if asked is None or not isinstance(result, dict):
            return result
        method, params, actor, approver = asked
        if method in ("thread/list", "thread/read"):
            return self._within_scope(method, result)
        thread = result.get("thread") or {}
        cwd = resolve(str(result.get("cwd") or thread.get("cwd") or self.around.cwd))
        inside = decide(self.document, Request(paths=(cwd,))).effect is Effect.ALLOW
        approval = params.get("approvalPolicy")
        self._threads[str(thread.get("id"))] = _Thread(
            actor,
            cwd,
            inside or not self.enforcing,
            str(params.get("permissions") or ""),
            "never" if isinstance(approval, dict) else str(approval or ""),
            approver,
        )
        return result

    def _within_scope(self, method: str, result: JsonObject) -> JsonObject:
        """Threads of other workspaces are not shown."""
        if self.document.scope.roots is None or not self.enforcing:
            return result
        if method == "thread/list":
            kept = [thread for thread in result.get("data") or () if self._shows(thread)]
            return {**result, "data": kept}
        if not self._shows(result.get("thread") or {}):
            raise PolicyDenied(decide(self.document, Request(paths=(resolve(str(result["thread"].get("cwd"))),))))
        return result

    def _shows(self, thread: JsonObject) -> bool:
        cwd = thread.get("cwd")
        return cwd is None or decide(self.document, Request(paths=(resolve(str(cwd)),))).effect is Effect.ALLOW

    def hear(self, method: str, params: JsonObject) -> None:
        """A notification of the engine, before anything in it is masked."""
        item = params.get("item")
        if not isinstance(item, dict):
            return
        if method == "rawResponseItem/completed" and item.get("call_id") and "output" not in item:
            _keep(self._raw, str(item["call_id"]), item)
        elif method == "item/completed":
            duration = item.get("durationMs")
            outcome = Outcome(
                str(item.get("status") or "completed"),
                item.get("exitCode"),
                duration if isinstance(duration, int) else None,
            )
            self._ended(("engine", str(item.get("id"))), outcome)

    # -- what the model does

    async def _judge(self, call: GateCall) -> str | None:
        """The gate: None lets the call run, a text is why not."""
        request = act(call.tool, call.arguments, call.cwd, self._servers)
        wanted = _wanted(self._raw.pop(call.call, None))
        ruling = _TERMINAL if wanted.get("tty") else decide(self.document, request)
        cwd, escalated = _place(wanted, call.cwd)
        question = Question(call, request, ruling, in_words(call.tool, call.arguments, request), cwd, escalated)
        fields = self._of_call(question, _DECISIONS[ruling.effect], "policy")
        try:
            self._decided(fields, ruling)
        except PolicyDenied as denied:
            self.asker.tell_denied(question, denied.message)
            return denied.message
        if not self.enforcing or ruling.effect is Effect.ALLOW:
            self._remember(("engine", call.call), fields)
            return None
        if ruling.effect is Effect.DENY:
            because = PolicyDenied(ruling).message
            self.asker.tell_denied(question, because)
            return because
        answer = await self.asker.ask(question, self.document.approval.timeout_seconds)
        fields = self._of_call(question, answer.decision, answer.approver)
        self._decided(fields, ruling)
        if answer.decision != "approved":
            return f"denied ({ruling.rule}: {ruling.because}): {answer.because or 'a person said no'}"
        _keep(self._granted, call.call, (question, answer))
        self._remember(("engine", call.call), fields)
        return None

    def granted(self, call: str, *, server: str = "", thread: str = "") -> Question | None:
        """The question that a person said yes to for this very call, once. MCP tools are known by thread and server:
        the engine's own question about them names no call."""
        if call in self._granted:
            return self._granted.pop(call)[0]
        for id, (question, _) in self._granted.items() if server else ():
            if question.request.server == server and thread in (question.call.thread, question.call.agent):
                del self._granted[id]
                return question
        return None

    def ruling_on(self, tool: str, arguments: Any, cwd: str) -> Ruling:
        """What the policy says to a tool call that the engine asks about."""
        return decide(self.document, act(tool, arguments, cwd, self._servers))

    def never_asks(self, thread: str) -> bool:
        """Whether the client wanted the approval policy `never` for a thread."""
        return self.enforcing and thread in self._threads and self._threads[thread].approval == "never"

    def has_full_access(self, thread: str) -> bool:
        """Whether a thread was begun without a sandbox."""
        known = self._threads.get(thread)
        return known is not None and known.sandbox == PROFILES["danger-full-access"]

    def record_approval(self, thread: str, call: str, what: str, decision: Decision, approver: Approver) -> None:
        """A question of the engine was decided. Raises PolicyDenied if that cannot be recorded and has to be."""
        known = self._threads.get(thread)
        actor = known.client if known is not None else self._actor("")
        fields = Fields(
            event="decided",
            actor=actor,
            thread=thread,
            call=call,
            kind="command",
            target=self._shown(what),
            decision=decision,
            rule="engine",
            approver=approver,
        )
        self._decided(fields, ALLOWED)

    def ruling_on_files(self, files: list[str]) -> Ruling:
        """What the policy says to a patch of these files."""
        return decide(self.document, Request(tool="apply_patch", touched=tuple(map(resolve, files))))

    def approver(self, thread: str, by: str) -> Approver:
        """Who decided, as records say it: `by` is that of a verdict."""
        if by == "policy":
            return "policy"
        known = self._threads.get(thread)
        return "none" if known is None or by == "server" else known.approver

    def _of_call(self, question: Question, decision: Decision, approver: Approver) -> Fields:
        call = question.call
        known = self._threads.get(call.thread)
        return Fields(
            event="decided",
            actor=known.client if known is not None else self._actor(""),
            thread=call.agent or call.thread,
            parent=call.thread if call.agent else "",
            turn=call.turn,
            call=call.call,
            kind=kind_of(call.tool),
            target=self._shown(question.what),
            args_sha256=self._digest(call.arguments),
            impact=question.ruling.categories,
            decision=decision,
            rule=question.ruling.rule,
            approver=approver,
            sandbox=("outside" if question.escalated else known.sandbox if known is not None else ""),
        )

    # -- records

    def _decided(self, fields: Fields, ruling: Ruling) -> None:
        """Written before the act. Raises PolicyDenied if that fails and is required."""
        try:
            self.trail.append(fields, sync=True)
        except AuditFailed as failed:
            if self.document.audit.required and self.enforcing and ruling.effect is not Effect.DENY:
                raise PolicyDenied(Ruling(Effect.DENY, "audit.required", failed.message)) from None

    def _remember(self, key: tuple[str, Any], fields: Fields) -> None:
        _keep(self._begun, key, fields)

    def _ended(self, key: tuple[str, Any], outcome: Outcome) -> None:
        begun = self._begun.pop(key, None)
        if begun is None:
            return
        counts, self.masker.counts = dict(self.masker.counts), type(self.masker.counts)()
        fields = Fields(
            event="ended",
            actor=begun.actor,
            thread=begun.thread,
            parent=begun.parent,
            turn=begun.turn,
            call=begun.call,
            kind=begun.kind,
            target=begun.target,
            outcome=outcome,
            masked=counts,
        )
        try:
            self.trail.append(fields)
        except AuditFailed:
            log.error("the end of %s could not be recorded", begun.target)

    def _enforce(self, ruling: Ruling) -> None:
        if ruling.effect is Effect.DENY and self.enforcing:
            raise PolicyDenied(ruling)

    def _actor(self, client: str) -> Actor:
        name, _, version = client.rpartition("/")
        return Actor(
            os.getuid() if hasattr(os, "getuid") else None, self._user, name or version, version if name else ""
        )

    def _digest(self, arguments: Any) -> str:
        return self.masker.tag(json.dumps(arguments, sort_keys=True, default=str).encode(errors="replace"))

    def _shown(self, text: str) -> str:
        shown = text if self.document.masking.level == "off" else self.masker.text(text)
        return redact(shown)[:_MAX_TARGET]


_OBSERVED = ("features.hooks", "hooks.PreToolUse", "hooks.state")
_LOADS = ("thread/start", "thread/resume", "thread/fork", "thread/list", "thread/read")
_DECISIONS: dict[Effect, Decision] = {Effect.ALLOW: "allow", Effect.ASK: "ask", Effect.DENY: "deny"}


def _named_parameter(denied: tuple[str, ...], method: str, name: str) -> str | None:
    """The entry `METHOD.PARAM` that a parameter is meant by: `token` stands for `includeToken`, too."""
    for entry in denied:
        of, _, parameter = entry.partition(".")
        if of == method and parameter and name.lower() in (parameter.lower(), f"include{parameter.lower()}"):
            return entry
    return None


# What is typed into it later is seen by nobody. Engines before 0.163 do not refuse it themselves.
_TERMINAL = Ruling(Effect.DENY, "engine.terminals", "commands get no terminal under a policy")


def _wanted(raw: JsonObject | None) -> JsonObject:
    """The arguments of a call, as the model gave them: more than the hook is told. Empty if they are not known, as
    those of a call that the model makes from code of its own."""
    try:
        arguments = json.loads((raw or {}).get("arguments") or "{}")
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def _place(wanted: JsonObject, cwd: str) -> tuple[str, bool | None]:
    """Directory of a command, and whether it is to leave the sandbox; None if that is not known."""
    if not wanted:
        return cwd, None
    workdir = wanted.get("workdir")
    place = resolve(workdir, cwd) if isinstance(workdir, str) else cwd
    return place, wanted.get("sandbox_permissions") not in (None, "use_default")


def _tables(configured: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The MCP servers of config.toml and of the server's flags."""
    found = {name: dict(entry) for name, entry in (configured.get("mcp_servers") or {}).items()}
    for key, value in flags.items():
        if key.startswith("mcp_servers."):
            name, _, setting = key.removeprefix("mcp_servers.").partition(".")
            if setting:
                found.setdefault(name, {})[setting] = value
            elif isinstance(value, dict):
                found[name] = {**found.get(name, {}), **value}
    return found


def _keep(kept: dict[Any, Any], key: Any, value: Any) -> None:
    """Remember, and forget the oldest of too many."""
    kept[key] = value
    while len(kept) > _MAX_KEPT:
        del kept[next(iter(kept))]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
