"""Ends a hang: plan, act, verify; never acts on a connection that is not the verdict's."""
