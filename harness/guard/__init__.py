"""The process that owns everything launched, its run folder, and the sweep after it; never outlives its children.

The harness forks the guard while the harness still has one thread.  The guard leads a session of its own, is the
subreaper of all that it starts, and owns a private mount namespace, so that no mount of a run is ever seen outside.
The harness talks to it over a socket; when the socket closes, for whatever reason, the guard releases, kills, reaps
and removes.
"""
