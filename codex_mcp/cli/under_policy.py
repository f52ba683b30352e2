"""Puts a server under its policy: the seams of its agent and of its client, or a closed door."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from codex_mcp.bridge.agent import NO_SEAMS, AgentSeams
from codex_mcp.bridge.options import ServerDefaults
from codex_mcp.bridge.under_policy import AgentPolicy
from codex_mcp.engine.home import CodexHome
from codex_mcp.errors import CodexMcpError
from codex_mcp.policy.engine_requests import flat_config
from codex_mcp.policy.guard import Guard
from codex_mcp.policy.load import PolicyError, load
from codex_mcp.surfaces.session import Door
from codex_mcp.surfaces.under_policy import ClientPolicy, Closed

if TYPE_CHECKING:
    from codex_mcp.bridge.agent import Agent
    from codex_mcp.surfaces.handshake import Handshake

log = logging.getLogger(__name__)


class UnderPolicy:
    """What a server is given of its policy. Without a `guard` nothing is served: the policy cannot be carried out."""

    def __init__(self, guard: Guard | None, door: Door, error: PolicyError | None = None) -> None:
        self.guard = guard
        self.door = door
        self.observer = door if isinstance(door, ClientPolicy) else None
        self.engine_settings = () if guard is None else tuple(guard.engine_settings())
        self._agent_policy = None if guard is None else AgentPolicy(guard)
        self._error = error

    @property
    def seams(self) -> AgentSeams:
        """Of the agent."""
        policy = self._agent_policy
        return NO_SEAMS if policy is None else AgentSeams(policy.engine_seams, policy.approval_seams)

    def home(self, home: CodexHome) -> CodexHome:
        """The home of the engine: its environment says where the gate is."""
        return home if self.guard is None else CodexHome({**home.environment, **self.guard.environment}, home.cwd)

    def attach(self, agent: Agent, handshake: Handshake) -> None:
        """Before anything is served."""
        if self.guard is None or self._agent_policy is None:
            assert isinstance(self.door, Closed)
            handshake.offers = self.door.offers
            return
        self._agent_policy.agent = agent
        handshake.offers = self.guard.offers


def govern(files: list[str], home: CodexHome, defaults: ServerDefaults) -> UnderPolicy:
    """The policy of these files in force, or a closed door."""
    try:
        policy = load(files)
        try:
            configured = home.read_config()
        except CodexMcpError as error:
            raise PolicyError(f"the policy cannot be carried out: {error.message}") from None
        guard = Guard(policy, cwd=home.cwd, home=home.path, configured=configured, flags=flat_config(defaults.config))
        guard.trail.open()
    except CodexMcpError as error:
        log.error("%s", error)
        closed = error if isinstance(error, PolicyError) else PolicyError(error.message)
        return UnderPolicy(None, Closed(closed), closed)
    document = policy.document
    if document.masking.level == "off":
        log.warning("the policy `%s` has masking off: secrets leave as they are", document.name)
    if document.mode == "observe":
        log.warning("the policy `%s` observes: nothing is stopped", document.name)
    return UnderPolicy(guard, ClientPolicy(guard))
