"""fakefs: an in-memory FUSE filesystem that misbehaves on command.

It is a tool of its own: ``python -m fakefs MOUNTPOINT --rule 'flush:hang'``. It imports nothing from the rest of the
project. This file contains no code, so that ``fakefs.hold`` and ``fakefs.client`` start fast.
"""
