"""The answers of container runtimes while a container cannot die; never touches an instance that it did not start.

Each runtime runs in a private instance of its own, in a sandbox that vanishes with it.
"""
