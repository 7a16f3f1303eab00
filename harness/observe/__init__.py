"""Reads /proc, fusectl and kernel memory into a Snapshot; never touches a mount.

It never reads cmdline, environ, maps or mem of a task: those reads wait for locks that a stuck task may hold.
"""
