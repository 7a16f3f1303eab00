//% set group = "/tmp/" ~ name
static int group_file(const char *name, char *text, int writes)
{
	char path[64];
	int fd, size;

	snprintf(path, sizeof(path), "@{ group }/%s", name);
	fd = open(path, writes ? O_WRONLY : O_RDONLY);
	size = writes ? write(fd, text, strlen(text)) : read(fd, text, 255);
	close(fd);
	return size > 0;
}

static int is_frozen(void)
{
	char text[256] = "";

	group_file("@{ "freezer.state" if freezer == 1 else "cgroup.events" }", text, 0);
	return strstr(text, "@{ "FROZEN" if freezer == 1 else "frozen 1" }") != NULL;
}

static int before(void)
{
	char pid[16];
	int i;

	missing = "@{ "the freezer of cgroup v1" if freezer == 1 else "cgroup v2" }";
//% if freezer == 1
	if (mount("freezer", "/tmp", "cgroup", 0, "freezer"))
//% else
	if (mount("cgroup2", "/tmp", "cgroup2", 0, NULL))
//% endif
		return 0;
	if (mkdir("@{ group }", 0755) && errno != EEXIST)
		return 0;
	for (i = 0; i < shared->count; i++) {
		snprintf(pid, sizeof(pid), "%d", shared->tasks[i]);
		if (!group_file("cgroup.procs", pid, 1))
			return 0;
	}
//% if freezer == 1
	group_file("freezer.state", "FROZEN", 1);
//% else
	group_file("cgroup.freeze", "1", 1);
//% endif
	return until("tasks that are frozen", is_frozen());
}

static void undo(void)
{
//% if freezer == 1
	group_file("freezer.state", "THAWED", 1);
//% else
	group_file("cgroup.freeze", "0", 1);
//% endif
}
