"""A scenario as a program for somebody else: C, a kernel selftest, a shell script, a bug report; never runs it."""
