//% if call
//% include "calls/" ~ call ~ ".c"

//% endif
//% if holder in ("server", "shared", "process")
//% if holder == "shared"
/* All threads share one descriptor table: the last one to exit closes it (close_files()). */
//% else
/* It has a descriptor table of its own: its exit sends the FLUSH, whatever other threads do. */
//% endif
static void *hold(void *unused)
{
	shared->user = announce();
	while (!shared->go) /* not before the connection can be aborted */
		usleep(1000);
//% if call
	call();
//% endif
//% if holder != "shared"
	if (unshare(CLONE_FILES))
		fail("unshare");
//% endif
	shared->fd = open(FILE_NAME, O_RDONLY);
	for (;;)
		pause();
	return unused;
}

//% elif caller == "server"
static void *make_call(void *unused)
{
	shared->user = announce();
	while (!shared->go) /* not before the connection can be aborted */
		usleep(1000);
	call();
	pause();
	return unused;
}

//% endif
//% if holder == "process"
/* A process with two threads, of which one holds the file. */
static void client(void)
{
	pthread_t thread;

	announce();
	if (pthread_create(&thread, NULL, hold, NULL))
		fail("pthread_create");
	for (;;)
		pause();
}

//% elif holder == "passed"
static int sockets[2];

/* Passes a descriptor on, or receives one where there is none to pass (SCM_RIGHTS). */
static int pass(int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if ((fd < 0 ? recvmsg(sockets[1], &message, 0) : sendmsg(sockets[0], &message, 0)) != 1)
		fail("SCM_RIGHTS");
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* Opens the file and passes it to the server, which could not answer its own open(2). */
static void client(void)
{
	shared->user = announce();
	while (!shared->go) /* not before the connection can be aborted */
		usleep(1000);
	pass(open(FILE_NAME, O_RDONLY));
}

//% elif caller == "process"
static void client(void)
{
	shared->user = announce();
	while (!shared->go) /* not before the connection can be aborted */
		usleep(1000);
	call();
	for (;;)
		pause();
}

//% endif
//% if server
static void run_server(void)
{
	static long buffer[16384 / sizeof(long)];
	char options[64];
	ssize_t size;
//% if thread
	pthread_t thread;
//% endif

//% if server == "outside"
	prctl(PR_SET_PDEATHSIG, SIGKILL);
//% endif
//% if before == "server-exits"
	signal(SIGTERM, leave);
//% endif
//% if holder == "server"
	/* Above the file: close_files() goes up, so the device is still there during the FLUSH. */
//% endif
	device = fcntl(open("/dev/fuse", O_RDWR), F_DUPFD, 100);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (mount("@{ name }", "/tmp", "fuse", MS_NOSUID | MS_NODEV, options))
		fail("mount");
	shared->server = @{ "announce()" if server == "inside" else 'atoi(task_file(0, "stat"))' };
//% if thread
	if (pthread_create(&thread, NULL, @{ thread }, NULL))
		fail("pthread_create");
//% endif
	for (;;) {
//% if holder == "passed"
		struct pollfd ready[] = { { device, POLLIN, 0 }, { sockets[1], POLLIN, 0 } };

		poll(ready, shared->fd ? 1 : 2, -1);
		if (ready[1].revents) {
			shared->fd = pass(-1);
			shared->user = shared->server;
			continue;
		}
//% endif
		size = read(device, buffer, sizeof(buffer));
		if (size > 0)
			serve((void *)buffer@{ ", (char *)buffer + sizeof(struct fuse_in_header)" if uses_arg else "" });
		else if (errno == ENODEV)
			return; /* the connection was aborted */
	}
}

//% endif
//% for program in programs
//% include "programs/" ~ program ~ ".c"

//% endfor
//% if frame != "process"
/* It reaps, as the init of a container does. */
static void init(void)
{
//% if frame == "nested"
	announce();
//% endif
//% if holder == "passed"
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets))
		fail("socketpair");
//% endif
//% if server == "inside"
	spawn(run_server);
//% endif
//% if client
	spawn(client);
//% endif
//% for program in programs
	spawn(run_@{ program });
//% endfor
	for (;;)
		if (wait(NULL) < 0)
			pause();
}

//% if frame == "nested"
static void outer_init(void)
{
	if (unshare(CLONE_NEWPID))
		fail("unshare");
	spawn(init);
	for (;;)
		wait(NULL);
}

//% endif
//% endif
