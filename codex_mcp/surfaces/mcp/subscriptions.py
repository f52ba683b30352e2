"""Resources that an MCP client subscribed to: it is told when a thread's change (a `Hearer` of the delivery)."""

from __future__ import annotations

from codex_mcp.bridge.conversation import Conversation
from codex_mcp.bridge.events import Event
from codex_mcp.surfaces.client import Client

_TURN_ENDS = ("task_complete", "turn_aborted")


class Subscriptions:
    """One per connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._uris: dict[str, str] = {}
        """As the client wrote them, by what `uris_of` has for them: ids may be written in capitals."""

    def add(self, uri: str) -> None:
        self._uris[uri.lower()] = uri

    def discard(self, uri: str) -> None:
        self._uris.pop(uri.lower(), None)

    def on_events(self, conversation: Conversation, events: list[Event]) -> None:
        if self._uris and any(event.msg["type"] in _TURN_ENDS for event in events):
            self.changed(conversation.id)

    def on_closed(self, conversation_id: str) -> None:
        self.changed(conversation_id)

    def server_changed(self, name: str) -> None:
        """Tell the client, if it wants to know of that MCP server of the engine."""
        if not self._uris:
            return
        from codex_mcp.surfaces.mcp import server_resources

        self._tell(server_resources.uris_of(name))

    def changed(self, thread_id: str) -> None:
        """Tell the client, if it wants to know of one of the thread's resources."""
        if not self._uris:
            return
        from codex_mcp.surfaces.mcp import resources

        self._tell(resources.uris_of(thread_id))

    def _tell(self, uris: tuple[str, ...]) -> None:
        for uri in uris:
            wanted = self._uris.get(uri.lower())
            if wanted is not None:
                self._client.notify("notifications/resources/updated", {"uri": wanted})
