/*
 * More places for the reference to a device that /proc does not show, as hidden.c has them: one a mode.
 *
 *   keepers MODE MOUNTPOINT [SLOW]
 *
 *   select         a thread is in select(2), and the number is meanwhile that of a new pipe
 *   poll-pipe      a thread is in poll(2), and the number is meanwhile that of a new pipe
 *   poll-copy      the same, and it is a copy of a socket that is older
 *   flock          a thread waits in flock(2) of the device, another has closed the descriptor
 *   ofd-lock       the same in fcntl(2), for a lock of the open file
 *   backlog        sent to a socket that listens, over a connection that nobody has accepted
 *   backlog-flight the same, and the listening socket is itself in flight
 *   peeked         in flight, and a copy was taken with MSG_PEEK: that is closed again
 *   uring-mapped   registered in an io_uring that is mapped and has no descriptor
 *   uring-bare     registered in an io_uring that has no descriptor and no mapping; its task sleeps in it
 *   uring-child    registered in an io_uring that a child has inherited
 *   uring-timeout  a poll with a timeout linked to it is in flight in an io_uring
 *   table-shared   in a table that two processes share (CLONE_FILES), one of which has ended
 *   vfork-parent   in the table of a parent by vfork(2), whose child has executed nothing and holds none
 *   deep           in a table, opened by a name that is longer than a page
 */
#include "fuse_server.h"
#include <sys/file.h>
#include <sys/select.h>
#include <sys/un.h>

static int ends[2];

static void *in_select(void *unused)
{
	fd_set none, errors;

	(void)unused;
	FD_ZERO(&none);
	FD_ZERO(&errors);
	FD_SET(device, &errors);
	select(device + 1, NULL, NULL, &errors, NULL);
	return NULL;
}

static void *in_poll(void *unused)
{
	struct pollfd one = { .fd = device, .events = 0 };

	(void)unused;
	poll(&one, 1, -1);
	return NULL;
}

static void *in_flock(void *unused)
{
	(void)unused;
	flock(device, LOCK_EX);
	return NULL;
}

static void *in_ofd_lock(void *unused)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)unused;
	fcntl(device, F_OFD_SETLKW, &lock);
	return NULL;
}

static int same_table(void *unused)
{
	(void)unused;
	while (!*answers)
		usleep(2000);
	serve(device, 0, 0, 0);
	_exit(0);
}

/* A socket that listens, and a connection to it with the device in flight; nobody accepts it. */
static int listening(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(address);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(server, (void *)&address, sizeof(address.sun_family)) || listen(server, 4) ||
	    getsockname(server, (void *)&address, &length) || connect(client, (void *)&address, length))
		die("listen");
	sent(client, device, 1);
	close(client);
	return server;
}

static void answered(int fd)
{
	until_triggered();
	serve(fd, 0, 0, 0);
}

static void beside_and_closed(void *(*work)(void *), pid_t init)
{
	beside(work);
	usleep(50000);
	close(device);
	said(init);
	until_triggered();
	exit(0);
}

static void hide(pid_t init)
{
	pid_t other;
	int file, pair[2];

	if (!strcmp(mode, "select") || !strcmp(mode, "poll-pipe") || !strcmp(mode, "poll-copy")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			die("socketpair");
		beside(strcmp(mode, "select") ? in_poll : in_select);
		usleep(300000);
		if (strcmp(mode, "poll-copy")) {
			if (pipe(pair))
				die("pipe");
			dup2(pair[0], device);
			close(pair[0]);
		} else {
			dup2(ends[0], device);
		}
		said(init);
		until_triggered();
		exit(0);
	} else if (!strcmp(mode, "flock") || !strcmp(mode, "ofd-lock")) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/../cam0", mountpoint);
		other = fork();
		if (!other) {
			struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

			close(device);
			file = opened(path);
			if (!strcmp(mode, "flock") ? flock(file, LOCK_EX) : fcntl(file, F_OFD_SETLKW, &lock))
				die("lock");
			while (!*answers)
				usleep(2000);
			_exit(0);
		}
		usleep(50000);
		beside_and_closed(!strcmp(mode, "flock") ? in_flock : in_ofd_lock, init);
	} else if (!strcmp(mode, "backlog")) {
		file = listening();
		close(device);
		said(init);
		until_triggered();
		serve(received(accept(file, NULL, NULL)), 0, 0, 0);
	} else if (!strcmp(mode, "backlog-flight")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			die("socketpair");
		file = listening();
		sent(ends[0], file, 1);
		close(file);
		close(device);
		said(init);
		until_triggered();
		serve(received(accept(received(ends[1]), NULL, NULL)), 0, 0, 0);
	} else if (!strcmp(mode, "peeked")) {
		char control[CMSG_SPACE(sizeof(int))], byte;
		struct iovec vector = { &byte, 1 };
		struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
					  .msg_controllen = sizeof(control) };

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			die("socketpair");
		sent(ends[0], device, 1);
		close(device);
		if (recvmsg(ends[1], &message, MSG_PEEK) != 1)
			die("recvmsg");
		memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
		close(file);
		said(init);
		until_triggered();
		serve(received(ends[1]), 0, 0, 0);
	} else if (!strcmp(mode, "uring-mapped") || !strcmp(mode, "uring-child")) {
		ring_made();
		if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &device, 1))
			die("io_uring_register");
		close(device);
		if (!strcmp(mode, "uring-child")) {
			if (!fork()) {
				while (!*answers)
					usleep(2000);
				by_registered_file();
				_exit(0);
			}
			close(ring.fd);
			said(init);
			rest();
		}
		close(ring.fd);
		said(init);
		until_triggered();
		exit(0);
	} else if (!strcmp(mode, "uring-bare")) {
		struct io_uring_rsrc_update update = { .offset = -1U };

		ring_made();
		update.data = ring.fd;
		if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &device, 1) ||
		    syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_RING_FDS, &update, 1) != 1)
			die("io_uring_register");
		close(device);
		close(ring.fd);
		munmap(ring.sqes, 8 * sizeof(struct io_uring_sqe));
		munmap((void *)((uintptr_t)ring.sq_tail & ~4095UL), 4096);
		munmap((void *)((uintptr_t)ring.cq_tail & ~4095UL), 4096);
		said(init);
		while (!triggered)
			syscall(SYS_io_uring_enter, update.offset, 0, 1,
				IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, NULL, 0);
		exit(0);
	} else if (!strcmp(mode, "uring-timeout")) {
		struct { int64_t s; long long ns; } wait = { .s = 3600 };
		unsigned int tail;

		ring_made();
		tail = *ring.sq_tail;
		ring.sqes[0] = (struct io_uring_sqe){ .opcode = IORING_OP_POLL_ADD, .fd = device, .flags = IOSQE_IO_LINK,
						      .poll32_events = POLLERR };
		ring.sqes[1] = (struct io_uring_sqe){ .opcode = IORING_OP_LINK_TIMEOUT, .addr = (uintptr_t)&wait, .len = 1 };
		ring.sq_array[0] = 0;
		ring.sq_array[1] = 1;
		__atomic_store_n(ring.sq_tail, tail + 2, __ATOMIC_RELEASE);
		if (syscall(SYS_io_uring_enter, ring.fd, 2, 0, 0, NULL, 0) != 2)
			die("io_uring_enter");
		close(device);
		said(init);
		until_triggered();
		exit(0);
	} else if (!strcmp(mode, "table-shared")) {
		static char stack[1 << 16];

		other = fork();
		if (!other) {
			clone(same_table, stack + sizeof(stack), CLONE_FILES | CLONE_VM | SIGCHLD, NULL);
			_exit(0);
		}
		close(device);
		waitpid(other, NULL, 0);
		said(init);
		rest();
	} else if (!strcmp(mode, "vfork-parent")) {
		if (!fork()) {
			if (!syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)) {
				close(device);
				while (!*answers)
					usleep(2000);
				_exit(0);
			}
			serve(device, 0, 0, 0);
			_exit(0);
		}
		close(device);
		said(init);
		rest();
	} else if (!strcmp(mode, "deep")) {
		said(init);
		answered(device);
	} else {
		fprintf(stderr, "unknown mode %s\n", mode);
		exit(2);
	}
	rest();
}

/* The device by a node of its own: in a folder whose path is longer than a page where the mode is `deep`. */
static int opened_there(const char *folder)
{
	static char name[201];
	char path[4096];
	int here, fd;

	snprintf(path, sizeof(path), "%s/..", folder);
	here = open(path, O_RDONLY | O_DIRECTORY);
	memset(name, 'd', sizeof(name) - 1);
	for (int i = 0; here >= 0 && !strcmp(mode, "deep") && i < 22; i++) {
		int deeper;

		mkdirat(here, name, 0755);
		deeper = openat(here, name, O_RDONLY | O_DIRECTORY);
		close(here);
		here = deeper;
	}
	if (here < 0 || mknodat(here, "cam0", S_IFCHR | 0600, makedev(10, 229)))
		die("mknod");
	fd = openat(here, "cam0", O_RDWR);
	close(here);
	if (fd < 0)
		die("cam0");
	return fd;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = trigger };

	answers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGUSR1, &action, NULL);
	if (argc < 3) {
		fprintf(stderr, "see the head of keepers.c\n");
		return 2;
	}
	mode = argv[1];
	mountpoint = argv[2];
	device = strcmp(mode, "deep") && strcmp(mode, "flock") && strcmp(mode, "ofd-lock") ? opened("/dev/fuse")
										       : opened_there(mountpoint);
	hide(container(device));
	return 0;
}
