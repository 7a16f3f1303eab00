/* This program is the tracer: only it can reap the task then (wait_task_zombie()). */
static int before(void)
{
	missing = "PTRACE_SEIZE";
	return !ptrace(PTRACE_SEIZE, shared->tasks[0], NULL, NULL);
}

static void undo(void)
{
	waitpid(shared->tasks[0], NULL, __WALL);
}
