"""Runs under another kernel, in a virtual machine whose root is this machine's, read-only."""
