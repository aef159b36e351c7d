"""Hosts that fit one model together: they wait for each other, and whoever ends too early is named.

Every other host keeps a connection to the first from its start to its end. Its last word says how it ended; a
connection that ends without one belongs to a host that died.
"""

import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from types import TracebackType
from typing import Self

from comal.errors import PlatformError
from training.failure import describe
from training.hosts import Hosts

# Instances start within minutes of each other, and each downloads all rows before its container starts.
JOIN_S = 900.0
_RETRY_S = 0.2
# A host that died is heard of at once; one whose network died never is.
_LAST_WORDS_S = 10.0
_DONE = "done"
_FOLLOWED = "followed"


class LostHostError(PlatformError):
    """Another host ended while this one counted on it."""


class Team(ABC):
    """This host and those that fit with it."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts

    @property
    def size(self) -> int:
        """Number of hosts."""
        return len(self.hosts.names)

    @property
    def rank(self) -> int:
        """Place of this host, from 0."""
        return self.hosts.rank

    @property
    def is_first(self) -> bool:
        """Whether this host evaluates and saves."""
        return self.rank == 0

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say good-bye."""

    @abstractmethod
    def meet(self, place: Callable[[str], str]) -> str:
        """Wait for all hosts; returns where they meet.

        Args:
            place: Prepares that place at an IP address of the first host and names it; only the first calls it.

        Raises:
            LostHostError: A host does not come, or has ended.
        """

    @abstractmethod
    def lost(self, problem: str) -> LostHostError:
        """Who is to blame for a fit that broke off with a problem of the network."""


class Alone(Team):
    """One host."""

    def __init__(self) -> None:
        super().__init__(Hosts())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nobody listens."""

    def meet(self, place: Callable[[str], str]) -> str:
        """There is nobody to wait for."""
        return place("127.0.0.1")

    def lost(self, problem: str) -> LostHostError:
        """Nobody else is to blame."""
        return LostHostError(f"The fit broke off: {problem}.", next_step="Start the job again.")


ALONE = Alone()


class FirstOfTeam(Team):
    """The first host, which the others are connected to."""

    def __init__(self, hosts: Hosts) -> None:
        super().__init__(hosts)
        self._changed = Condition()
        self._connections: dict[str, socket.socket] = {}
        self._last_words: dict[str, str] = {}
        self._address = socket.gethostbyname(hosts.first)
        self._listener = socket.create_server((self._address, hosts.port), backlog=self.size)
        Thread(target=self._accept, daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the connections: whoever still waits for us has lost us."""
        with self._changed:
            for one in (self._listener, *self._connections.values()):
                _hang_up(one)

    def meet(self, place: Callable[[str], str]) -> str:
        """Wait for all others and tell them where."""
        with self._changed:
            self._changed.wait_for(lambda: self._culprit() or not self._missing(), JOIN_S)
            if culprit := self._culprit():
                raise self._ended(culprit, "before the fit")
            if missing := self._missing():
                raise LostHostError(
                    f"{', '.join(missing)} did not come within {JOIN_S:.0f} s of the start of {self.hosts.current}.",
                    next_step="Look at the log of that host, and start the job again.",
                )
            where = place(self._address)
            for connection in self._connections.values():
                # One that died meanwhile is named when the fit breaks off.
                with suppress(OSError):
                    connection.sendall(f"{where}\n".encode())
        return where

    def lost(self, problem: str) -> LostHostError:
        """Names the host that ended, with its last word."""
        with self._changed:
            self._changed.wait_for(self._culprit, _LAST_WORDS_S)
            culprit = self._culprit()
        if culprit:
            return self._ended(culprit, "during the fit")
        return LostHostError(
            f"The fit on {self.size} hosts broke off, and none of them has ended: {problem}.",
            next_step="Start the job again.",
        )

    def _missing(self) -> list[str]:
        return [name for name in self.hosts.others if name not in self._connections]

    def _culprit(self) -> str | None:
        """A host that ended by a fault of its own."""
        return next((name for name, word in self._last_words.items() if word not in (_DONE, _FOLLOWED)), None)

    def _ended(self, name: str, when: str) -> LostHostError:
        if reason := self._last_words[name]:
            return LostHostError(f"Host {name} ended {when}: {reason}")
        return LostHostError(
            f"Host {name} ended {when} without a word: it was killed, or its instance failed.",
            next_step="Start the job again; where memory ran out choose a larger training.instance.",
        )

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # the job is over
            Thread(target=self._listen, args=(connection,), daemon=True).start()

    def _listen(self, connection: socket.socket) -> None:
        """Keep one host's connection from its first word, its name, to its last."""
        name, word = "", ""
        with connection.makefile(encoding="utf-8", errors="replace") as lines:
            with suppress(OSError):
                name = lines.readline().strip()
            if name not in self.hosts.others:
                _hang_up(connection)
                return
            with self._changed:
                self._connections[name] = connection
                self._changed.notify_all()
            with suppress(OSError):
                word = lines.readline().strip()
            with self._changed:
                self._last_words[name] = word
                self._changed.notify_all()


class OtherOfTeam(Team):
    """A host that helps the first."""

    def __init__(self, hosts: Hosts) -> None:
        super().__init__(hosts)
        self._connection = self._connected()
        self._connection.sendall(f"{hosts.current}\n".encode())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves a last word."""
        word = _DONE
        if error is not None:
            word = _FOLLOWED if isinstance(error, LostHostError) else " ".join(describe(error).split())
        with suppress(OSError):
            self._connection.sendall(f"{word}\n".encode())
        _hang_up(self._connection)

    def meet(self, place: Callable[[str], str]) -> str:  # noqa: ARG002 - the first host prepares it
        """Hear from the first host where."""
        where = ""
        with suppress(OSError), self._connection.makefile(encoding="utf-8") as lines:
            where = lines.readline().strip()
        if not where:
            raise LostHostError(
                f"Host {self.hosts.first} ended before the fit.", next_step=f"Look at the log of {self.hosts.first}."
            )
        return where

    def lost(self, problem: str) -> LostHostError:
        """Leaves it to the first host to say who."""
        return LostHostError(
            f"Another host ended during the fit: {problem}.",
            next_step=f"Look at the log of {self.hosts.first}, which names it.",
        )

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + JOIN_S
        while True:
            try:
                return socket.create_connection((self.hosts.first, self.hosts.port))
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LostHostError(
                        f"Host {self.hosts.first} cannot be reached: {error}.",
                        next_step=f"Look at the log of {self.hosts.first}.",
                    ) from error
                time.sleep(_RETRY_S)


def _hang_up(connection: socket.socket) -> None:
    """Close a connection also where a thread waits for its next word."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def team_of(hosts: Hosts) -> Team:
    """This host's place among the hosts of its job."""
    if len(hosts.names) == 1:
        return Alone()
    return FirstOfTeam(hosts) if hosts.rank == 0 else OtherOfTeam(hosts)
