"""The catalogue: one scenario in each file. `SCENARIO` is a declaration; the files run nothing."""
