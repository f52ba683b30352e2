"""What is known of an agent, whoever serves it."""

from __future__ import annotations

import datetime
import pathlib
from collections import deque

from codex_mcp.agents.boxes.container import Container
from codex_mcp.agents.boxes.local import labelled
from codex_mcp.agents.boxes.model import BoxRef, Usage
from codex_mcp.agents.limits.choose import usage_of
from codex_mcp.agents.registry import AgentRecord, Registry
from codex_mcp.redaction import redact
from codex_mcp.wire.messages import JsonObject

LOG = "log"
"""File in an agent's folder with what its servers had to say."""
_LAST = 10  # lines of it


async def describe(registry: Registry, name: str) -> JsonObject:
    """Everything of `get_agent_status`, and what is ours beyond it. Raises NoSuchAgent."""
    record = registry.load(name)
    root = registry.root(name)
    running = registry.running(name)
    box = await _container(record) if running is not None and running.isolation == "container" else None
    usage = await _usage(record, box) if running is not None else None
    config = _configuration(root)
    limits = record.settings.limits
    enforced = usage.limits if usage is not None else None
    memory_limit = enforced.memory if enforced is not None and enforced.memory is not None else limits.memory
    return {
        "success": True,
        "agent_id": record.name,
        "container_id": box.id if box is not None else None,
        "container_name": record.id if running is not None else None,
        "status": _state(record, running is not None),
        "created_at": iso(record.created),
        "last_active": iso(record.last_active),
        "model": config.get("model"),
        "provider": config.get("model_provider"),
        "cpu_percent": usage.cpu_percent if usage is not None else None,
        "memory_usage_mb": _megabytes(usage.memory) if usage is not None else None,
        "memory_limit_mb": _megabytes(memory_limit),
        "workspace_path": str(record.workspace_in(root).path),
        "config_path": str(root / "codex" / "config.toml"),
        "recent_logs": recent_logs(root),
        "workspace": record.workspace,
        "origin": record.origin,
        "network": record.settings.network,
        "isolation": running.isolation if running is not None else record.settings.isolation,
        "isolates": running.isolates if running is not None else [],
        "nested_sandbox": running.nested_sandbox if running is not None else None,
        "limits": {
            "cpus": enforced.cpus if enforced is not None else limits.cpus,
            "memory_mb": _megabytes(memory_limit),
            "processes": enforced.pids if enforced is not None else limits.pids,
            "enforced_by": running.enforced_by if running is not None else None,
        },
        "served_by": running.pid if running is not None else None,
        "turns": record.metrics.turns,
        "failed_turns": record.metrics.failed,
        "turn_seconds": round(record.metrics.seconds, 3),
    }


def recent_logs(root: pathlib.Path, last: int = _LAST) -> list[str]:
    """The last lines of an agent's log, without what looks like a secret."""
    try:
        with (root / LOG).open(encoding="utf-8", errors="replace") as file:
            return [redact(line.rstrip("\n")) for line in deque(file, maxlen=last)]
    except OSError:
        return []


def iso(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _state(record: AgentRecord, served: bool) -> str:
    if not served:
        return "stopped"
    return "running" if any(True for _ in labelled(record.id)) else "idle"


async def _container(record: AgentRecord) -> BoxRef | None:
    return next((ref for ref in await Container().find() if ref.agent == record.id), None)


async def _usage(record: AgentRecord, box: BoxRef | None) -> Usage:
    if box is not None:
        return await Container().measure(box)
    return await usage_of(record.id)


def _configuration(root: pathlib.Path) -> JsonObject:
    import tomllib

    try:
        return tomllib.loads((root / "codex" / "config.toml").read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return {}


def _megabytes(size: int | None) -> float | None:
    return None if size is None else round(size / 2**20, 1)
