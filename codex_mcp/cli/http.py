"""`codex-mcp-server http`: serve many clients over HTTP."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from codex_mcp import invocation
from codex_mcp.cli.arguments import ServeOptions, read_options, serve_parser
from codex_mcp.cli.tokens import default_path
from codex_mcp.errors import CallerError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from codex_mcp.http.options import HttpOptions


def http(arguments: list[str]) -> int:
    """Run the server. Returns the exit status: 128 plus the number of the signal that ended it."""
    try:
        from codex_mcp.http.options import check
        from codex_mcp.http.room import serve as serve_http
    except ModuleNotFoundError as error:
        raise CallerError(
            f"this command needs {error.name}, which is not installed: {invocation.install_extra('http')}"
        ) from None
    import anyio

    from codex_mcp import logs
    from codex_mcp.bridge.options import ServerDefaults, override_to_config
    from codex_mcp.cli.output import say
    from codex_mcp.cli.signals import held_signals, until_ending
    from codex_mcp.cli.under_policy import govern
    from codex_mcp.engine.home import CodexHome
    from codex_mcp.engine.launch import try_start_engine
    from codex_mcp.policy.places import policy_files
    from codex_mcp.surfaces.mcp.options import McpOptions

    options, http_options = parse(arguments)
    check(http_options)
    logs.configure(options.log_level)
    if options.offline is not None:
        from codex_mcp.offline import OfflineModel, load_script

        model = OfflineModel(load_script(options.offline))
        model.start()
        options.overrides[:0] = model.engine_overrides()
    home = CodexHome.of_process()
    defaults = ServerDefaults(dict(map(override_to_config, options.overrides)), options.cwd, options.profile)
    mcp_options = McpOptions(
        options.tool_sets,
        options.events,
        options.approval_timeout,
        options.show_thread_id,
        inbox=True,
        allow_config=options.allow_config,
    )

    policies = policy_files(options.policy)
    under = govern(policies, home, defaults) if policies else None
    # under a policy it is started once it can be held to it
    first = None if policies else try_start_engine(options.codex, home, options.engine_overrides)

    async def run() -> int:
        with held_signals() as signals:

            async def until_signal() -> int:
                return await until_ending(signals)

            return await serve_http(
                http_options,
                mcp_options,
                home if under is None else under.home(home),
                defaults,
                until_signal,
                lambda address: say(f"listening on {address}\n"),
                named=options.codex,
                overrides=options.engine_overrides,
                first=first,
                under=under,
            )

    return anyio.run(run)


def parse(arguments: list[str]) -> tuple[ServeOptions, HttpOptions]:
    """The options of the command. Exits with status 2 and a usage message if they are wrong."""
    from codex_mcp.http.options import HttpOptions, Limits, OAuth

    parser = _parser()
    found = parser.parse_args(arguments)
    if found.agent is not None:
        parser.error("--agent is not served over HTTP yet: all clients share the agent of the user's own Codex home")
    if (found.tls_cert is None) != (found.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    limits = Limits(body=found.max_body, sessions=found.max_sessions, rate=found.rate, idle=found.session_idle)
    return read_options(parser, found), HttpOptions(
        host=found.host,
        port=found.port,
        socket=found.socket,
        hosts=tuple(found.allow_host),
        origins=tuple(found.allow_origin),
        certificate=found.tls_cert,
        key=found.tls_key,
        tokens=_tokens(found),
        oauth=None if found.oauth_issuer is None else OAuth(found.oauth_issuer, found.oauth_resource, found.oauth_jwks),
        grace=found.grace,
        limits=limits,
    )


def _tokens(found: Namespace) -> str | None:
    """The token file that counts: tokens that were made are asked for, wherever the server listens."""
    named: str | None = found.tokens
    path = default_path() if named is None else pathlib.Path(named).absolute()
    wanted = named is not None or found.oauth_issuer is not None or path.exists()
    return str(path) if wanted else None


def _parser() -> ArgumentParser:
    from codex_mcp.http.options import HttpOptions, Limits

    default, limits = HttpOptions(), Limits()
    parser = serve_parser("codex-mcp-server http")
    parser.description = "Serve Codex to many clients over HTTP: MCP at /mcp."
    parser.epilog = None
    parser.set_defaults(events="off")
    add = parser.add_argument_group("where and to whom").add_argument
    add("--host", default=default.host, metavar="ADDRESS", help=f"the address to listen on; {default.host}")
    add("--port", type=int, default=default.port, metavar="PORT", help=f"{default.port}; 0: any that is free")
    add("--socket", metavar="PATH", help="listen on a unix socket instead")
    add("--allow-host", action="append", default=[], metavar="NAME", help="a name under which clients reach the server")
    add("--allow-origin", action="append", default=[], metavar="ORIGIN", help="a web page that may call the server")
    add("--tls-cert", metavar="FILE", help="serve HTTPS with this certificate")
    add("--tls-key", metavar="FILE", help="its key")
    add("--tokens", metavar="FILE", help="the tokens that let clients in; see `codex-mcp-server tokens`")
    add("--oauth-issuer", metavar="URL", help="let in whom this authorization server gives tokens for this server")
    add("--oauth-resource", metavar="URL", help="this server's address as clients know it: the audience of such tokens")
    add("--oauth-jwks", metavar="URL", help="where the keys are; without it the authorization server's metadata say so")
    add = parser.add_argument_group("limits").add_argument
    add("--max-body", type=int, default=limits.body, metavar="BYTES", help=f"of a request; {limits.body}")
    add("--max-sessions", type=int, default=limits.sessions, metavar="N", help=f"at once; {limits.sessions}")
    add(
        "--rate",
        type=float,
        default=limits.rate,
        metavar="N",
        help=f"requests a second of one identity; {limits.rate:g}",
    )
    add(
        "--session-idle",
        type=float,
        default=limits.idle,
        metavar="SECONDS",
        help=f"after which a session without requests ends; {limits.idle:g}",
    )
    add(
        "--grace",
        type=float,
        default=default.grace,
        metavar="SECONDS",
        help=f"for which running calls may go on when the server is told to end; {default.grace:g}",
    )
    return parser
