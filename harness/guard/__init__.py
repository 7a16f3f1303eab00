"""The guard: the process that every launched process descends from, and that outlives the harness to clean up.

It is forked from the harness while that still has one thread, leads a session of its own, is the subreaper of all
that it starts, and owns a private mount namespace, so that no mount of a run is ever seen outside.  The harness
talks to it over a socket; when the socket closes, for whatever reason, the guard releases, kills, reaps, removes.
"""
