"""Searches a history for where an outcome changes; never loses an answer, and never chooses what to run it on."""
