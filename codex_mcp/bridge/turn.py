"""The life of a turn: one table, which says for every state what may happen and what comes of it.

    IDLE --accepted--> STARTING --started--> RUNNING --ended--> IDLE
                                                |                 ^
                                                +--outlived--> HOLDING --ended--+

The engine may begin a turn by itself (IDLE --started--> RUNNING). What is handed in while a turn starts or runs joins
it. What the table does not have is an error, and changes nothing.
"""

from __future__ import annotations

from enum import Enum

import anyio


class TurnState(Enum):
    """Where a conversation is in the life of a turn."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    HOLDING = "holding"
    """The model has answered; a command of the turn still runs, and the end of the turn is not shown yet."""


class TurnEvent(Enum):
    """What happens to a turn."""

    ACCEPTED = "accepted"
    """The engine took a message."""
    STARTED = "started"
    """The turn was announced to the client."""
    OUTLIVED = "outlived"
    """The engine's turn is over, and a command of it still runs."""
    ENDED = "ended"
    """The last event of the turn was sent, whoever ended it."""


_S, _E = TurnState, TurnEvent
TRANSITIONS: dict[tuple[TurnState, TurnEvent], TurnState] = {
    (_S.IDLE, _E.ACCEPTED): _S.STARTING,
    (_S.IDLE, _E.STARTED): _S.RUNNING,
    (_S.STARTING, _E.ACCEPTED): _S.STARTING,
    (_S.STARTING, _E.STARTED): _S.RUNNING,
    (_S.STARTING, _E.ENDED): _S.IDLE,
    (_S.RUNNING, _E.ACCEPTED): _S.RUNNING,
    (_S.RUNNING, _E.OUTLIVED): _S.HOLDING,
    (_S.RUNNING, _E.ENDED): _S.IDLE,
    (_S.HOLDING, _E.ENDED): _S.IDLE,
}


class IllegalTurnEvent(Exception):
    """Something happened to a turn that cannot happen in its state: a defect of ours, or of the engine."""

    def __init__(self, state: TurnState, event: TurnEvent) -> None:
        super().__init__(f"a turn that is {state.value} cannot be {event.value}")


class TurnLife:
    """The state of the turn that runs now, or is begun next, and who waits for its end."""

    def __init__(self) -> None:
        self.state = TurnState.IDLE
        self.ended = anyio.Event()
        """Set when the turn that runs now, or is begun next, ends; each turn has its own."""

    @property
    def busy(self) -> bool:
        return self.state is not TurnState.IDLE

    def feed(self, event: TurnEvent) -> None:
        """Move on. Raises IllegalTurnEvent; the state is as it was then."""
        try:
            self.state = TRANSITIONS[self.state, event]
        except KeyError:
            raise IllegalTurnEvent(self.state, event) from None
        if self.state is TurnState.IDLE:
            ended, self.ended = self.ended, anyio.Event()
            ended.set()
