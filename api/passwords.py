"""Passwords, checked with argon2id in threads, a few at a time.

One check costs 64 MiB and some 50 ms of a core, so a flood of log-ins must neither block the loop nor eat the memory: two at
a time, a short line behind them, and whoever comes after is asked to come again.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.errors import TooManyLogins

_AT_ONCE = 2
_WAITING = 32


class PasswordCheck:
    """Checks passwords against argon2id hashes. One for each event loop."""

    def __init__(self, at_once: int = _AT_ONCE, waiting: int = _WAITING) -> None:
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash("nobody has this password")
        self._turn = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._inside = 0

    @contextmanager
    def place(self) -> Generator[None]:
        """A place in the line, to be taken before an attempt is counted. Raises TooManyLogins."""
        if self._inside >= self._room:
            raise TooManyLogins(wait_s=5)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether ``password`` belongs to the hash. None (no such user) takes as long and is never true."""
        async with self._turn:
            right = await asyncio.to_thread(self._verify, password, password_hash or self._nobody)
        return right and password_hash is not None

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
