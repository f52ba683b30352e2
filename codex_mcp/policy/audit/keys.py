"""The keys of an installation: one signs checkpoints, one makes tags and digests. Made at first use, 0600."""

from __future__ import annotations

import hashlib
import os
import pathlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PUBLIC = "signing.pub"


def digest_key(folder: pathlib.Path) -> bytes:
    """The key of tags and digests (HMAC-SHA-256). Raises OSError."""
    return _kept(folder / "digest.key", lambda: secrets.token_bytes(32))


def signing_key(folder: pathlib.Path) -> Ed25519PrivateKey:
    """The key that signs checkpoints; its public half is written beside it. Raises OSError, ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(_kept(folder / "signing.key", lambda: secrets.token_bytes(32)))
    _kept(folder / PUBLIC, lambda: key.public_key().public_bytes_raw().hex().encode() + b"\n")
    return key


def public_key(path: pathlib.Path) -> Ed25519PublicKey:
    """A public key as `signing_key` writes it. Raises OSError, ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(path.read_text().strip()))


def fingerprint(key: Ed25519PublicKey) -> str:
    """A short name of a key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _kept(path: pathlib.Path, make: object) -> bytes:
    """What the file holds; it is made if there is none. Of several processes the first wins."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        assert callable(make)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            except OSError:  # a file system without links
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return path.read_bytes()
