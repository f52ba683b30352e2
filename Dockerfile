# The server with its engine, as a user without rights. The engine's own sandbox needs user namespaces, which the default
# seccomp profile of Docker forbids: docs/docker.md says what to do.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/codex-mcp-server \
 && /opt/codex-mcp-server/bin/pip install --no-cache-dir '.[engine,http]'

FROM python:3.13-slim-bookworm
# git is for the facts of a repository, bubblewrap for the sandbox; their versions are those of the base image
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 codex \
 && install --directory --owner=codex --group=codex /workspace /home/codex/.codex
COPY --from=build /opt/codex-mcp-server /opt/codex-mcp-server
ENV PATH=/opt/codex-mcp-server/bin:$PATH \
    CODEX_HOME=/home/codex/.codex
USER 1000:1000
WORKDIR /workspace
VOLUME ["/home/codex/.codex"]
ENTRYPOINT ["codex-mcp-server"]
