/* A file of a task in /proc (of the PID namespace outside); empty when the task is gone. */
static char *task_file(int task, const char *name)
{
	static __thread char text[4096];
	char path[64];
	int fd, size = 0;

	snprintf(path, sizeof(path), task ? "/proc/%d/%s" : "/proc/thread-self/%.0d%s", task, name);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		size = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[size > 0 ? size : 0] = 0;
	return text;
}

static char state(int task)
{
	char *end = strrchr(task_file(task, "stat"), ')');

	return end ? end[2] : 'X';
}

static int in(int task, const char *function)
{
	return strstr(task_file(task, "stack"), function) != NULL;
}

static int announce(void)
{
	int task = atoi(task_file(0, "stat"));

	shared->tasks[shared->count++] = task;
	return task;
}

static void show(int task)
{
	char *line;

	printf("# task %d, state %c\n", task, state(task));
	for (line = strtok(task_file(task, "stack"), "\n"); line; line = strtok(NULL, "\n"))
		printf("#   %s\n", line);
}

static void fail(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	shared->failed = 1;
	_exit(4);
}

/* Waits until it holds: no sleep takes the place of a proof. */
#define until(what, condition) ({						\
	int ms_ = 0;								\
										\
	missing = what;								\
	while (!(condition) && !shared->failed && ms_++ < DEADLINE_MS)		\
		usleep(1000);							\
	!shared->failed && ms_ < DEADLINE_MS; })

static pid_t spawn(void (*body)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		body();
		_exit(0);
	}
	return pid;
}
