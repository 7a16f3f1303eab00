"""The project's own files: as git knows them, or, in an exported tree, as they lie there."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("fakefs", "harness", "scenarios")
_IGNORED = {"__pycache__", "dist", "node_modules", "venv"}


def files() -> list[Path]:
    """Every file of the project, generated ones excepted; also those that are new and not yet committed."""
    return [path for path in (_from_git() or list(_walk(ROOT))) if path.is_file() and not path.is_symlink()]


def _from_git() -> list[Path]:
    if not (ROOT / ".git").exists():
        return []
    argv = ["git", "-C", str(ROOT), "-c", f"safe.directory={ROOT}"]
    argv += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [ROOT / name for name in done.stdout.split("\0") if name]


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            hidden = path.name.startswith(".") and path.name not in (".ci", ".github")
            if (
                not hidden
                and path.name not in _IGNORED
                and path != ROOT / "build"
                and not path.name.endswith(".egg-info")
            ):
                yield from _walk(path)
        else:
            yield path


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules(*packages: str) -> dict[str, Path]:
    """Module name → file, for the packages named."""
    found = {}
    for path in files():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if path.suffix == ".py" and parts[0] in packages:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: frozenset[str]) -> frozenset[str]:
    """Modules that the file imports at run time, wherever in it; what only the type checker reads is left out."""
    found: set[str] = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                visit(other)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
                base = f"{above}.{base}".strip(".")
            # `from package import module` imports the module; `from module import name` the module alone.
            inner = {f"{base}.{alias.name}" for alias in node.names} & known
            found.update(inner)
            if len(inner) < len(node.names):
                found.add(base)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(), str(path)))
    return frozenset(found)


def import_graph(*packages: str) -> dict[str, frozenset[str]]:
    """Module name → modules that it imports."""
    found = modules(*packages)
    known = frozenset(modules(*PACKAGES))
    return {name: imports(name, path, known) for name, path in found.items()}
