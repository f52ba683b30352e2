"""Boxes by bubblewrap: namespaces of the caller, no daemon, no image. The engine brings the binary along.

Every process of a box is a descendant of its bwrap and in its process namespace: it ends with the bwrap, and that with
the engine that started it. A box has no life of its own, so there is nothing to adopt.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from codex_mcp.agents.boxes.local import end_boxes, find_boxes
from codex_mcp.agents.boxes.model import LABEL, BoxRef, BoxSpec, Endpoint, Probe, Program, Usage
from codex_mcp.agents.boxes.probing import probe_box
from codex_mcp.engine.orphans import MARK

_ETC = ("resolv.conf", "nsswitch.conf", "ssl", "alternatives", "localtime", "ld.so.cache", "gitconfig")
# The first process in a box is bwrap's own, and the box can read what environment that was started with. What remains
# of it is what boxes are found by.
_WITHOUT_ENVIRONMENT = f'exec env -i "{LABEL}=$0" "{MARK}=${MARK}" "$@"'
# The user of a box that root makes is root to the kernel, which lets it change these without any capability.
_KERNEL = ("/proc/sys", "/proc/sysrq-trigger", "/proc/mtrr", "/proc/acpi", "/proc/scsi", "/proc/fs")
_ROOT_LINKS = ("bin", "sbin", "lib", "lib32", "lib64")
_UID = "1000"


class Bwrap:
    """See the module. Option `bwrap`: another binary; `read`: further directories to see, separated by colons."""

    name = "bwrap"

    async def probe(self, spec: BoxSpec) -> Probe:
        if _binary(spec) is None:
            return Probe(False, "there is no bwrap: neither among the engine's files nor on PATH")
        return await probe_box(self, spec, networks=frozenset({"none", "host"}))

    async def prepare(self, spec: BoxSpec) -> None:
        etc = spec.root / "etc"
        etc.mkdir(mode=0o700, exist_ok=True)
        # the machine's own files would tell the names of its users
        (etc / "passwd").write_text(f"agent:x:{_UID}:{_UID}::{spec.home}:/bin/bash\n")
        (etc / "group").write_text(f"agent:x:{_UID}:\n")
        (etc / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        (spec.home / ".codex").mkdir(mode=0o700, parents=True, exist_ok=True)

    def inside(self, spec: BoxSpec, argv: Sequence[str]) -> list[str]:
        box = ["/bin/sh", "-c", _WITHOUT_ENVIRONMENT, spec.agent, _binary(spec) or "bwrap"]
        # without a user id and without capabilities of its own, a box of root is none: it could remount /usr
        box += ["--unshare-user", "--uid", _UID, "--gid", _UID, "--cap-drop", "ALL"]
        box += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "localhost", "--unshare-cgroup-try"]
        if spec.network == "none":
            box.append("--unshare-net")
        box += ["--die-with-parent", "--new-session", "--clearenv", "--ro-bind", "/usr", "/usr"]
        for name in _ROOT_LINKS:
            if os.path.islink(f"/{name}"):
                box += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
            elif os.path.isdir(f"/{name}"):
                box += ["--ro-bind", f"/{name}", f"/{name}"]
        for name in ("passwd", "group", "hosts"):
            box += ["--ro-bind", str(spec.root / "etc" / name), f"/etc/{name}"]
        for name in _ETC:
            box += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        box += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        for path in _KERNEL:
            box += ["--ro-bind-try", path, path]
        further = [path for path in spec.options.get("read", "").split(":") if path]
        for path in (*further, str(spec.engine), *map(str, spec.reads)):
            box += ["--ro-bind", path, path]
        box += ["--bind", str(spec.home), str(spec.home)]
        workspace = str(spec.workspace)
        if spec.overlay is not None:
            box += ["--overlay-src", str(spec.overlay.source)]
            box += ["--overlay", str(spec.overlay.upper), str(spec.overlay.work), workspace]
            if spec.read_only:
                box += ["--remount-ro", workspace]
        else:
            box += ["--ro-bind" if spec.read_only else "--bind", workspace, workspace]
        for name, value in spec.environment.items():
            box += ["--setenv", name, value]
        return [*box, "--chdir", workspace, "--remount-ro", "/", "--", *argv]

    def endpoint(self, spec: BoxSpec) -> Endpoint:
        return Program(self.inside(spec, spec.exec_server))

    async def find(self) -> list[BoxRef]:
        return find_boxes(self.name, "bwrap")

    async def usage(self, spec: BoxSpec) -> Usage | None:
        return None

    async def stop(self, ref: BoxRef, grace: float) -> None:
        await end_boxes(ref.agent, grace)

    async def remove(self, spec: BoxSpec) -> None:
        """Nothing is outside of the agent's folder."""


def _binary(spec: BoxSpec) -> str | None:
    named = spec.options.get("bwrap")
    if named:
        return shutil.which(named)
    bundled = spec.engine / "codex-resources" / "bwrap"
    return str(bundled) if os.access(bundled, os.X_OK) else shutil.which("bwrap")
