"""Asks the client's user about something that a tool is about to do outside of any turn, or to open an address."""

from __future__ import annotations

import uuid
from typing import Any

import anyio

from codex_mcp.errors import CallerError
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.elicitation import NOT_OFFERED
from codex_mcp.wire.errors import PeerClosed, RpcError
from codex_mcp.wire.messages import JsonObject


class NotApproved(CallerError):
    """The user said no, or could not be asked."""

    code = "approval_denied"


async def ask(call: CallContext, question: str, otherwise: str) -> None:
    """Return if the user accepts. `otherwise`: what to run where nobody can be asked. Raises NotApproved."""
    if not call.mcp.turns.elicitations.offered:
        raise NotApproved(f"{NOT_OFFERED}. The user can run `{otherwise}` instead")
    form = {"message": question, "requestedSchema": {"type": "object", "properties": {}}}
    answer = await _elicit(call, form, call.mcp.options.approval_timeout or None)
    if answer != "accept":
        raise NotApproved(f"not done: the user did not approve it ({answer})")


def can_open_addresses(call: CallContext) -> bool:
    """Whether the client has declared that it shows addresses to its user."""
    handshake = call.connection.handshake
    declared = handshake.client_capabilities.get("elicitation")
    return handshake.protocol_version >= "2025-11-25" and isinstance(declared, dict) and "url" in declared


async def open_address(call: CallContext, message: str, url: str) -> str:
    """Have the user open an address; the id under which the end of it is told. Raises NotApproved."""
    id = uuid.uuid4().hex
    params = {"mode": "url", "message": message, "url": url, "elicitationId": id}
    answer = await _elicit(call, params, call.mcp.options.approval_timeout or None)
    if answer != "accept":
        raise NotApproved(f"the user did not open the address ({answer})")
    return id


def tell_completed(call: CallContext, id: str) -> None:
    """What the user was sent to an address for is over."""
    call.connection.client.notify("notifications/elicitation/complete", {"elicitationId": id}, about=call.id)


async def _elicit(call: CallContext, params: JsonObject, limit: float | None) -> str:
    """The user's action: accept, decline, cancel; or why there is none."""
    pending = call.connection.client.begin("elicitation/create", params, about=call.id)
    answer: Any = None
    try:
        with anyio.move_on_after(limit) as scope:
            answer = await pending.result()
    except RpcError as error:
        return f"the client could not ask: {error.message}"
    except PeerClosed:
        return "the client is gone"
    if scope.cancelled_caught:
        reason = f"nobody answered within {limit:g} seconds"
        call.connection.client.notify("notifications/cancelled", {"requestId": pending.id, "reason": reason})
        return reason
    action = answer.get("action") if isinstance(answer, dict) else None
    return action if isinstance(action, str) else "the answer could not be understood"
