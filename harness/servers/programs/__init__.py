"""Programs that run in the containers of an experiment: the container's first program, its workload, and backends."""
