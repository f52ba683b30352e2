"""What params take, and what results send."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from codex_mcp.protocol.conversations import NewConversationParams, NewConversationResult
from codex_mcp.protocol.events import EventMsg
from codex_mcp.protocol.input_items import InputItem
from codex_mcp.protocol.registry import METHODS, SERVER_REQUESTS
from codex_mcp.protocol.sandbox import SandboxPolicy, WorkspaceWritePolicy
from codex_mcp.surfaces.v1.methods import HANDLERS

ITEM: TypeAdapter[InputItem] = TypeAdapter(InputItem)
POLICY: TypeAdapter[SandboxPolicy] = TypeAdapter(SandboxPolicy)
EVENT: TypeAdapter[EventMsg] = TypeAdapter(EventMsg)


@pytest.mark.parametrize(
    ("flat", "nested"),
    [
        ({"type": "text", "text": "a"}, {"type": "text", "data": {"text": "a"}}),
        ({"type": "image", "imageUrl": "u"}, {"type": "image", "data": {"image_url": "u"}}),
        ({"type": "image", "image_url": "u"}, {"type": "image", "data": {"image_url": "u"}}),
        ({"type": "localImage", "path": "p"}, {"type": "localImage", "data": {"path": "p"}}),
    ],
)
def test_flat_items_mean_the_same_as_nested_ones(flat: Any, nested: Any) -> None:
    assert ITEM.validate_python(flat) == ITEM.validate_python(nested)
    assert ITEM.validate_python(flat).to_wire() == nested


@pytest.mark.parametrize("item", [{}, {"type": "text"}, {"type": "nope", "data": {}}, {"type": "text", "data": {}}, 5])
def test_items_that_are_none_are_refused(item: Any) -> None:
    with pytest.raises(ValidationError):
        ITEM.validate_python(item)


@pytest.mark.parametrize("tag", ["mode", "type"])
def test_policies_are_told_by_mode_or_type(tag: str) -> None:
    policy = POLICY.validate_python({tag: "workspace-write", "writable_roots": ["/x"], "network_access": True})
    assert policy == WorkspaceWritePolicy(writable_roots=["/x"], network_access=True)
    assert policy.to_wire()["mode"] == "workspace-write"


@pytest.mark.parametrize(
    "policy", ["read-only", {}, {"mode": "bogus"}, None, {"mode": "workspace-write", "writable_roots": 1}]
)
def test_policies_that_are_none_are_refused(policy: Any) -> None:
    with pytest.raises(ValidationError):
        POLICY.validate_python(policy)


def test_unknown_keys_are_ignored_and_types_are_strict() -> None:
    assert NewConversationParams.model_validate({"whatever": 1, "model": "m"}).model == "m"
    mistakes: list[dict[str, Any]] = [{"model": 5}, {"includePlanTool": "true"}, {"config": []}]
    for wrong in mistakes:
        with pytest.raises(ValidationError):
            NewConversationParams.model_validate(wrong)


def test_result_fields_without_a_value_are_sent_as_null() -> None:
    result = NewConversationResult(conversation_id="c", model="m", reasoning_effort=None, rollout_path="p")
    assert result.to_wire() == {"conversationId": "c", "model": "m", "reasoningEffort": None, "rolloutPath": "p"}


def test_an_event_is_read_by_its_type() -> None:
    event = EVENT.validate_python({"type": "agent_message", "message": "hi", "later": 1})
    assert event.type == "agent_message"


def test_every_method_of_the_registry_is_served_and_no_other() -> None:
    assert set(HANDLERS) == set(METHODS) - {"initialize", "getUserAgent"}  # which the handshake answers
    for method in (*METHODS.values(), *SERVER_REQUESTS.values()):
        assert method.summary.endswith(".")
