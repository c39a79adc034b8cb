"""Where a node's private keys come from: files that only their owner can read, never flags."""

from pathlib import Path

from openledger_node.errors import StartError

KEY_BYTES = 32
PRIVATE_MODE = 0o600
OTHERS = 0o077


def read_key(path: Path | None, flag: str) -> bytes:
    """The 32-byte key in a hex file; raises StartError for a missing, open or malformed one."""
    if path is None:
        raise StartError("this role signs and has no key", f"give a key file with {flag}")
    try:
        text = path.read_text().strip()
        mode = path.stat().st_mode
    except OSError as error:
        raise StartError(f"cannot read {path} ({error.strerror})", f"give a key file with {flag}") from None
    if mode & OTHERS:
        raise StartError(f"{path} can be read by others", f"chmod 600 {path}")
    try:
        key = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StartError(f"{path} holds no hex private key of {KEY_BYTES} bytes", f"correct it or {flag}")
    return key


def write_key(path: Path, key: bytes) -> Path:
    """Write a key file that only the owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=PRIVATE_MODE)
    path.chmod(PRIVATE_MODE)
    path.write_text(key.hex() + "\n")
    return path
