"""The engine's notifications as v1 events: read the tables at the end, then the functions they name.

Pure: a `Translator` belongs to one conversation, is fed the engine's messages in order and returns the events they
cause, in order. It does no I/O, knows no client and no listener.

What it guarantees beyond the translation of single messages is the order that v1 clients rely on:

* A patch is asked for before it begins: `patch_apply_begin` is held back until the approval is answered or the
  patch is done without one.
* A command that was begun ends before its task does: `task_complete` is held back while a command of the turn still
  runs (`holding`), until it ends or `release` closes it.
* `token_count` unites usage and rate limits, which the engine sends one after the other.
* Nothing follows `task_complete` or `turn_aborted`; what the engine still says about such a turn is dropped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from codex_mcp.bridge import shapes
from codex_mcp.bridge.mcp_servers.wording import startup_failure
from codex_mcp.wire.messages import JsonObject

# The engine's reason for asking about a command that its sandbox has stopped.
_RETRY = "command failed; retry without sandbox?"
_ESCALATED = ("require_escalated", "with_escalated_permissions")
# How the output of a command ends, as the model reads it.
_EXIT = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d+)$.*?^Output:\n", re.MULTILINE | re.DOTALL)

REJECTED_COMMAND = "exec command rejected by user"
LEFT_RUNNING = 124  # v1's exit code of a command that outlived its time
_KEPT_TURNS = 32
_HEAD = 4096  # characters of a command's output remembered, to see whether its start was streamed


class Event(NamedTuple):
    """An event as the client gets it: `id` is the v1 number of its turn, `""` for the session."""

    id: str
    msg: JsonObject


class _Command:
    """A command that was begun and has not ended."""

    __slots__ = ("head", "streamed", "turn")

    def __init__(self, turn: str) -> None:
        self.turn = turn
        self.head = ""
        self.streamed = 0


class Translator:
    """Translates for one conversation."""

    def __init__(self, thread_id: str, *, show_raw_reasoning: bool = False) -> None:
        self.thread_id = thread_id
        self.cwd = ""
        """Working directory of the running turn; paths in summaries are relative to it."""
        self.dropped: Counter[str] = Counter()
        """What was not translated, by name: deliberately (see the tables) or because it is unknown."""
        self.turn = ""
        """v1 number of the running turn, `""` when none runs."""
        self.look_up: Callable[[str], Iterable[JsonObject]] = lambda _call_id: ()
        """The model's own items of a call, as far as they were kept: the engine's messages do not say all of it."""
        self._show_raw_reasoning = show_raw_reasoning
        self._expected = ""  # number of a turn that the engine has accepted and not announced yet
        self._submissions = 0
        self._ended = -1  # number of the last turn that was ended
        self._turns: dict[str, str] = {}  # engine turn id -> v1 number
        self._commands: dict[str, _Command] = {}
        self._patches: dict[str, JsonObject] = {}  # item id -> changes, begun with the engine, not shown yet
        self._begun_patches: dict[str, JsonObject] = {}
        self._open: set[str] = set()  # items shown as started and not as completed
        self._unannounced = False  # the running turn was begun by an item: the engine has not announced it yet
        self._user_message_shown = False
        self._error_shown = False
        self._last_message: str | None = None
        self._usage: JsonObject | None = None
        self._usage_is_new = False
        self._rate_limits: JsonObject = shapes.NO_RATE_LIMITS
        self._held: tuple[str, JsonObject] | None = None  # the last event of a turn whose commands still run

    # -- what the conversation tells

    def next_submission(self) -> str:
        """The v1 number of the next thing submitted: turns, approvals and interrupts are counted."""
        self._submissions += 1
        return str(self._submissions - 1)

    def bind_turn(self, turn_id: str, number: str) -> None:
        """The engine's turn `turn_id` is the one the client knows as `number`."""
        self._turns[turn_id] = number
        if len(self._turns) > _KEPT_TURNS:
            del self._turns[next(iter(self._turns))]

    def expect_turn(self, turn_id: str, number: str) -> None:
        """The engine accepted a message and will begin `turn_id` with it: from here on there is a turn to end."""
        self.bind_turn(turn_id, number)
        self._expected = number

    @property
    def holding(self) -> bool:
        """The engine's turn is over, but a command of it still runs: the task is not shown as complete yet."""
        return self._held is not None

    def release(self) -> list[Event]:
        """Close the commands that hold the end of a turn back, and end it."""
        events = []
        if self._held is not None:
            for call_id, command in list(self._commands.items()):
                if command.turn == self._held[0]:
                    note = "(still running in the background)"
                    events.append(self._command_end(call_id, {"exitCode": LEFT_RUNNING, "aggregatedOutput": note}))
        return events + self._release_held()

    def abort(self, error: str | None = None) -> list[Event]:
        """End the running turn as aborted, from our side: the engine is gone, or it does not end it."""
        return self._end_from_outside(error, {"type": "turn_aborted", "reason": "interrupted"})

    def fail(self, error: str) -> list[Event]:
        """End the running turn as one that failed, from our side."""
        return self._end_from_outside(error, {"type": "task_complete", "last_agent_message": None})

    def _end_from_outside(self, error: str | None, last: JsonObject) -> list[Event]:
        if self._held is not None:
            self.turn, self._held = self._held[0], None
        number = self.turn or self._expected
        if not number:
            return []
        events = [Event(number, {"type": "error", "message": error})] if error is not None else []
        return [*events, *self._end_turn(number, last)]

    # -- approvals

    def exec_approval(self, params: JsonObject) -> tuple[list[Event], JsonObject]:
        """A command wants approval. Returns the events and the call's `{command, cwd, parsed_cmd, reason}`. The reason
        says, too, that the command would leave its sandbox or get more permissions; `outside`, `permissions` and
        `stated` (the reason without that) are there if so."""
        call_id = params["itemId"]
        asked = {
            "command": shapes.argv(params.get("command") or ""),
            "cwd": params.get("cwd") or self.cwd,
            "parsed_cmd": shapes.parsed_command(params.get("commandActions")),
        }
        events = []
        if call_id not in self._commands:
            events += self._command_begin(self._number(params), call_id, asked)
        stated = params.get("reason")
        escalated, justification = False, None
        for item in self.look_up(call_id):
            if item.get("type") == "function_call":
                escalated, justification = _asks_for_more(item)
        outside = escalated or stated == _RETRY
        permissions = shapes.permissions(params.get("additionalPermissions") or {})
        told = [] if stated is None else [stated]
        if outside and (stated is None or stated not in (_RETRY, justification)):
            told.append("outside the sandbox")
        if permissions:
            told.append(f"with permission to {', '.join(permissions)}")
        reason = "; ".join(told) if told else None
        extra = {"reason": reason} if reason is not None else {}
        msg = {"type": "exec_approval_request", "call_id": call_id, **asked, **extra}
        events.append(Event(self._number(params), msg))
        beyond: JsonObject = {"outside": True} if outside else {}
        if permissions:
            beyond["permissions"] = permissions
        if reason != stated:
            beyond["stated"] = stated
        return events, {**asked, "reason": reason, **beyond}

    def patch_approval(self, params: JsonObject) -> tuple[list[Event], JsonObject]:
        """A patch wants approval. Returns the events and the call's `{changes, reason, grant_root}`."""
        call_id = params["itemId"]
        changes = self._patches.get(call_id, {})
        msg: JsonObject = {"type": "apply_patch_approval_request", "call_id": call_id, "changes": changes}
        reason, grant_root = params.get("reason"), params.get("grantRoot")
        if reason is not None:
            msg["reason"] = reason
        if grant_root is not None:
            msg["grant_root"] = grant_root
        return [Event(self._number(params), msg)], {"changes": changes, "reason": reason, "grant_root": grant_root}

    def patch_approved(self, call_id: str) -> list[Event]:
        """The client said yes: the patch begins."""
        return self._patch_begin(call_id, auto_approved=False)

    def tool_approval(self, call_id: str, command: list[str], reason: str) -> tuple[list[Event], JsonObject]:
        """Something that is no command wants approval, spelled out as one: v1 has no other way to ask."""
        number = self.turn
        asked = {"command": command, "cwd": self.cwd, "parsed_cmd": [{"type": "unknown", "cmd": " ".join(command)}]}
        events = self._command_begin(number, call_id, asked)
        events.append(Event(number, {"type": "exec_approval_request", "call_id": call_id, **asked, "reason": reason}))
        return events, {**asked, "reason": reason}

    def tool_decided(self, call_id: str, approved: bool) -> list[Event]:
        """Close what `tool_approval` opened."""
        if call_id not in self._commands:
            return []
        if approved:
            return [self._command_end(call_id, {"exitCode": 0, "aggregatedOutput": "approved"})]
        return [self._command_end(call_id, {"status": "declined"})]

    # -- the engine's stream

    def translate(self, method: str, params: JsonObject) -> list[Event]:
        """The events that one notification causes. Never raises for kinds it does not know."""
        translation = NOTIFICATIONS.get(method)
        if translation is None:
            self.dropped[method if method in _DROPPED else f"unknown {method}"] += 1
            return []
        if self._usage_is_new and method != "account/rateLimits/updated":
            return [*self._token_count(), *translation(self, params)]
        return translation(self, params)

    def _number(self, params: JsonObject) -> str:
        """v1 number of the turn a message belongs to."""
        turn_id = params.get("turnId", "")
        number = self._turns.get(turn_id)
        if number is None:  # a turn that the engine began by itself, or a part of the running one
            number = self.turn or self.next_submission()
            self.bind_turn(turn_id, number)
        return number

    def _turn_started(self, params: JsonObject) -> list[Event]:
        turn_id = params["turn"]["id"]
        if self._unannounced:  # a review is announced by another id than its items and its end have
            self._unannounced = False
            self.bind_turn(turn_id, self.turn)
            return []
        return self._begin_turn(self._number({"turnId": turn_id}))

    def _begin_turn(self, number: str) -> list[Event]:
        events = self.release()
        self.turn, self._expected = number, ""
        self._user_message_shown = self._error_shown = False
        self._last_message = None
        window = self._usage["model_context_window"] if self._usage is not None else None
        return [*events, Event(number, {"type": "task_started", "model_context_window": window})]

    def _turn_completed(self, params: JsonObject) -> list[Event]:
        turn = params["turn"]
        number = self._number({"turnId": turn["id"]})
        if int(number) <= self._ended:  # from our side, before the engine did
            return []
        if turn["status"] == "interrupted":
            return self._end_turn(number, {"type": "turn_aborted", "reason": "interrupted"})
        events = []
        if turn["status"] == "failed":
            self._last_message = None
            if not self._error_shown:
                message = (turn.get("error") or {}).get("message", "the turn failed")
                events.append(Event(number, {"type": "error", "message": message}))
        end = {"type": "task_complete", "last_agent_message": self._last_message}
        for call_id, command in list(self._commands.items()):
            if command.turn == number:  # the engine does not tell the end of some that fail at once
                heard = next(filter(None, map(_heard, self.look_up(call_id))), None)
                events += [] if heard is None else [self._command_end(call_id, heard)]
        if any(command.turn == number for command in self._commands.values()):
            self._held = (number, end)
            self.turn = ""
            return events
        return events + self._end_turn(number, end)

    def _end_turn(self, number: str, last: JsonObject) -> list[Event]:
        self.turn = self._expected = ""
        self._unannounced = False
        self._ended = int(number)
        self._patches.clear()
        self._open.clear()
        self._commands = {id: c for id, c in self._commands.items() if c.turn != number}
        return [Event(number, last)]

    def _release_held(self) -> list[Event]:
        if self._held is None or any(command.turn == self._held[0] for command in self._commands.values()):
            return []
        (number, last), self._held = self._held, None
        return self._end_turn(number, last)

    def _item_started(self, params: JsonObject) -> list[Event]:
        return self._item(ITEMS_STARTED, params)

    def _item_completed(self, params: JsonObject) -> list[Event]:
        return self._item(ITEMS_COMPLETED, params)

    def _item(self, table: ItemTable, params: JsonObject) -> list[Event]:
        item = params["item"]
        translation = table.get(item["type"])
        if translation is None:
            kind = f"item {item['type']}"
            self.dropped[kind if item["type"] in DROPPED_ITEMS else f"unknown {kind}"] += 1
            return []
        begins = params["turnId"] not in self._turns and not self.turn
        number = self._number(params)
        if begins:  # reviews show items before they are announced
            self._unannounced = True
            return [*self._begin_turn(number), *translation(self, number, item)]
        if number != self.turn and item["id"] not in self._commands:
            self.dropped["item of an ended turn"] += 1
            return []
        return translation(self, number, item)

    def _show_item(self, kind: str, number: str, body: JsonObject, *, started: bool) -> Event:
        """item_started or item_completed."""
        if started:
            self._open.add(body["id"])
        else:
            self._open.discard(body["id"])
        return Event(
            number,
            {
                "type": "item_started" if started else "item_completed",
                "thread_id": self.thread_id,
                "turn_id": number,
                "item": {kind: body},
            },
        )

    def _complete_item(self, kind: str, number: str, body: JsonObject, at_start: JsonObject) -> list[Event]:
        """item_completed, after an item_started that the engine may have left out."""
        events = []
        if body["id"] not in self._open:
            events.append(self._show_item(kind, number, {"id": body["id"], **at_start}, started=True))
        events.append(self._show_item(kind, number, body, started=False))
        return events

    # user messages

    def _user_started(self, number: str, item: JsonObject) -> list[Event]:
        if self._user_message_shown:  # a message that joined the running turn: v1 had no event for it
            return []
        body = {"id": item["id"], "content": shapes.user_content(item["content"])}
        return [self._show_item("UserMessage", number, body, started=True)]

    def _user_completed(self, number: str, item: JsonObject) -> list[Event]:
        if self._user_message_shown:
            return []
        self._user_message_shown = True
        body = {"id": item["id"], "content": shapes.user_content(item["content"])}
        events = self._complete_item("UserMessage", number, body, {"content": body["content"]})
        return [*events, Event(number, shapes.user_message(item["content"]))]

    # agent messages

    def _agent_started(self, number: str, item: JsonObject) -> list[Event]:
        return [self._show_item("AgentMessage", number, {"id": item["id"], "content": []}, started=True)]

    def _agent_delta(self, params: JsonObject) -> list[Event]:
        return self._deltas(params, "agent_message_content_delta", "agent_message_delta")

    def _agent_completed(self, number: str, item: JsonObject) -> list[Event]:
        self._last_message = item["text"]
        body = {"id": item["id"], "content": [{"Text": {"text": item["text"]}}]}
        events = self._complete_item("AgentMessage", number, body, {"content": []})
        return [*events, Event(number, {"type": "agent_message", "message": item["text"]})]

    def _deltas(self, params: JsonObject, of_item: str, plain: str) -> list[Event]:
        """Each piece of text is two events: one names its item, one does not. The hot path."""
        number = self._turns.get(params["turnId"]) or self._number(params)
        if params["itemId"] not in self._open:
            self.dropped["delta of a closed item"] += 1
            return []
        delta = params["delta"]
        return [
            Event(
                number,
                {
                    "type": of_item,
                    "thread_id": self.thread_id,
                    "turn_id": number,
                    "item_id": params["itemId"],
                    "delta": delta,
                },
            ),
            Event(number, {"type": plain, "delta": delta}),
        ]

    # reasoning

    def _reasoning_started(self, number: str, item: JsonObject) -> list[Event]:
        return [
            self._show_item(
                "Reasoning", number, {"id": item["id"], "summary_text": [], "raw_content": []}, started=True
            )
        ]

    def _reasoning_section(self, params: JsonObject) -> list[Event]:
        return [Event(self._number(params), {"type": "agent_reasoning_section_break"})]

    def _reasoning_delta(self, params: JsonObject) -> list[Event]:
        return self._deltas(params, "reasoning_content_delta", "agent_reasoning_delta")

    def _raw_reasoning_delta(self, params: JsonObject) -> list[Event]:
        return self._deltas(params, "reasoning_raw_content_delta", "agent_reasoning_raw_content_delta")

    def _reasoning_completed(self, number: str, item: JsonObject) -> list[Event]:
        summary, raw = item.get("summary") or [], item.get("content") or []
        body = {"id": item["id"], "summary_text": summary, "raw_content": raw}
        events = self._complete_item("Reasoning", number, body, {"summary_text": [], "raw_content": []})
        events += [Event(number, {"type": "agent_reasoning", "text": text}) for text in summary]
        if self._show_raw_reasoning:
            events += [Event(number, {"type": "agent_reasoning_raw_content", "text": text}) for text in raw]
        return events

    # commands

    def _command_started(self, number: str, item: JsonObject) -> list[Event]:
        if item["id"] in self._commands:  # shown with its approval
            return []
        call = {
            "command": shapes.argv(item["command"]),
            "cwd": item["cwd"],
            "parsed_cmd": shapes.parsed_command(item.get("commandActions")),
        }
        return self._command_begin(number, item["id"], call, by_user=item.get("source") == "userShell")

    def _command_begin(self, number: str, call_id: str, call: JsonObject, *, by_user: bool = False) -> list[Event]:
        self._commands[call_id] = _Command(number)
        msg = {"type": "exec_command_begin", "call_id": call_id, **call, "is_user_shell_command": by_user}
        return [Event(number, msg)]

    def _command_output(self, params: JsonObject) -> list[Event]:
        command = self._commands.get(params["itemId"])
        if command is None:
            self.dropped["output of an ended command"] += 1
            return []
        text = params["delta"]
        if len(command.head) < _HEAD:
            command.head += text[: _HEAD - len(command.head)]
        command.streamed += len(text)
        return [self._output_delta(command.turn, params["itemId"], text)]

    def _output_delta(self, number: str, call_id: str, text: str) -> Event:
        return Event(
            number,
            {
                "type": "exec_command_output_delta",
                "call_id": call_id,
                "stream": "stdout",  # the engine runs commands on a terminal, where both are one
                "chunk": shapes.chunk(text),
            },
        )

    def _command_completed(self, number: str, item: JsonObject) -> list[Event]:
        call_id = item["id"]
        events = self._command_started(number, item)
        command = self._commands[call_id]
        missing = _not_streamed(command, item.get("aggregatedOutput") or "")
        if missing and item.get("status") != "declined":
            events.append(self._output_delta(command.turn, call_id, missing))
        events.append(self._command_end(call_id, item))
        return events + self._release_held()

    def _command_end(self, call_id: str, item: JsonObject) -> Event:
        command = self._commands.pop(call_id)
        output, errors = item.get("aggregatedOutput") or "", ""
        exit_code = item.get("exitCode")
        if item.get("status") == "declined":
            output, errors = "", REJECTED_COMMAND
        return Event(
            command.turn,
            {
                "type": "exec_command_end",
                "call_id": call_id,
                "stdout": output,
                "stderr": errors,
                "aggregated_output": errors or output,
                "exit_code": -1 if exit_code is None else exit_code,
                "duration": shapes.duration(item.get("durationMs")),
                "formatted_output": errors or output,
            },
        )

    # patches

    def _patch_started(self, _number: str, item: JsonObject) -> list[Event]:
        self._patches[item["id"]] = shapes.file_changes(item["changes"])
        return []

    def _patch_begin(self, call_id: str, *, auto_approved: bool) -> list[Event]:
        changes = self._patches.pop(call_id, None)
        if changes is None:
            return []
        self._begun_patches[call_id] = changes
        msg = {"type": "patch_apply_begin", "call_id": call_id, "auto_approved": auto_approved, "changes": changes}
        return [Event(self.turn, msg)]

    def _patch_completed(self, number: str, item: JsonObject) -> list[Event]:
        call_id, status = item["id"], item["status"]
        if status == "declined":
            self._patches.pop(call_id, None)
            self._begun_patches.pop(call_id, None)
            return []
        events = []
        if call_id not in self._begun_patches:
            self._patches.setdefault(call_id, shapes.file_changes(item["changes"]))
            events = self._patch_begin(call_id, auto_approved=True)
        changes = self._begun_patches.pop(call_id)
        applied = status == "completed"
        stdout = shapes.patch_summary(changes, self.cwd) if applied else ""
        if stdout:
            events.append(self._output_delta(number, call_id, stdout))
        end = {
            "type": "patch_apply_end",
            "call_id": call_id,
            "stdout": stdout,
            "stderr": "" if applied else "the patch could not be applied",
            "success": applied,
        }
        return [*events, Event(number, end)]

    def _turn_diff(self, params: JsonObject) -> list[Event]:
        return [Event(self._number(params), {"type": "turn_diff", "unified_diff": params["diff"]})]

    # other items

    def _plan(self, params: JsonObject) -> list[Event]:
        msg = {"type": "plan_update", "explanation": params.get("explanation"), "plan": shapes.plan(params["plan"])}
        return [Event(self._number(params), msg)]

    def _mcp_started(self, number: str, item: JsonObject) -> list[Event]:
        self._open.add(item["id"])
        return [Event(number, {"type": "mcp_tool_call_begin", "call_id": item["id"], "invocation": _invocation(item)})]

    def _mcp_completed(self, number: str, item: JsonObject) -> list[Event]:
        events = [] if item["id"] in self._open else self._mcp_started(number, item)
        self._open.discard(item["id"])
        msg = {
            "type": "mcp_tool_call_end",
            "call_id": item["id"],
            "invocation": _invocation(item),
            "duration": shapes.duration(item.get("durationMs")),
            "result": shapes.mcp_result(item),
        }
        return [*events, Event(number, msg)]

    def _search_started(self, number: str, item: JsonObject) -> list[Event]:
        return [self._show_item("WebSearch", number, {"id": item["id"], "query": _query(item)}, started=True)]

    def _search_completed(self, number: str, item: JsonObject) -> list[Event]:
        query = _query(item)
        body = {"id": item["id"], "query": query}
        events = self._complete_item("WebSearch", number, body, {"query": query})
        return [*events, Event(number, {"type": "web_search_end", "call_id": item["id"], "query": query})]

    def _image_viewed(self, number: str, item: JsonObject) -> list[Event]:
        return [Event(number, {"type": "view_image_tool_call", "call_id": item["id"], "path": item["path"]})]

    def _compacted(self, number: str, _item: JsonObject) -> list[Event]:
        return [Event(number, {"type": "agent_message", "message": "Compact task completed"})]

    def _review_entered(self, number: str, item: JsonObject) -> list[Event]:
        msg = {"type": "entered_review_mode", "prompt": item["review"], "user_facing_hint": item["review"]}
        return [Event(number, msg)]

    def _review_exited(self, number: str, item: JsonObject) -> list[Event]:
        output = {
            "findings": [],  # the engine gives the review as text only
            "overall_correctness": "",
            "overall_explanation": item["review"],
            "overall_confidence_score": 0.0,
        }
        return [Event(number, {"type": "exited_review_mode", "review_output": output})]

    def _nothing(self, _number: str, _item: JsonObject) -> list[Event]:
        """Shown at the item's other end."""
        return []

    # usage, errors, notices

    def _usage_updated(self, params: JsonObject) -> list[Event]:
        self._number(params)
        self._usage, self._usage_is_new = shapes.token_usage_info(params["tokenUsage"]), True
        return []

    def _rate_limits_updated(self, params: JsonObject) -> list[Event]:
        """Belongs to the account: every conversation is told, the one with new usage shows it."""
        self._rate_limits = shapes.rate_limits(params["rateLimits"], self._rate_limits)
        return self._token_count() if self._usage_is_new else []

    def _token_count(self) -> list[Event]:
        self._usage_is_new = False
        if not self.turn:
            return []
        return [Event(self.turn, {"type": "token_count", "info": self._usage, "rate_limits": self._rate_limits})]

    def _error(self, params: JsonObject) -> list[Event]:
        number, error = self._number(params), params["error"]
        if params.get("willRetry"):
            return [Event(number, {"type": "stream_error", "message": error["message"]})]
        if self._error_shown:
            return []
        self._error_shown = True
        return [Event(number, {"type": "error", "message": error["message"]})]

    def _warning(self, params: JsonObject) -> list[Event]:
        return [Event(self.turn, {"type": "background_event", "message": params["message"]})]

    def _deprecation(self, params: JsonObject) -> list[Event]:
        msg: JsonObject = {"type": "deprecation_notice", "summary": params["summary"]}
        if params.get("details") is not None:
            msg["details"] = params["details"]
        return [Event("", msg)]

    def _mcp_startup(self, params: JsonObject) -> list[Event]:
        if params.get("status") != "failed":
            return []
        return [Event("", {"type": "error", "message": startup_failure(params["name"], params.get("error"))})]

    def _raw_item(self, params: JsonObject) -> list[Event]:
        return [Event(self._number(params), {"type": "raw_response_item", "item": params["item"]})]


def _asks_for_more(item: JsonObject) -> tuple[bool, Any]:
    """Whether a function call wants to leave the sandbox, and the reason that the model gives."""
    try:
        arguments = json.loads(item["arguments"])
        wanted = [arguments.get("sandbox_permissions"), *(key for key in _ESCALATED if arguments.get(key) is True)]
        return any(word in _ESCALATED for word in wanted), arguments.get("justification")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):  # the engine refuses it as well
        return False, None


def _heard(item: JsonObject) -> JsonObject | None:
    """How a command ended, by what the model was told; None while it runs."""
    output = item.get("output")
    ended = _EXIT.search(output) if isinstance(output, str) else None
    if ended is None or output is None:
        return None
    return {"exitCode": int(ended[1]), "aggregatedOutput": output[ended.end() :]}


def _invocation(item: JsonObject) -> JsonObject:
    return {"server": item["server"], "tool": item["tool"], "arguments": item.get("arguments")}


def _query(item: JsonObject) -> str:
    return str(item.get("query") or (item.get("action") or {}).get("query") or "")


def _not_streamed(command: _Command, output: str) -> str:
    """What of the complete output was never streamed: all of a fast command's, or what it printed at once.

    The engine caps `output`; then its length says nothing, and only a missing start can be seen.
    """
    if command.streamed == 0:
        return output
    missing = len(output) - command.streamed
    if missing > 0:
        if output.startswith(command.head, missing):
            return output[:missing]
        return output[command.streamed :] if output.startswith(command.head) else ""
    start = output.find(command.head)
    return output[:start] if start > 0 else ""


Translation = Callable[[Translator, JsonObject], list[Event]]
ItemTable = dict[str, Callable[[Translator, str, JsonObject], list[Event]]]

NOTIFICATIONS: dict[str, Translation] = {
    "account/rateLimits/updated": Translator._rate_limits_updated,
    "deprecationNotice": Translator._deprecation,
    "error": Translator._error,
    "guardianWarning": Translator._warning,
    "item/agentMessage/delta": Translator._agent_delta,
    "item/commandExecution/outputDelta": Translator._command_output,
    "item/completed": Translator._item_completed,
    "item/reasoning/summaryPartAdded": Translator._reasoning_section,
    "item/reasoning/summaryTextDelta": Translator._reasoning_delta,
    "item/reasoning/textDelta": Translator._raw_reasoning_delta,
    "item/started": Translator._item_started,
    "mcpServer/startupStatus/updated": Translator._mcp_startup,
    "rawResponseItem/completed": Translator._raw_item,
    "thread/tokenUsage/updated": Translator._usage_updated,
    "turn/completed": Translator._turn_completed,
    "turn/diff/updated": Translator._turn_diff,
    "turn/plan/updated": Translator._plan,
    "turn/started": Translator._turn_started,
    "warning": Translator._warning,
}

ITEMS_STARTED: ItemTable = {
    "agentMessage": Translator._agent_started,
    "commandExecution": Translator._command_started,
    "contextCompaction": Translator._nothing,
    "enteredReviewMode": Translator._review_entered,
    "exitedReviewMode": Translator._nothing,
    "fileChange": Translator._patch_started,
    "imageView": Translator._image_viewed,
    "mcpToolCall": Translator._mcp_started,
    "reasoning": Translator._reasoning_started,
    "userMessage": Translator._user_started,
    "webSearch": Translator._search_started,
}

ITEMS_COMPLETED: ItemTable = {
    "agentMessage": Translator._agent_completed,
    "commandExecution": Translator._command_completed,
    "contextCompaction": Translator._compacted,
    "enteredReviewMode": Translator._nothing,
    "exitedReviewMode": Translator._review_exited,
    "fileChange": Translator._patch_completed,
    "imageView": Translator._nothing,
    "mcpToolCall": Translator._mcp_completed,
    "reasoning": Translator._reasoning_completed,
    "userMessage": Translator._user_completed,
    "webSearch": Translator._search_completed,
}

# Item kinds that v1 cannot carry. Their effects (files, commands, messages) come as items of their own.
DROPPED_ITEMS = frozenset(
    {
        "collabAgentToolCall",  # sub-agents
        "dynamicToolCall",  # tools of a v2 client
        "functionCallOutput",
        "hookPrompt",
        "imageGeneration",
        "plan",  # the text of plan mode; the plan itself comes as turn/plan/updated
        "sleep",
        "subAgentActivity",
    }
)

# Notifications that cause no event, by reason.
DROPPED_NOTIFICATIONS: dict[str, frozenset[str]] = {
    "the same is told by another message": frozenset(
        {
            "hook/completed",
            "hook/started",
            "item/fileChange/outputDelta",
            "item/fileChange/patchUpdated",
            "item/plan/delta",
            "rawResponse/completed",
            "serverRequest/resolved",
            "thread/archived",
            "thread/closed",
            "thread/compacted",
            "thread/deleted",
            "thread/environment/connected",
            "thread/environment/disconnected",
            "thread/reverted",
            "thread/started",
            "thread/status/changed",
            "thread/unarchived",
        }
    ),
    "v1 has no such thing": frozenset(
        {
            "autoApprovalReview/strictReviewRequired",
            "item/autoApprovalReview/completed",
            "item/autoApprovalReview/started",
            "item/commandExecution/terminalInteraction",
            "item/mcpToolCall/progress",
            "mcpServer/event/stream/notification",
            "model/rerouted",
            "model/safetyBuffering/updated",
            "model/verification",
            "modelProvider/authRecoveryCompleted",
            "modelProvider/authRecoveryStarted",
            "thread/attachment/updated",
            "thread/goal/cleared",
            "thread/goal/updated",
            "thread/name/updated",
            "thread/prediction/updated",
            "thread/project/updated",
            "thread/queue/changed",
            "thread/readState/changed",
            "thread/section/changed",
            "thread/settings/updated",
            "turn/moderationMetadata",
        }
    ),
    "it belongs to no conversation": frozenset(
        {
            "account/gatewayOAuth/changed",
            "account/login/completed",
            "account/updated",
            "app/list/updated",
            "command/exec/outputDelta",
            "configWarning",
            "externalAgentConfig/import/completed",
            "externalAgentConfig/import/progress",
            "fs/changed",
            "fuzzyFileSearch/sessionCompleted",
            "fuzzyFileSearch/sessionUpdated",
            "mcpServer/oauthLogin/completed",
            "process/exited",
            "process/outputDelta",
            "project/changed",
            "remoteControl/status/changed",
            "skills/changed",
            "windows/worldWritableWarning",
            "windowsSandbox/setupCompleted",
        }
    ),
    "realtime conversations are not offered": frozenset(
        {
            "thread/realtime/closed",
            "thread/realtime/error",
            "thread/realtime/item/completed",
            "thread/realtime/item/started",
            "thread/realtime/item/transcript/delta",
            "thread/realtime/itemAdded",
            "thread/realtime/outputAudio/delta",
            "thread/realtime/sdp",
            "thread/realtime/started",
            "thread/realtime/transcript/delta",
            "thread/realtime/transcript/done",
        }
    ),
}

_DROPPED = frozenset().union(*DROPPED_NOTIFICATIONS.values())
