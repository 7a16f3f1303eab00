static void *sleep_on(void *unused)
{
	announce();
	for (;;)
		pause();
	return unused;
}

/* Four processes, one of them with a second thread. */
static void run_sleepers(void)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 3; i++)
		if (fork() == 0)
			sleep_on(NULL);
	if (pthread_create(&thread, NULL, sleep_on, NULL))
		fail("pthread_create");
	sleep_on(NULL);
}

static int program_ready(void)
{
	int i, ready = shared->count == 5;

	for (i = 0; i < 5; i++)
		ready = ready && shared->tasks[i] && state(shared->tasks[i]) == 'S';
	return ready;
}
