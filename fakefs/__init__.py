"""fakefs: an in-memory FUSE filesystem that misbehaves on command.

A tool of its own: ``python -m fakefs MOUNTPOINT --rule 'flush:hang'``. It imports nothing of the rest of the
project. This file stays empty of code, so that ``fakefs.hold`` and ``fakefs.client`` start fast.
"""
