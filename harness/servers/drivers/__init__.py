"""The FUSE servers, one file each: `SUMMARY`, `NEEDS`, `VERSION`, `LIBRARY` and `service(places) -> Service`.

`VERSION` is the option that prints the version; an empty one makes the Debian package's version count.  `LIBRARY` is
what speaks the FUSE protocol for it; empty: the libfuse that the program is linked with.
"""
