"""The declaration in a server's file, as argument lists: pure, so that it can be printed and tested."""

from __future__ import annotations

from collections.abc import Mapping

from harness.record import record

Argv = tuple[str, ...]


@record(frozen=True, slots=True)
class Places:
    """The paths of one experiment.

    Args:
        folder: All others lie in it, so a server that mirrors it mirrors its own mount as well.
        data: A folder with the file `file` in it: the source of a server that mirrors.
        mount: Where the server mounts.
        work: Images, keys and caches.
        port: A TCP port of the loopback interface, for a backend.
        python: The interpreter, with the options before a module's name.
        tools: Program → its path.
    """

    folder: str
    data: str
    mount: str
    work: str
    port: int
    python: Argv
    tools: Mapping[str, str]


@record(frozen=True, slots=True)
class Service:
    """The start of a server, and the files of it that are used.

    Args:
        serve: The server, in the foreground where it can be.
        file: A file to be read, as a path below the mount.
        scratch: A file to be made and written, as a path below the mount; empty: nothing can be written.
        nested: A path below the mount for which the server itself opens a file of its own mount; empty: there is none.
        backend: Started first; it listens on the port.
        prepare: Commands that are run before anything else.
        files: (path, text), written before that.
        stdin: Standard input of the server and of the commands of `prepare`.
        env: Added to the environment of all of them.
    """

    serve: Argv
    file: str
    scratch: str = ""
    nested: str = ""
    backend: Argv = ()
    prepare: tuple[Argv, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    stdin: str = ""
    env: tuple[tuple[str, str], ...] = ()
