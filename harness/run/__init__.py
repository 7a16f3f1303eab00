"""One run from arming to the last leftover, and many runs, counted; never prints and never chooses an exit status."""
