"""Programs that scenarios run: one a file, standard library only, each says READY=1 when it is as it has to be."""
