"""A second source of evidence beside /proc: kernel memory, of the running kernel or of a crash dump.

It lists every reference to every FUSE device, wherever it is kept, and every unanswered request with its waiter.
"""
