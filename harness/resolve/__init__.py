"""What ends a hang and what does not: plan, act, verify; never acts on a connection that is not the verdict's."""
