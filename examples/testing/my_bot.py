"""An integration to test: a bot that has Codex answer, and lets it change nothing but Markdown."""

from __future__ import annotations

from codex_mcp.client import ApprovalRequest, Decision
from codex_mcp.client.sync import start_client
from codex_mcp.protocol.approvals import ApplyPatchApprovalParams


def only_markdown(request: ApprovalRequest) -> Decision:
    """Yes to patches of Markdown files, no to everything else."""
    if isinstance(request, ApplyPatchApprovalParams) and all(path.endswith(".md") for path in request.file_changes):
        return "approved"
    return "denied"


def my_bot(question: str) -> str:
    """Ask Codex about the current directory."""
    with start_client(approve=only_markdown) as client:
        return client.new_conversation(approval_policy="untrusted", sandbox="workspace-write").ask(question)
