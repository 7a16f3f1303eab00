"""What container runtimes do in the hang: each in a private instance of its own, in a room that vanishes with it."""
