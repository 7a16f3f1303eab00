"""Replaces names of hosts, users, paths and containers in a text; the same name gets the same number each time."""

from __future__ import annotations

import re

_KEPT = frozenset(
    [
        "root",
        "kernel",
        "init",
        "systemd",
        "runc",
        "containerd",
        "dockerd",
        "docker",
        "fuse",
        "proc",
        "sys",
        "dev",
        "task",
        "stack",
        "status",
        "wchan",
        "cgroup",
        "mountinfo",
        "fdinfo",
        "connections",
        "waiting",
        "abort",
        "self",
        "usr",
        "bin",
        "sbin",
        "lib",
        "local",
        "etc",
        "var",
        "run",
        "tmp",
        "home",
        "opt",
        "fs",
        "drivers",
        "mm",
        "net",
        "block",
        "include",
        "arch",
        "kernel",
    ]
)
_HOST = re.compile(
    r"(?<![\w/])([\w][\w.-]{0,62})(?=\s+(?:kernel|systemd|dockerd|containerd|kubelet|sshd|sudo|CRON|runc)(?:\[\d+\])?:)"
)
_PROMPT = re.compile(r"\b([a-z_][\w-]{0,31})@([\w][\w.-]{0,62})(?=[:~ \]])")
_BRACKET_PROMPT = re.compile(r"\[([a-z_][\w-]{0,31})@([\w][\w.-]{0,62})\b")
_CONTAINER = re.compile(
    r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b(?=[\s/.:]|$)|(?<=/docker[/-])[0-9a-f]{12,64}|\bpod[0-9a-f]{8}[0-9a-f_-]{20,}"
)
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b(?!\.\d)|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b")
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b")
_URL = re.compile(r"\b(?:https?|ftp|nfs|smb|s3)://\S+")
_HOME = re.compile(r"(?<=/home/)[\w.-]+")
_PATH = re.compile(r"(?<![\w.+])/(?:[\w.@%+:-]+/)*[\w.@%+:-]+")
_SERVER = re.compile(r"(?<=nfs: server )\S+|(?<=\\\\)[\w.-]+")


class Redactor:
    """Remembers what it has replaced: two lines of one host stay two lines of one host."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def line(self, text: str) -> str:
        """The line with names replaced.  Functions, modules, kernel versions, pids and times are kept."""
        text = _URL.sub(lambda found: self._name("address", found[0]), text)
        text = _PROMPT.sub(lambda found: f"{self._user(found[1])}@{self._name('host', found[2])}", text)
        text = _BRACKET_PROMPT.sub(lambda found: f"[{self._user(found[1])}@{self._name('host', found[2])}", text)
        text = _MAIL.sub(
            lambda found: found[0] if re.search(r"@host\d", found[0]) else self._name("mail", found[0]), text
        )
        text = _HOST.sub(lambda found: self._host(found[1]), text)
        text = _UUID.sub(lambda found: self._name("uuid", found[0]), text)
        text = _CONTAINER.sub(lambda found: self._name("container", found[0]), text)
        text = _SERVER.sub(lambda found: self._name("host", found[0]), text)
        text = _IP.sub(lambda found: self._name("ip", found[0]), text)
        text = _HOME.sub(lambda found: self._user(found[0]), text)
        return _PATH.sub(self._path, text)

    def _name(self, kind: str, name: str) -> str:
        known = self._names.get((kind, name))
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = self._names[kind, name] = f"{kind}{self._counts[kind]}"
        return known

    def _host(self, name: str) -> str:
        if name in _KEPT or re.fullmatch(r"host\d+|[\d:.]+", name) or name.startswith(("<", "[")):
            return name
        return self._name("host", name)

    def _user(self, name: str) -> str:
        return name if name == "root" or re.fullmatch(r"user\d+", name) else self._name("user", name)

    def _path(self, found: re.Match[str]) -> str:
        path = found[0]
        if path.startswith(("/proc/", "/sys/", "/dev/")) or "/0x" in path or re.match(r"^/\d+$|^/[\w-]{1,3}$", path):
            return path
        parts = path.split("/")
        if all(each in _KEPT or each.startswith(("host", "user", "container", "path")) or not each for each in parts):
            return path
        if parts[1] in ("usr", "bin", "sbin", "lib", "opt", "lib64"):
            return path  # programs: which one it was is the point
        return "/" + "/".join(each if each in _KEPT else self._name("path", each) for each in parts[1:])
