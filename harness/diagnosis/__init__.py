"""A live host: find what is stuck, name the container, offer the remedy; never asks an engine, never acts unasked.

`read` looks, `findings` judges what was read by the same judge as a run, and `resolving` ends one finding.  On a
production host it needs no more than the standard library of Python 3.9.
"""
