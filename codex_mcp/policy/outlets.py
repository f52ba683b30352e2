"""Masks what passes: streams as they come from the engine, everything else as a whole. Messages are data here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from codex_mcp.policy.masking import MaskedStream, Masker

JsonObject = dict[str, Any]

# Notifications of the engine that bring a text in pieces: of one item, in one or several parts.
_STREAMS = {
    "item/agentMessage/delta": "",
    "item/commandExecution/outputDelta": "",
    "item/reasoning/summaryTextDelta": "summaryIndex",
    "item/reasoning/textDelta": "contentIndex",
}
# Events that bring what came as one of those: masked already.
_DELTAS = frozenset(
    {
        *("agent_message_delta", "agent_message_content_delta", "agent_reasoning_delta", "reasoning_content_delta"),
        *("agent_reasoning_raw_content_delta", "reasoning_raw_content_delta", "exec_command_output_delta"),
    }
)
# Questions to a client, and where they have room for a word to whoever decides.
_QUESTIONS = {"elicitation/create": "message", "execCommandApproval": "reason", "applyPatchApproval": "reason"}
_NOTE = "(Parts of this are masked by the policy.)"


@dataclass
class _Stream:
    method: str
    params: JsonObject
    stream: MaskedStream


class EngineOutlet:
    """What the engine says, masked. `late` is told of what a stream still held when its item ends, before its end."""

    def __init__(self, masker: Masker, late: Callable[[str, JsonObject], None]) -> None:
        self._masker = masker
        self._late = late
        self._streams: dict[tuple[str, str], dict[tuple[str, Any], _Stream]] = {}

    def notification(self, method: str, params: JsonObject) -> JsonObject:
        """The params in place of these."""
        part = _STREAMS.get(method)
        if part is not None:
            return self._piece(method, params, params.get(part))
        if method in ("item/completed", "item/reasoning/summaryPartAdded"):
            item = params.get("item") or {}
            self._flush((params.get("threadId", ""), params.get("itemId") or item.get("id") or ""))
        elif method == "turn/completed":
            for key in [key for key in self._streams if key[0] == params.get("threadId")]:
                self._flush(key)
        masked: JsonObject = self._masker.tree(params)
        return masked

    def _piece(self, method: str, params: JsonObject, part: Any) -> JsonObject:
        item = (params.get("threadId", ""), params.get("itemId", ""))
        streams = self._streams.setdefault(item, {})
        if (method, part) not in streams:
            self._flush(item)
            streams = self._streams[item] = {(method, part): _Stream(method, params, self._masker.stream())}
        return {**params, "delta": streams[method, part].stream.push(str(params.get("delta", "")))}

    def _flush(self, item: tuple[str, str]) -> None:
        for one in self._streams.pop(item, {}).values():
            if rest := one.stream.flush():
                self._late(one.method, {**one.params, "delta": rest})


def to_client(masker: Masker, method: str, params: Any) -> Any:
    """The params of a message to a client in place of these; a question says that parts of it are masked."""
    if isinstance(params, dict) and isinstance(params.get("msg"), dict) and params["msg"].get("type") in _DELTAS:
        return params
    masked = masker.tree(params)
    field = _QUESTIONS.get(method)
    if field is not None and "[masked:" in str(masked):
        masked = {**masked, field: "\n".join(filter(None, (masked.get(field), _NOTE)))}
    return masked
