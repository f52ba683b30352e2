"""The exceptions of this project: one root, split by whose fault it is.

Every exception has a stable `code` (a client may branch on it) and a message that says what to do next.
How an error is shown on the wire (JSON-RPC code, tool result) is for the surfaces to decide.
"""

from __future__ import annotations


class CodexMcpError(Exception):
    """Root of the family. `code` is stable; the text is for people."""

    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class CallerError(CodexMcpError):
    """The client asked for something that cannot be done as asked: bad arguments, an unknown id."""

    code = "invalid_request"


class EngineError(CodexMcpError):
    """The engine refused, failed or could not be reached while serving a correct request."""

    code = "engine_error"


class EngineUnavailable(EngineError):
    """There is no engine to serve the request: not installed, too old, or it does not start."""

    code = "engine_unavailable"
