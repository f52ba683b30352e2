"""The words that both the documented interface and the MCP tools know. Light: no model is loaded with them."""

from __future__ import annotations

from typing import Literal

ApprovalPolicy = Literal["untrusted", "on-failure", "on-request", "never"]
SandboxMode = Literal["read-only", "workspace-write", "danger-full-access"]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"]
"""What may be asked for. The released server knew minimal to high; newer models advertise more."""
ReasoningSummary = Literal["auto", "concise", "detailed", "none"]
Verbosity = Literal["low", "medium", "high"]
