"""A whole machine: every namespace that does not end, every FUSE connection that nobody can answer.

`read` looks, `findings` judges what was read by the same judge as a run, `resolve` ends one of them.  All
that it needs on a production host is the standard library of Python 3.9.
"""
