//% if before
//% include "before/" ~ before ~ ".c"

//% endif
static void release(void)
{
//% if server
	int fd = open(shared->abort, O_WRONLY);

	if (fd >= 0 && write(fd, "1", 1) != 1)
		printf("# abort: %s\n", strerror(errno));
//% endif
	if (shared->target > 0)
		kill(shared->target, SIGKILL);
//% if before in ("traced", "frozen")
	undo();
//% endif
}

/* Outlives the program: even when SIGKILL ends that, nothing stays. */
static void keeper(void)
{
	setsid();
	while (getppid() == shared->parent)
		usleep(1000);
	release();
}

static int armed(void)
{
//% if server
	struct stat found;

//% endif
	if (geteuid() || !*task_file(0, "stack") || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 0;
	shared->parent = getpid();
	shared->keeper = spawn(keeper);
//% if server == "outside" or frame == "process"
	@{ "shared->target = " if frame == "process" else "" }spawn(run_server);
//% endif
//% if frame != "process"
	if (unshare(CLONE_NEWPID)) /* its init is the next child, and the last one */
		return 0;
	shared->target = spawn(@{ "outer_init" if frame == "nested" else "init" });
//% endif
//% if server
	if (!until("a mount", shared->server))
		return 0;
	/* No kill before the means to end what it causes. Here the server still answers stat(2). */
	missing = "the control filesystem of FUSE";
	mount("fusectl", FUSECTL, "fusectl", 0, NULL);
	if (!stat("/tmp", &found))
		snprintf(shared->abort, 64, FUSECTL "/%d/abort", minor(found.st_dev));
	if (access(shared->abort, W_OK))
		return 0;
	shared->go = 1;
//% endif
//% for words, proof in proofs
	if (!until("@{ words }",@{ "" if proof.startswith("\n") else " " }@{ proof }))
		return 0;
//% endfor
	return @{ "before()" if before else "1" };
}

/* A hang: init waits, and no task below it can run. */
static int hung(void)
{
//% if server
	int i, waiting = 0;

	for (i = 0; i < shared->count; i++) {
		if (in(shared->tasks[i], WAITS))
			waiting++;
//% if frame == "nested"
		else if (!strchr("ZX", state(shared->tasks[i])) && !in(shared->tasks[i], IN_ZAP))
//% else
		else if (!strchr("ZX", state(shared->tasks[i])))
//% endif
			return 0;
	}
	return waiting@{ " && in(shared->target, IN_ZAP)" if frame != "process" else "" }@{ " && state(shared->server) != 'Z'" if server == "outside" else "" };
//% else
	return in(shared->target, IN_ZAP);
//% endif
}

static const char *watch(void)
{
	int i, stable = 0@{ ", flushes = shared->flushes" if exercise == "flush-served" else "" };

	kill(shared->target, SIGKILL);
	for (i = 0; i < DEADLINE_MS && stable < STABLE_MS; i++) {
		if (waitpid(shared->target, NULL, WNOHANG) > 0) {
			shared->target = 0;
//% if exercise == "executed"
			return shared->refused ? "failed" : "released";
//% elif exercise == "flush-served"
			missing = "a FLUSH that the server has read";
			return shared->flushes > flushes ? "released" : NULL;
//% else
			return "released";
//% endif
		}
		stable = hung() ? stable + 1 : 0;
		usleep(1000);
	}
	show(shared->target);
	for (i = 0; i < shared->count; i++)
		show(shared->tasks[i]);
	missing = "a hang that stays as it is";
	return stable < STABLE_MS ? NULL : "@{ "deadlock" if server == "inside" else "starved" }";
}

/* Returns the outcome; NULL: not exercised, for want of what is missing. */
static const char *reproduce(int keep)
{
	const char *outcome = NULL;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (armed()) {
//% if server
		printf("# SIGKILL to %d; it ends by: echo 1 >%s\n", shared->target, shared->abort);
//% else
		printf("# SIGKILL to %d\n", shared->target);
//% endif
		outcome = watch();
	}
	if (keep && shared->target)
		pause(); /* the end of this program ends the hang */
	release();
	shared->failed = 0;
	if (shared->target && !until("the end", waitpid(shared->target, NULL, WNOHANG) > 0))
		outcome = "there after the release";
	if (shared->keeper)
		kill(shared->keeper, SIGKILL);
//% if server == "outside"
	if (shared->server)
		kill(shared->server, SIGKILL);
//% endif
//% if before == "frozen"
	rmdir("/tmp/@{ name }");
//% endif
	return outcome;
}

//% include "result-" ~ ("kselftest" if kselftest else "ktap") ~ ".c"
