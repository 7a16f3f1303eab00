"""The binding to libfuse: fusepy with libfuse 2 where that can be loaded, else its fork mfusepy with libfuse 3.

Two environment variables decide otherwise: FAKEFS_FUSE forces `fusepy` or `mfusepy`, and FUSE_LIBRARY_PATH names the
library to load; the binding then has to be the one for that library's major version.
"""

import ctypes
import errno
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from fakefs.errors import SetupError
from fakefs.record import record

VARIABLE = "FAKEFS_FUSE"
LIBRARY = "FUSE_LIBRARY_PATH"


@record(frozen=True, slots=True)
class Kind:
    """A Python package that binds one major version of libfuse.

    `sonames` are names that the dynamic linker knows: ctypes.util.find_library() runs ldconfig or gcc to find them,
    which takes 40 ms. `packages` is the end of an error message.
    """

    name: str
    module: str
    major: int
    sonames: tuple[str, ...]
    packages: str


KINDS: dict[str, Kind] = {
    "fusepy": Kind(
        name="fusepy",
        module="fuse",
        major=2,
        sonames=("libfuse.so.2",),
        packages="libfuse2 or libfuse2t64 (Debian, Ubuntu), fuse-libs (Fedora), fuse2 (Arch), fuse (Alpine), "
        "libfuse2 (openSUSE)",
    ),
    "mfusepy": Kind(
        name="mfusepy",
        module="mfusepy",
        major=3,
        # libfuse 3.17 raised the number; Debian 12 has 3, Debian 13 has 4.
        sonames=("libfuse3.so.4", "libfuse3.so.3"),
        packages="libfuse3-4 or libfuse3-3 (Debian, Ubuntu, openSUSE), fuse3-libs (Fedora, Alpine), fuse3 (Arch)",
    ),
}


@record(frozen=True, slots=True)
class Binding:
    """A binding that is imported, and the libfuse that it has loaded."""

    kind: Kind
    module: ModuleType
    library: str

    @property
    def major(self) -> int:
        """Major version of libfuse: 2 or 3."""
        return self.kind.major

    def describe(self) -> str:
        """The versions of both, for people: 'fusepy 3.0.1, libfuse 2.9 (libfuse.so.2)'."""
        from importlib import metadata

        try:
            version = metadata.version(self.kind.name)
        except metadata.PackageNotFoundError:
            version = "(version unknown)"
        return f"{self.kind.name} {version}, libfuse {library_version(self.module._libfuse)} ({self.library})"


def library_version(library: ctypes.CDLL) -> str:
    """The version of a loaded libfuse. libfuse 2 gives only two numbers."""
    if hasattr(library, "fuse_pkgversion"):
        library.fuse_pkgversion.restype = ctypes.c_char_p
        return bytes(library.fuse_pkgversion()).decode("ascii", "replace")
    return ".".join(map(str, split_version(library.fuse_version())))


def split_version(number: int) -> tuple[int, int]:
    """(major, minor) of what fuse_version() returns: 29 is 2.9, 314 is 3.14 (FUSE_MAKE_VERSION in fuse_common.h)."""
    return divmod(number, 10 if number < 100 else 100)


def load() -> Binding:
    """Load libfuse and import the binding for it.

    Returns:
        The binding that FAKEFS_FUSE forces, else the first of `KINDS` that can be loaded.

    Raises:
        SetupError: FAKEFS_FUSE names no binding, or none can be loaded; the text has one line for each that was tried.
    """
    forced = os.environ.get(VARIABLE)
    if forced and forced not in KINDS:
        raise SetupError(f"{VARIABLE}={forced}: unknown binding; choose {' or '.join(KINDS)}", errno.EINVAL)
    problems = []
    for kind in [KINDS[forced]] if forced else KINDS.values():
        try:
            return load_kind(kind)
        except SetupError as error:
            problems.append(str(error))
    raise SetupError("\n".join(problems), errno.ENOENT)


def load_kind(kind: Kind) -> Binding:
    """Load libfuse and import one binding. Raises SetupError if that fails."""
    chosen = os.environ.get(LIBRARY)
    library = find_library(kind, (chosen,) if chosen else kind.sonames)
    with importing(library):
        try:
            module = importlib.import_module(kind.module)
        except Exception as error:
            # The bindings run much code at import. After any exception, this binding cannot be used.
            raise SetupError(f"{kind.name}: {error}; install it: pip install {kind.name}", errno.ENOENT) from None
    if not hasattr(module, "FUSE") or not hasattr(module, "_libfuse"):
        # fuse-python (Debian: python3-fuse) is another package whose module is called `fuse`.
        raise SetupError(
            f"{kind.name}: {module.__file__} is another package; remove it, or pip install {kind.name} before it",
            errno.ENOENT,
        )
    return Binding(kind, module, library)


def find_library(kind: Kind, names: tuple[str, ...]) -> str:
    """The first library of these names that can be loaded and has the major version of `kind`. Raises SetupError."""
    problem = ""
    for name in names:
        try:
            major, _ = split_version(ctypes.CDLL(name).fuse_version())
        except (OSError, AttributeError) as error:
            problem = str(error) if name in str(error) else f"{name}: {error}"
            continue
        if major == kind.major:
            return name
        problem = f"{name}: is libfuse {major}"
    raise SetupError(
        f"{kind.name} needs libfuse {kind.major}: {problem}; install package {kind.packages}", errno.ENOENT
    )


@contextmanager
def importing(library: str) -> Iterator[None]:
    """Make a binding that is imported inside the `with` block load this library, and make its import faster.

    The bindings import ctypes.util.find_library(), which they do not call when FUSE_LIBRARY_PATH is set. That import
    loads subprocess, shutil and tempfile, which takes 7 ms, so an empty module replaces it.
    """
    before = os.environ.get(LIBRARY)
    replaced = "ctypes.util" not in sys.modules
    if replaced:
        stand_in = ModuleType("ctypes.util")
        vars(stand_in)["find_library"] = None
        sys.modules["ctypes.util"] = stand_in
    os.environ[LIBRARY] = library
    try:
        yield
    finally:
        if replaced:
            del sys.modules["ctypes.util"]
        if before is None:
            del os.environ[LIBRARY]
        else:
            os.environ[LIBRARY] = before
