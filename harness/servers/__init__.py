"""Packaged FUSE servers, killed in a container while files are open on their mount; never mounts outside its run.

Each server runs in a PID and a mount namespace of its own, with a program that has files open next to it, and a
neighbour in another PID namespace that has the same mount.
"""
