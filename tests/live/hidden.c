/*
 * A FUSE server outside of a PID namespace, whose reference to the device is where /proc does not show it.
 *
 *   hidden MODE MOUNTPOINT [SLOW]
 *
 * The server opens the device; a container of its own (a PID and a mount namespace) mounts it at MOUNTPOINT, and a
 * client below its init holds a file open.  Then the server hides the device as MODE says, and prints "ready INIT".
 * SIGUSR1 makes it answer, or let go: then a namespace that was killed meanwhile ends.  SLOW is the mount point of a
 * second server, a child, which answers FLUSH on SIGUSR1 only.
 *
 *   plain          the device stays in the descriptor table
 *   node           the same, opened by a device node of another name
 *   many           the same, beside 15,000 regular files called `fuse`
 *   uring          registered in an io_uring, and closed
 *   uring-poll     a poll of io_uring is in flight, and the descriptor closed
 *   uring-async    a read of io_uring is in flight in a worker, and the descriptor closed
 *   aio            a poll of aio is in flight, and the descriptor closed
 *   poll           a thread is in poll(2), another has closed the descriptor
 *   poll-reused    the same, and the number is another file's meanwhile
 *   message        a thread is in sendmsg(2) with the device, on a full socket; another has closed the descriptor
 *   in-flight      sent over a socket, and not received
 *   userfault      a thread is in read(2), whose buffer faults; another has closed the descriptor
 *   close-range    a task is in close_range(2), past the device and waiting for SLOW
 *   execve         a process is in execve(2), which waits for SLOW
 *   exiting        a process that exits waits for SLOW before it closes the device
 *   threads        in the descriptor table of a second thread only
 *   fork-exit      moves from a process to its child, again and again
 *   pass           moves between two processes over a socket, again and again
 *   timeout        nobody holds it; the server has negotiated a request timeout of 15 s
 *   leader-gone    in the table of a second thread only, and the leader has exited
 *   stolen         another process took it with pidfd_getfd(2), and the server closed its own
 *   cloned         a clone of it (FUSE_DEV_IOC_CLONE) is in the table, and the first one is closed
 *   nested-flight  in flight on a socket that is itself in flight on another
 *   far-uring      registered in an io_uring of a daemon: no ancestor, another session
 *   fork-stay      moves from a process to its child, which closes its own and lives on
 *   fork-setsid    moves from a process to its child, each with a session of its own
 *   relay          moves from a process to its child, forty milliseconds each
 *   pass-pidfd     moves between two processes that take it with pidfd_getfd(2), again and again
 *   stopped        the server is stopped
 *   traced         the server is stopped by its tracer
 *   namespaces     the server lives in a PID and a mount namespace of its own
 *   waits          the server waits for SLOW itself
 *   kept           the server is gone; a process that merely inherited the device lives
 *   vforked        the server waits for a child by vfork(2), which sleeps
 */
#include "fuse_server.h"

static int ends[2];

static void *in_sendmsg(void *unused)
{
	(void)unused;
	sent(ends[0], device, 1 << 16);
	return NULL;
}

static void *in_poll(void *unused)
{
	struct pollfd one = { .fd = device, .events = 0 };

	(void)unused;
	poll(&one, 1, -1);
	return NULL;
}

static char *faulting;
static int userfault;

static void *in_read(void *unused)
{
	(void)unused;
	return read(device, faulting, 1 << 17) < 0 ? NULL : NULL;
}

static void *with_its_own_table(void *unused)
{
	(void)unused;
	if (unshare(CLONE_FILES))
		die("unshare");
	until_triggered();
	serve(device, 0, 0, 0);
	return NULL;
}

static int stolen(pid_t pid, int fd)
{
	int process = syscall(SYS_pidfd_open, pid, 0), taken = syscall(SYS_pidfd_getfd, process, fd, 0);

	if (taken < 0)
		die("pidfd_getfd");
	close(process);
	return taken;
}

/* For those that no signal to the process group of the test reaches. */
static int goes_on(pid_t main)
{
	return !*answers && !kill(main, 0);
}

/* All that are left over come to this process, and are reaped at once. */
static void adopts(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
}

static void moves(pid_t main, int hop_us, int stays_us, int session)
{
	while (goes_on(main)) {
		usleep(hop_us);
		if (session)
			setsid();
		if (fork()) {
			close(device);
			usleep(stays_us);
			_exit(0);
		}
	}
	serve(device, 0, 0, 0);
	_exit(0);
}

struct turns {
	volatile int owner, fd[2];
	volatile pid_t pid[2];
};

/* Takes the device from the other, which closes it then. */
static void takes_turns(struct turns *turns, int me)
{
	int process = syscall(SYS_pidfd_open, turns->pid[!me], 0);

	while (!*answers) {
		if (turns->owner == me) {
			usleep(500);
			continue;
		}
		turns->fd[me] = syscall(SYS_pidfd_getfd, process, turns->fd[!me], 0);
		if (turns->fd[me] < 0)
			exit(0);
		turns->owner = me;
		while (turns->owner == me && !*answers)
			usleep(200);
		if (turns->owner != me)
			close(turns->fd[me]);
	}
	if (turns->owner == me)
		serve(turns->fd[me], 0, 0, 0);
	exit(0);
}

static void wait_in_poll(pthread_t *thread)
{
	until_triggered();
	pthread_kill(*thread, SIGUSR1);
	pthread_join(*thread, NULL);
}

static void hide(pid_t init)
{
	pid_t other;
	int file, pair[2];

	if (!strcmp(mode, "plain") || !strcmp(mode, "node")) {
		said(init);
		until_triggered();
		serve(device, 0, 0, 0);
	} else if (!strcmp(mode, "many")) {
		struct rlimit limit = { 20000, 20000 };

		setrlimit(RLIMIT_NOFILE, &limit);
		if (mkdir("/tmp/.many", 0700) && errno != EEXIST)
			die("mkdir");
		mount("none", "/tmp/.many", "tmpfs", 0, NULL);
		file = open("/tmp/.many/fuse", O_RDWR | O_CREAT, 0600);
		for (int i = 0; i < 15000; i++)
			if (dup(file) < 0)
				die("dup");
		said(init);
		until_triggered();
		serve(device, 0, 0, 0);
	} else if (!strcmp(mode, "uring")) {
		ring_made();
		if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &device, 1))
			die("io_uring_register");
		close(device);
		said(init);
		until_triggered();
		by_registered_file();
	} else if (!strcmp(mode, "uring-poll")) {
		ring_made();
		submitted((struct io_uring_sqe){ .opcode = IORING_OP_POLL_ADD, .fd = device, .poll32_events = POLLERR });
		close(device);
		said(init);
		until_triggered();
		exit(0);
	} else if (!strcmp(mode, "uring-async")) {
		ring_made();
		faulting = mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		submitted((struct io_uring_sqe){ .opcode = IORING_OP_READ, .flags = IOSQE_ASYNC, .fd = device,
						 .addr = (uintptr_t)faulting, .len = 1 << 17 });
		usleep(50000);
		close(device);
		said(init);
		until_triggered();
		exit(0);
	} else if (!strcmp(mode, "aio")) {
		aio_context_t context = 0;
		struct iocb one = { .aio_lio_opcode = 5 /* IOCB_CMD_POLL */, .aio_fildes = device }, *all = &one;

		if (syscall(SYS_io_setup, 8, &context) || syscall(SYS_io_submit, context, 1, &all) != 1)
			die("aio");
		close(device);
		said(init);
		until_triggered();
		exit(0);
	} else if (!strcmp(mode, "poll") || !strcmp(mode, "poll-reused")) {
		pthread_t *thread = beside(in_poll);

		usleep(50000);
		if (!strcmp(mode, "poll-reused"))
			dup2(0, device);
		else
			close(device);
		said(init);
		wait_in_poll(thread);
	} else if (!strcmp(mode, "message")) {
		int size = 1;

		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends))
			die("socketpair");
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		while (send(ends[0], buffer, 1024, MSG_DONTWAIT) > 0)
			;
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 18 }, sizeof(size));
		while (send(ends[0], buffer, 1 << 15, MSG_DONTWAIT) > 0)
			;
		beside(in_sendmsg);
		usleep(50000);
		close(device);
		said(init);
		until_triggered();
		serve(received(ends[1]), 0, 0, 0);
	} else if (!strcmp(mode, "in-flight")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			die("socketpair");
		sent(ends[0], device, 1);
		close(device);
		said(init);
		until_triggered();
		serve(received(ends[1]), 0, 0, 0);
	} else if (!strcmp(mode, "userfault")) {
		struct uffdio_api api = { .api = UFFD_API };
		struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
		struct uffdio_zeropage zero = { 0 };

		userfault = syscall(SYS_userfaultfd, O_CLOEXEC);
		faulting = mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		range.range.start = (uintptr_t)faulting;
		range.range.len = 1 << 18;
		if (userfault < 0 || ioctl(userfault, UFFDIO_API, &api) || ioctl(userfault, UFFDIO_REGISTER, &range))
			die("userfaultfd");
		beside(in_read);
		usleep(50000);
		close(device);
		said(init);
		until_triggered();
		zero.range.start = (uintptr_t)faulting;
		zero.range.len = 1 << 18;
		ioctl(userfault, UFFDIO_ZEROPAGE, &zero);
	} else if (!strcmp(mode, "close-range")) {
		file = slow_file(&other);
		pair[0] = fork();
		if (!pair[0]) {
			usleep(50000); /* the last reference is to be this one's */
			close_range(device, file, 0);
			rest();
		}
		close(device);
		usleep(100000);
		said(init);
		until_triggered();
		kill(other, SIGUSR1);
	} else if (!strcmp(mode, "execve")) {
		char number[16];

		file = slow_file(&other);
		fcntl(file, F_SETFD, FD_CLOEXEC);
		snprintf(number, sizeof(number), "%d", device);
		pair[0] = fork();
		if (!pair[0]) {
			execl("/proc/self/exe", "hidden", "serve", number, (char *)NULL);
			die("execve");
		}
		close(device);
		said(init);
		until_triggered();
		kill(other, SIGUSR1);
	} else if (!strcmp(mode, "exiting")) {
		file = slow_file(&other);
		pair[0] = fork();
		if (!pair[0]) {
			usleep(50000);
			_exit(0);
		}
		close(device);
		usleep(100000);
		said(init);
		until_triggered();
		kill(other, SIGUSR1);
	} else if (!strcmp(mode, "threads")) {
		beside(with_its_own_table);
		usleep(50000);
		close(device);
		said(init);
	} else if (!strcmp(mode, "fork-exit")) {
		adopts();
		if (!fork()) {
			for (;;) {
				usleep(1500);
				if (*answers)
					serve(device, 0, 0, 0);
				if (fork())
					_exit(0);
			}
		}
		close(device);
		said(init);
	} else if (!strcmp(mode, "pass")) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
			die("socketpair");
		other = fork();
		if (!other) {
			close(device);
			for (;;) {
				device = received(ends[1]);
				usleep(500);
				sent(ends[1], device, 1);
				close(device);
			}
		}
		said(init);
		while (!triggered) {
			sent(ends[0], device, 1);
			close(device);
			device = received(ends[0]);
			usleep(500);
		}
		serve(device, 0, 0, 0);
	} else if (!strcmp(mode, "timeout")) {
		close(device);
		said(init);
	} else if (!strcmp(mode, "leader-gone")) {
		beside(with_its_own_table);
		usleep(50000);
		close(device);
		said(init);
		syscall(SYS_exit, 0);
	} else if (!strcmp(mode, "stolen")) {
		if (!fork()) {
			file = stolen(getppid(), device);
			close(device);
			while (!*answers)
				usleep(2000);
			serve(file, 0, 0, 0);
			exit(0);
		}
		usleep(50000);
		close(device);
		said(init);
	} else if (!strcmp(mode, "cloned")) {
		file = opened("/dev/fuse");
		if (ioctl(file, FUSE_DEV_IOC_CLONE, &device))
			die("FUSE_DEV_IOC_CLONE");
		close(device);
		said(init);
		until_triggered();
		serve(file, 0, 0, 0);
	} else if (!strcmp(mode, "nested-flight")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			die("socketpair");
		sent(ends[0], device, 1);
		sent(pair[0], ends[1], 1);
		close(device);
		close(ends[1]);
		said(init);
		until_triggered();
		serve(received(received(pair[1])), 0, 0, 0);
	} else if (!strcmp(mode, "far-uring")) {
		pid_t main = getpid();

		if (!fork()) {
			setsid();
			if (fork())
				_exit(0);
			ring_made();
			if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &device, 1))
				die("io_uring_register");
			close(device);
			while (goes_on(main))
				usleep(2000);
			by_registered_file();
			_exit(0);
		}
		wait(NULL);
		usleep(50000);
		close(device);
		said(init);
	} else if (!strcmp(mode, "fork-stay") || !strcmp(mode, "fork-setsid") || !strcmp(mode, "relay")) {
		pid_t main = getpid();

		adopts();
		if (!fork())
			moves(main, !strcmp(mode, "relay") ? 40000 : 3000, !strcmp(mode, "fork-stay") ? 200000 : 0,
			      !strcmp(mode, "fork-setsid"));
		close(device);
		said(init);
	} else if (!strcmp(mode, "pass-pidfd")) {
		struct turns *turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		turns->fd[0] = device;
		turns->pid[0] = getpid();
		other = fork();
		if (!other) {
			usleep(20000);
			close(device);
			takes_turns(turns, 1);
		}
		turns->pid[1] = other;
		usleep(10000);
		said(init);
		while (turns->owner == 0)
			usleep(200);
		close(device);
		takes_turns(turns, 0);
	} else if (!strcmp(mode, "stopped")) {
		said(init);
		kill(getpid(), SIGSTOP);
		until_triggered();
		serve(device, 0, 0, 0);
	} else if (!strcmp(mode, "traced")) {
		other = fork();
		if (!other) {
			serve(device, 0, 0, 0);
			exit(0);
		}
		close(device);
		if (ptrace(PTRACE_SEIZE, other, 0, 0) || ptrace(PTRACE_INTERRUPT, other, 0, 0))
			die("ptrace");
		waitpid(other, NULL, __WALL);
		said(init);
		until_triggered();
		ptrace(PTRACE_DETACH, other, 0, 0);
	} else if (!strcmp(mode, "namespaces")) {
		if (!syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0)) {
			while (!*answers)
				usleep(2000);
			serve(device, 0, 0, 0);
			exit(0);
		}
		close(device);
		said(init);
	} else if (!strcmp(mode, "waits")) {
		file = slow_file(&other);
		if (!fork()) {
			close(file);
			serve(device, 0, 0, 0);
			exit(0);
		}
		close(device);
		usleep(50000);
		said(init);
		until_triggered();
		kill(other, SIGUSR1);
	} else if (!strcmp(mode, "kept")) {
		if (!fork()) {
			while (!*answers)
				usleep(2000);
			exit(0);
		}
		close(device);
		said(init);
	} else if (!strcmp(mode, "vforked")) {
		if (!fork()) {
			if (!vfork()) {
				while (!*answers)
					usleep(2000);
				_exit(0);
			}
			serve(device, 0, 0, 0);
			exit(0);
		}
		close(device);
		said(init);
	} else {
		fprintf(stderr, "unknown mode %s\n", mode);
		exit(2);
	}
	rest();
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = trigger };
	pid_t init;

	answers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGUSR1, &action, NULL);
	if (argc == 3 && !strcmp(argv[1], "serve")) {
		serve(atoi(argv[2]), 0, 0, 0);
		return 0;
	}
	if (argc < 3) {
		fprintf(stderr, "see the head of hidden.c\n");
		return 2;
	}
	mode = argv[1];
	mountpoint = argv[2];
	slow = argc > 3 ? argv[3] : NULL;
	negotiates = !strcmp(mode, "timeout");
	if (!strcmp(mode, "node")) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/../cam0", mountpoint);
		if (mknod(path, S_IFCHR | 0600, makedev(10, 229)))
			die(path);
		device = opened(path);
	} else {
		device = opened("/dev/fuse");
	}
	init = container(device);
	hide(init);
	return 0;
}
