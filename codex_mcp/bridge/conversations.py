"""What is asked of the engine for conversations: start, resume, fork, send, interrupt, archive."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

from codex_mcp import invocation
from codex_mcp.bridge import confinement, rollouts
from codex_mcp.bridge.conversation import NO_SEAMS, ApprovalSeams, Conversation, Outlet
from codex_mcp.bridge.events import Event
from codex_mcp.bridge.options import (
    ServerDefaults,
    ThreadOptions,
    ThreadRequest,
    TurnOptions,
    resumed_settings,
    thread_request,
)
from codex_mcp.bridge.turn import TurnState
from codex_mcp.engine import api
from codex_mcp.engine.link import EngineLink, EngineRefusal
from codex_mcp.engine.supervisor import Engine
from codex_mcp.errors import CallerError, EngineError
from codex_mcp.logs import about
from codex_mcp.wire.errors import INVALID_REQUEST
from codex_mcp.wire.messages import JsonObject

log = logging.getLogger(__name__)

# Seconds that an interrupted turn may take to end before it is ended without the engine.
INTERRUPT_LIMIT = 5.0
# Seconds that the engine may take to accept a message; it takes about 0.005.
SUBMIT_LIMIT = 20.0
# Seconds for which the engine may wait for the network. It would wait for ever; v1 gave up after a few attempts.
OFFLINE_LIMIT = 10.0
# Seconds for which the end of a task waits for a command that outlived the model's answer: the time that v1 gave a
# command by default. Then the command is shown as left running.
HOLD_LIMIT = 10.0


class ConversationNotFound(CallerError):
    """No conversation of that id was begun or resumed here."""

    code = "not_found"

    def __init__(self, id: str) -> None:
        super().__init__(f"conversation not found: {id}")


class ConfigurationError(CallerError):
    """The settings cannot be used: the engine, or config.toml, says why."""

    code = "config_error"


@dataclass(frozen=True)
class ResumeSource:
    """What to resume: the first of these that is given."""

    path: str | None = None
    id: str | None = None
    history: list[JsonObject] | None = None


class _Ask(Protocol):
    """One of the calls of `engine.api` that load a thread or begin a turn."""

    def __call__(
        self, link: EngineLink, params: JsonObject, on_result: api.OnResult, on_late: api.OnResult
    ) -> Coroutine[Any, Any, JsonObject]: ...


class Conversations:
    """Those that were begun or resumed here. Several clients may share them: each conversation has an owner."""

    def __init__(
        self, engine: Engine, defaults: ServerDefaults, tasks: TaskGroup, seams: ApprovalSeams = NO_SEAMS
    ) -> None:
        """`tasks` runs what outlives a request."""
        self.engine = engine
        self.defaults = defaults
        self._tasks = tasks
        self._seams = seams
        self._by_id: dict[str, Conversation] = {}
        self._by_thread: dict[str, Conversation] = {}
        self._opening = 0
        """Threads that the engine was asked for and has not answered yet."""
        self._early: list[tuple[str, JsonObject]] = []
        """What the engine said of threads that nobody here knows, while one is being opened."""
        self._archivals: Counter[str] = Counter()
        self._newest: Conversation | None = None
        """The one whose settings the engine loaded last."""

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._by_id.values()))

    def get(self, id: str) -> Conversation:
        """Raises ConversationNotFound."""
        conversation = self.find(id)
        if conversation is None:
            raise ConversationNotFound(id)
        return conversation

    def find(self, id: str) -> Conversation | None:
        """The conversation, if it was begun or resumed here."""
        return self._by_id.get(id)

    def of_thread(self, thread_id: str) -> Conversation | None:
        """The conversation that the engine calls so."""
        return self._by_thread.get(thread_id)

    def find_unwritten(self, *, id: str | None = None, path: str | None = None) -> Conversation | None:
        """The conversation of that id, or with that rollout file, if nothing was said in it yet: the engine writes
        the file with the first turn."""
        for conversation in self._by_id.values():
            named = conversation.id == id or conversation.rollout_path == path
            if named and not os.path.exists(conversation.rollout_path):
                return conversation
        return None

    def archivals(self, id: str) -> int:
        """How often a conversation was archived here: what was asked for before is not done in it after."""
        return self._archivals[id]

    async def start(
        self,
        options: ThreadOptions,
        owner: Outlet,
        on_started: Callable[[Conversation], None],
        *,
        raw_items: bool,
    ) -> Conversation:
        """Begin a conversation. `on_started` runs before any event of it is looked at. A caller that gives up leaves
        no thread behind.

        Raises ConfigurationError, EngineUnavailable, EngineLost, EngineRefusal.
        """
        link, request = await self._request(options, raw_items=raw_items)

        def register(result: JsonObject) -> None:
            conversation = Conversation(result["thread"]["id"], request, owner, self._seams)
            conversation.next_turn = request.turn
            self._load(conversation, result)
            on_started(conversation)
            conversation.show_notices(request.notices)

        try:
            conversation = await self._open(link, api.start_thread, request.params, register, api.delete_thread)
        except EngineRefusal as refusal:
            if refusal.rpc_code == INVALID_REQUEST:
                raise ConfigurationError(self._configuration_problem(refusal.message)) from None
            raise
        log.info("conversation started", extra=about(conversation.id, model=conversation.model))
        return conversation

    async def resume(
        self,
        source: ResumeSource,
        options: ThreadOptions,
        owner: Outlet,
        on_resumed: Callable[[Conversation], None],
        *,
        raw_items: bool,
    ) -> Conversation:
        """Load a conversation that the user's Codex has kept, or begin one with a history. Of a conversation that is
        loaded already, `options` count from its next turn. From now on it is `owner`'s.

        Raises ConfigurationError, RolloutUnreadable, EngineUnavailable, EngineLost, EngineRefusal; EngineError for a
        conversation that a newer Codex has kept.
        """
        link, request = await self._request(options, raw_items=raw_items)
        known = self._named(source)
        if known is None:
            return await self._resume(link, source, options, request, owner, on_resumed)
        async with known.submitting:  # a message that is being handed over belongs to the conversation as it was
            return await self._resume(link, source, options, request, owner, on_resumed)

    async def _resume(
        self,
        link: EngineLink,
        source: ResumeSource,
        options: ThreadOptions,
        request: ThreadRequest,
        owner: Outlet,
        on_resumed: Callable[[Conversation], None],
    ) -> Conversation:
        self._refuse_new_provider(source, options)
        unwritten = self.find_unwritten(id=source.id) if source.id is not None else None
        if unwritten is not None:  # the engine has nothing to resume, but it is here
            unwritten.next_turn = unwritten.next_turn.updated(resumed_settings(request, options))
            unwritten.model = unwritten.next_turn.model or unwritten.model
            on_resumed(unwritten)
            unwritten.adopt(owner)
            unwritten.show_notices(request.notices)
            return unwritten

        def register(result: JsonObject) -> None:
            conversation = self._by_id.get(result["thread"]["id"])
            if conversation is None:
                conversation = Conversation(result["thread"]["id"], request, owner, self._seams)
                conversation.next_turn = request.turn
            elif not conversation.busy:  # otherwise it goes on: there is nothing to begin anew
                loaded = conversation.generation == self.engine.generation
                conversation.begin_anew(request)
                # the engine ignores the settings of a thread that it has in memory
                conversation.next_turn = resumed_settings(request, options) if loaded else request.turn
            self._load(conversation, result)
            conversation.model = conversation.next_turn.model or conversation.model
            on_resumed(conversation)
            conversation.adopt(owner)
            conversation.show_notices(conversation.request.notices)

        wanted = {"threadId": source.id or "", "path": source.path, "history": source.history}
        wanted = {key: value for key, value in wanted.items() if value is not None}
        try:
            params = {**wanted, **request.params}
            conversation = await self._open(link, api.resume_thread, params, register, api.unsubscribe_thread)
        except EngineRefusal as refusal:
            if "paginated_threads is not supported" in refusal.message:
                reason = "a newer Codex has written it in a form that this engine cannot read; update the engine"
                raise EngineError(reason, code="engine_too_old") from None
            if refusal.rpc_code == INVALID_REQUEST and "configuration" in refusal.message:
                raise ConfigurationError(self._configuration_problem(refusal.message)) from None
            raise
        log.info("conversation resumed", extra=about(conversation.id, model=conversation.model))
        return conversation

    async def fork(
        self, id: str, settings: TurnOptions, owner: Outlet, on_forked: Callable[[Conversation], None]
    ) -> Conversation:
        """Copy a conversation that the user's Codex has kept; the copy is begun with `settings` at its next turn.

        Raises EngineUnavailable, EngineLost, EngineRefusal.
        """
        options = ThreadOptions(
            model=settings.model,
            cwd=settings.cwd,
            approval_policy=settings.approval_policy,
            denied_paths=settings.denied_paths or (),
        )
        link, request = await self._request(options, raw_items=False)

        def register(result: JsonObject) -> None:
            conversation = Conversation(result["thread"]["id"], request, owner, self._seams)
            conversation.next_turn = request.turn.updated(settings)
            self._load(conversation, result)
            on_forked(conversation)

        params = {"threadId": id, **request.params}
        conversation = await self._open(link, api.fork_thread, params, register, api.delete_thread)
        log.info("conversation forked", extra=about(conversation.id, origin=id))
        return conversation

    def _named(self, source: ResumeSource) -> Conversation | None:
        """The conversation here that `source` names."""
        for conversation in self._by_id.values():
            if conversation.id == source.id or (source.path is not None and source.path == conversation.rollout_path):
                return conversation
        return None

    def _refuse_new_provider(self, source: ResumeSource, options: ThreadOptions) -> None:
        """The engine ignores another provider for a conversation that it has in memory: say so instead."""
        loaded = self._named(source)
        if loaded is None or loaded.generation != self.engine.generation:
            return
        if options.model_provider not in (None, loaded.model_provider):
            raise ConfigurationError(
                f"the conversation is open with the model provider {loaded.model_provider!r} and cannot change to "
                f"{options.model_provider!r} while it is: begin a new one, or resume it after a restart of the server"
            )

    async def archive(self, id: str) -> None:
        """Have the engine put a conversation away, and forget it. What runs in it is stopped first.

        Raises EngineUnavailable, EngineLost, EngineRefusal.
        """
        conversation = self._by_id.get(id)
        if conversation is None:
            await api.archive_thread(await self.engine.link(), id)
            self._archivals[id] += 1
            return
        conversation.closing = True
        try:
            if conversation.busy or conversation.submitting.locked():
                await self.interrupt(conversation)
            async with conversation.submitting:
                if os.path.exists(conversation.rollout_path):  # without a turn there is nothing to keep
                    await api.archive_thread(await self.engine.link(), conversation.thread_id)
                self._archivals[id] += 1
        finally:
            conversation.closing = False
        number = conversation.translator.next_submission()
        conversation.emit([Event(number, {"type": "shutdown_complete"})])
        self._by_id.pop(id, None)
        self._by_thread.pop(conversation.thread_id, None)
        if self._newest is conversation:
            self._newest = None
        conversation.outlet.closed(conversation)

    async def send(
        self,
        conversation: Conversation,
        items: list[JsonObject],
        options: TurnOptions,
        on_accepted: Callable[[], None] = lambda: None,
    ) -> anyio.Event:
        """Hand a message to the engine. `on_accepted` runs when it took it, before any event of the turn is looked at.
        Returns what is set at the end of the turn that the message began or joined.

        A running turn takes the message in; `options` then count from the next turn. A message without items asks
        the model nothing: its task is over at once, as in v1. A message that is given up and taken all the same is
        stopped at once.
        Raises EngineUnavailable, EngineLost (the message was not taken), EngineRefusal, ConversationNotFound if it
        was archived meanwhile.
        """
        if not items:
            on_accepted()
            conversation.show_notices(options.notices)
            conversation.submitted_nothing(options)
            return conversation.life.ended
        async with conversation.submitting:
            link = await self._loaded(conversation)
            link, wanted, later = await self._confined(link, conversation, conversation.next_turn.updated(options))

            def accept(_result: JsonObject) -> None:
                on_accepted()
                conversation.show_notices(options.notices)
                conversation.settings = replace(
                    conversation.settings.updated(wanted), output_schema=None
                )  # of one turn only
                conversation.next_turn = later
                if "cwd" in settings:
                    conversation.translator.cwd = settings["cwd"]

            settings = wanted.to_engine(self.engine.home)
            params = {"threadId": conversation.thread_id, "input": items, **settings}
            return await self._hand_over(link, conversation, api.start_turn, params, accept)

    async def review(self, conversation: Conversation, target: JsonObject) -> anyio.Event:
        """Have the engine review `target` (of its review/start) in a conversation. As `send`."""
        async with conversation.submitting:
            link = await self._loaded(conversation)
            params = {"threadId": conversation.thread_id, "target": target}
            return await self._hand_over(link, conversation, api.start_review, params, lambda _: None)

    async def _hand_over(
        self,
        link: EngineLink,
        conversation: Conversation,
        ask: _Ask,
        params: JsonObject,
        accept: Callable[[JsonObject], None],
    ) -> anyio.Event:
        """Begin a turn, or join the one that runs; what is set at its end. `accept` sees the engine's answer first."""
        ended: list[anyio.Event] = []

        def accepted(result: JsonObject) -> None:
            accept(result)
            conversation.submitted(result["turn"]["id"])
            ended.append(conversation.life.ended)

        def refuse(_result: JsonObject) -> None:
            log.warning("a message was taken after it had been given up: stopped", extra=about(conversation.id))
            self._stop(conversation)

        # whoever gives up waiting must not leave a turn behind that nobody knows of
        with anyio.CancelScope(shield=True), anyio.move_on_after(SUBMIT_LIMIT):
            await ask(link, params, accepted, refuse)
            return ended[0]
        raise EngineError(
            f"the engine did not take the message within {SUBMIT_LIMIT:.0f} s; should it take it later, the turn "
            "is stopped at once"
        )

    async def interrupt(self, conversation: Conversation) -> None:
        """Stop what runs; returns when the conversation is idle and its last event was sent. Never hangs.

        In the order of submissions: what was handed in before is taken first and stopped, what comes after has to wait.
        """
        with anyio.move_on_after(INTERRUPT_LIMIT) as limit:
            conversation.stop_loading()
            async with conversation.submitting:
                conversation.translator.next_submission()
                self._stop(conversation)
                await conversation.turn_end()
        if limit.cancelled_caught:
            log.warning("the engine did not end an interrupted turn in time", extra=about(conversation.id))
            conversation.stop_loading()
            self._stop(conversation)
            conversation.abort()

    def _stop(self, conversation: Conversation) -> None:
        """Tell the engine to stop what runs, without waiting for it."""
        link = self.engine.current
        if link is not None and conversation.generation == self.engine.generation:
            api.interrupt_turn(link, conversation.thread_id)
            api.clean_terminals(link, conversation.thread_id)
        if conversation.life.state is TurnState.HOLDING:
            conversation.abort()

    async def idle(self) -> None:
        """Wait until no turn runs."""
        while any(conversation.busy for conversation in self):
            for conversation in self:
                await conversation.turn_end()

    def abort_all(self, error: str | None = None) -> None:
        """End every turn from our side: the engine is gone, or nobody waits for it any more."""
        for conversation in self:
            if conversation.busy:
                log.warning("a turn was ended from outside", extra=about(conversation.id, because=error))
                conversation.abort(error)

    # -- what the engine says

    def tell(self, thread_id: str, method: str, params: JsonObject) -> None:
        """A message about a thread."""
        conversation = self._by_thread.get(thread_id)
        if conversation is not None:
            self._tell(conversation, method, params)
        elif self._opening:
            self._early.append((method, params))
        else:
            log.debug("dropped %s of a thread that nobody here started", method)

    def _tell(self, conversation: Conversation, method: str, params: JsonObject) -> None:
        state, offline = conversation.life.state, conversation.offline_because
        conversation.on_notification(method, params)
        if conversation.life.state is not state:
            self._follow(conversation, method, params)
        if offline is None and conversation.offline_because is not None:
            self._tasks.start_soon(self._limit_offline, conversation)

    def tell_all(self, method: str, params: JsonObject) -> None:
        """A message about the account, which every conversation shows."""
        for conversation in self._by_id.values():
            conversation.on_notification(method, params)

    def tell_newest(self, method: str, params: JsonObject) -> None:
        """A message about the settings of a thread: the engine names none, but sends it when it loads one."""
        if self._opening:
            self._early.append((method, params))
        elif self._newest is not None:
            self._newest.on_notification(method, params)

    def _follow(self, conversation: Conversation, method: str, params: JsonObject) -> None:
        """Act on a change in the life of a turn."""
        if conversation.life.state is TurnState.HOLDING:
            self._tasks.start_soon(self._limit_hold, conversation)
        elif method == "turn/completed" and params["turn"]["status"] == "interrupted":
            link = self.engine.current
            if link is not None:  # interrupting a turn leaves its commands running
                api.clean_terminals(link, conversation.thread_id)

    async def _limit_hold(self, conversation: Conversation) -> None:
        with anyio.move_on_after(HOLD_LIMIT) as limit:
            await conversation.turn_end()
        if limit.cancelled_caught:
            conversation.end_hold()

    async def _limit_offline(self, conversation: Conversation) -> None:
        with anyio.move_on_after(OFFLINE_LIMIT) as limit:
            await conversation.turn_end()
        if limit.cancelled_caught and conversation.offline_because is not None:
            conversation.fail(
                f"the model provider cannot be reached: {conversation.offline_because}. "
                f"Check the network and the provider's base_url, then send the message again.{self._sign_in_hint()}"
            )
            self._stop(conversation)

    def _sign_in_hint(self) -> str:
        """For a user who would meet that next."""
        if self.engine.home.auth_path.exists() or self.engine.home.mentions(b"model_provider"):
            return ""
        return f" Nobody is signed in, either: run `{invocation.command('login')}`."

    # -- loading

    async def _request(self, options: ThreadOptions, *, raw_items: bool) -> tuple[EngineLink, ThreadRequest]:
        """What the engine is asked for a conversation with `options`, and the engine. Raises ConfigurationError."""
        request = thread_request(options, self.defaults, self.engine.home, raw_items=raw_items)
        link = await self.engine.link()
        configured = await confinement.read_configured(link, self.engine.home, request.params.get("cwd"))
        return link, confinement.confine(request, configured, self.engine.home)

    async def _confined(
        self, link: EngineLink, conversation: Conversation, wanted: TurnOptions
    ) -> tuple[EngineLink, TurnOptions, TurnOptions]:
        """The engine; the settings of a turn with their sandbox spelled out; what of them has to wait for the next one.
        A conversation that changes to `untrusted` is loaded again as one that is begun so (see `confinement`)."""
        home, request = self.engine.home, conversation.request
        if wanted.sandbox_mode is not None:
            configured = await confinement.read_configured(link, home, wanted.cwd or conversation.translator.cwd)
            policy = confinement.sandbox_policy(wanted.sandbox_mode, request, configured, home)
            wanted = wanted.updated(TurnOptions(sandbox_policy=policy))
        in_effect = conversation.settings.updated(wanted)
        if confinement.wants_guard(request, in_effect.approval_policy or conversation.approval_policy, in_effect):
            if conversation.busy:  # what runs keeps its settings
                return link, replace(wanted, approval_policy=None), TurnOptions(approval_policy="untrusted")
            configured = await confinement.read_configured(link, home, conversation.translator.cwd)
            conversation.request = confinement.guarded(request, configured, home)
            conversation.settings, conversation.next_turn = in_effect, wanted
            api.unsubscribe_thread(link, conversation.thread_id)
            conversation.generation = 0
            link = await self._loaded(conversation)
            wanted = conversation.next_turn
        return link, wanted, TurnOptions()

    async def _open(
        self,
        link: EngineLink,
        ask: _Ask,
        params: JsonObject,
        register: Callable[[JsonObject], None],
        close: Callable[[EngineLink, str], None],
    ) -> Conversation:
        """Ask for a thread. The engine may speak of it before it answers, for example of an MCP server that cannot be
        started: that is kept, and looked at after `register` took the answer and made a conversation of it.

        The thread of an answer that comes when nobody waits any more is given to `close`.
        """
        answered = False
        conversation: Conversation

        def opened(result: JsonObject) -> None:
            nonlocal answered, conversation
            answered = True
            try:
                register(result)
                conversation = self._newest = self._by_thread[result["thread"]["id"]]
                early, self._early = self._early, []
                for early_method, about_thread in early:
                    if about_thread.get("threadId", conversation.thread_id) == conversation.thread_id:
                        self._tell(conversation, early_method, about_thread)
                    else:
                        self._early.append((early_method, about_thread))
            finally:
                self._end_opening()

        def late(result: JsonObject) -> None:
            id = result["thread"]["id"]
            if id not in self._by_thread:
                log.info("closed a thread that nobody waits for any more", extra=about(id))
                close(link, id)

        self._opening += 1
        try:
            await ask(link, params, opened, late)
        finally:
            if not answered:
                self._end_opening()
        return conversation

    def _end_opening(self) -> None:
        """With the answer, not when its waiter wakes up: what comes in between is no longer early."""
        self._opening -= 1
        if not self._opening:
            self._early.clear()

    async def _loaded(self, conversation: Conversation) -> EngineLink:
        """A link whose engine has the conversation in memory; loads it again after the engine was restarted.

        An interrupt ends the wait. Raises EngineUnavailable, EngineLost, EngineError; ConversationNotFound if it was
        archived meanwhile.
        """
        if conversation.closing or self.find(conversation.id) is not conversation:
            raise ConversationNotFound(f"{conversation.id} (it was archived meanwhile)")
        with anyio.CancelScope() as conversation.loading:
            return await self._load_again(conversation)
        raise EngineError("the message was interrupted before the engine was ready to take it; it was not run")

    async def _load_again(self, conversation: Conversation) -> EngineLink:
        link = await self.engine.link()
        if conversation.generation == self.engine.generation:
            return link
        params = conversation.request.params

        def load(result: JsonObject) -> None:
            self._load(conversation, result)

        if os.path.exists(conversation.rollout_path):
            resume = {"threadId": conversation.thread_id, **params}
            call = self._open(link, api.resume_thread, resume, load, api.unsubscribe_thread)
        else:  # it never had a turn: the engine kept nothing of it
            call = self._open(link, api.start_thread, params, load, api.delete_thread)
        try:
            await call
            conversation.next_turn = conversation.settings.updated(conversation.next_turn)
        except EngineRefusal as refusal:
            raise EngineError(
                f"the engine was restarted and cannot load the conversation again: {refusal.message}"
            ) from None
        return link

    def _load(self, conversation: Conversation, result: JsonObject) -> None:
        """Take over what the engine says of a thread that it has loaded."""
        thread = result["thread"]
        conversation.thread_id = thread["id"]
        conversation.generation = self.engine.generation
        conversation.rollout_path = thread.get("path") or ""
        conversation.model = result["model"]
        conversation.model_provider = result["modelProvider"]
        conversation.reasoning_effort = result.get("reasoningEffort")
        policy = result.get("approvalPolicy")
        conversation.approval_policy = policy if isinstance(policy, str) else None
        conversation.translator.cwd = result["cwd"]
        conversation.stop = partial(self._stop, conversation)
        conversation.translator.look_up = partial(rollouts.items_of_call, conversation.rollout_path)
        self._by_id[conversation.id] = conversation
        self._by_thread[conversation.thread_id] = conversation

    def _configuration_problem(self, message: str) -> str:
        """The engine's reason, without its own introduction; a default profile is named with its line."""
        message = message.removeprefix("failed to load configuration: ")
        if message.startswith("legacy `profile"):
            where = self.engine.home.setting_location("profile")
            return (
                f"{where}: the Codex engine no longer loads a configuration with a default `profile`. Remove the "
                "line; then start this server with `-p NAME`, or give `profile` with each conversation: [profiles.*] "
                "still works"
            )
        return message
