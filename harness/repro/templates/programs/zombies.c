/* Five children that have ended, and that their parent never reaps. */
static void run_zombies(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		if (fork() == 0) {
			announce();
			_exit(0);
		}
	}
	for (;;)
		pause();
}

static int program_ready(void)
{
	int i, ready = shared->count == 5;

	for (i = 0; i < 5; i++)
		ready = ready && shared->tasks[i] && state(shared->tasks[i]) == 'Z';
	return ready;
}
