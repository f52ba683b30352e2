"""Which of our tools a policy leaves, for clients that ask before the server is loaded. Read at first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codex_mcp.wire.errors import INTERNAL_ERROR, RpcError


def offers_of(files: Sequence[str]) -> Callable[[str], bool]:
    """Whether a tool is offered. It raises RpcError (`policy_error`) if the policy cannot be read or trusted."""
    known: list[Callable[[str], bool]] = []

    def offers(tool: str) -> bool:
        if not known:
            known.append(_read(files))
        return known[0](tool)

    return offers


def _read(files: Sequence[str]) -> Callable[[str], bool]:
    from codex_mcp.policy.load import PolicyError, load

    try:
        document = load(files).document
    except PolicyError as error:
        raise RpcError(INTERNAL_ERROR, error.message, {"code": error.code}) from None
    tools = document.methods.tools
    return lambda tool: document.mode == "observe" or tools is None or tool in tools
