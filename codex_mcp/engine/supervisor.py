"""Keeps one engine alive: starts it, tries the next binary when one does not fit, restarts it when it ends.

    starting --ready--> serving --ended--> starting ...
       |                                      |
       +--- five failures, or none fits ------+--> unavailable --next use--> starting

Whoever needs the engine asks for `link()` and either gets a live one or an EngineUnavailable that says what to do.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

import anyio
import anyio.lowlevel

from codex_mcp.engine.home import CodexHome
from codex_mcp.engine.launch import EngineProcess, start_engine
from codex_mcp.engine.link import NO_SEAMS, EngineLink, EngineListener, EngineSeams
from codex_mcp.engine.locate import EngineBinary, EngineUnfit, find_engines, install_advice
from codex_mcp.errors import EngineUnavailable
from codex_mcp.logs import about

log = logging.getLogger(__name__)

_MAX_FAILURES = 5
_FIRST_DELAY = 0.1  # seconds before the second start in a row; doubles each time
_STABLE_AFTER = 10.0  # seconds of life after which earlier failures no longer count
_RETRY_AFTER = 5.0  # seconds for which a final failure is reported without another attempt


class Engine:
    """The engine of this server, whichever process it is at the moment. `run` it in a task."""

    def __init__(
        self,
        home: CodexHome,
        named: str | None,
        overrides: Sequence[str],
        listener: EngineListener,
        *,
        first: EngineProcess | None = None,
        before_read: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
        seams: EngineSeams = NO_SEAMS,
    ) -> None:
        """`home`: where its processes run. `named`: the binary the user named, if any. `overrides`: `key=value`
        settings for its command line.

        `first`: a process that was started already. `before_read` is awaited before each read of the engine's
        stream: it holds the engine back while the client does not read.
        """
        self.home = home
        self.generation = 0
        """Counts the processes that became ready: what was loaded in another generation is gone."""
        self._named = named
        self._overrides = overrides
        self._listener = listener
        self._first = first
        self._before_read = before_read
        self._seams = seams
        self._link: EngineLink | None = None
        self._failure: EngineUnavailable | None = None
        self._failed_at = 0.0
        self._changed = anyio.Event()
        self._resting = False
        self._leave = anyio.Event()
        self._left_because = ""

    @property
    def current(self) -> EngineLink | None:
        """The live link, if there is one right now."""
        return self._link

    async def link(self) -> EngineLink:
        """The live link; waits for a start that is under way. Raises EngineUnavailable if there is none."""
        if self._failure is not None and anyio.current_time() > self._failed_at + _RETRY_AFTER:
            self._failure = None
            self._change()
        if self._resting:
            self._resting = False
            self._change()
        while self._link is None:
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()
        return self._link

    def rest(self) -> None:
        """End the process, in which nothing must run, until somebody asks for it again."""
        self._resting = True
        self._leave.set()

    def renew(self, reason: str) -> None:
        """End the process and start another: for something that it cannot mend. Its turns end with that reason."""
        self._left_because = reason
        self._leave.set()

    async def run(self) -> None:
        """Keep an engine alive until cancelled; then end it, and everything it runs, before returning."""
        try:
            while True:
                try:
                    await self._run_until_unavailable()
                except EngineUnavailable as failure:
                    log.error("no engine: %s", failure)
                    self._failure, self._failed_at = failure, anyio.current_time()
                    self._change()
                while self._failure is not None:
                    await self._changed.wait()
        finally:
            if self._first is not None:  # never got to serve it
                self._first.discard()

    async def _run_until_unavailable(self) -> None:
        failures, delay = 0, _FIRST_DELAY
        while True:
            while self._resting:
                await self._changed.wait()
            started = anyio.current_time()
            problem = await self._serve_best()
            if self._resting:
                continue
            if problem is None and anyio.current_time() - started > _STABLE_AFTER:
                failures, delay = 0, _FIRST_DELAY
                continue
            failures += 1
            if failures >= _MAX_FAILURES:
                reason = problem or "it ends right after it started"
                raise EngineUnavailable(f"the Codex engine does not start ({failures} attempts): {reason}")
            await anyio.sleep(delay)
            delay *= 2

    async def _serve_best(self) -> EngineUnavailable | None:
        """Serve the first binary that fits, until it ends; or say why none became ready.

        Raises EngineUnavailable if trying again would not help.
        """
        binaries = find_engines(self._named)
        if not binaries:
            raise EngineUnavailable(f"no Codex engine was found. {install_advice()}")
        problems: list[EngineUnavailable] = []
        for binary in binaries:
            problem = await self._serve(binary)
            if problem is None:
                return None
            log.warning("this engine cannot be used: %s", problem)
            problems.append(problem)
        if all(isinstance(problem, EngineUnfit) for problem in problems):
            raise EngineUnavailable("; ".join(problem.message for problem in problems), code=problems[0].code)
        return problems[-1]

    async def _serve(self, binary: EngineBinary) -> EngineUnavailable | None:
        """One process, from its start to its end. Returns why it did not become ready, if it did not."""
        process = self._take_first(binary)
        if process is None:
            try:
                process = start_engine(binary, self.home, self._overrides)
            except OSError as error:
                return EngineUnfit(f"{binary} cannot be run: {error.strerror}. {install_advice()}")
        link = EngineLink(process, self._listener, self._before_read, self._seams)
        problem: EngineUnavailable | None = None
        async with anyio.create_task_group() as tasks:
            try:
                tasks.start_soon(link.serve)
                await link.handshake()
                if self._seams.verify is not None:
                    await self._seams.verify(link)
                self.generation += 1
                self._link = link
                self._change()
                await self._until_over(link)
            except EngineUnavailable as failure:
                problem = failure
            finally:
                self._link = None
                self._change()
                status = await link.stop()
                tasks.cancel_scope.cancel()
        if problem is None and not self._resting:
            what = "did not answer any more and was ended" if link.hung else f"ended unexpectedly (status {status})"
            because, self._left_because = self._left_because, ""
            reason = because or f"the Codex engine {what}: {link.last_words()}"
            log.warning("%s", reason, extra=about(pid=process.pid))
            self._listener.on_engine_lost(reason)
        return problem

    async def _until_over(self, link: EngineLink) -> None:
        """Wait for the end of the process, or until it is to end."""
        self._leave, self._left_because = anyio.Event(), ""
        if self._resting:  # asked for while it started
            return
        async with anyio.create_task_group() as tasks:

            async def wait(event: anyio.Event) -> None:
                await event.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(wait, link.ended)
            tasks.start_soon(wait, self._leave)

    def _take_first(self, binary: EngineBinary) -> EngineProcess | None:
        """The process that was started early, if it runs that binary."""
        first, self._first = self._first, None
        if first is not None and first.binary.path != binary.path:
            first.discard()
            return None
        return first

    def _change(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()
