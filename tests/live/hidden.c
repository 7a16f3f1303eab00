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
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fuse.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef FUSE_REQUEST_TIMEOUT_BIT
#define FUSE_REQUEST_TIMEOUT_BIT (1ULL << 42)
#endif

static const char *mode, *mountpoint, *slow;
static volatile sig_atomic_t triggered;
static volatile int *answers; /* the same, shared with all descendants */
static int device;
static char buffer[1 << 17];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void trigger(int signal)
{
	(void)signal;
	triggered = *answers = 1;
}

static void until_triggered(void)
{
	while (!triggered)
		usleep(2000);
}

static void rest(void)
{
	for (;;)
		pause();
}

/* The bytes of an answer; its length. */
static size_t answer(const char *request, char *out, int timeout)
{
	const struct fuse_in_header *in = (const void *)request;
	struct fuse_out_header *head = (void *)out;
	char *body = out + sizeof(*head);
	struct fuse_attr file = { .ino = 2, .size = 4096, .mode = S_IFREG | 0644, .nlink = 1 };
	struct fuse_attr root = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 };

	memset(out, 0, 512);
	head->unique = in->unique;
	head->len = sizeof(*head);
	switch (in->opcode) {
	case FUSE_INIT: {
		struct fuse_init_out *init = (void *)body;

		init->major = FUSE_KERNEL_VERSION;
		init->minor = FUSE_KERNEL_MINOR_VERSION;
		init->max_write = 4096;
		if (timeout) {
			init->flags = 1 << 30; /* FUSE_INIT_EXT */
			init->flags2 = FUSE_REQUEST_TIMEOUT_BIT >> 32;
			/* request_timeout, after max_stack_depth (since 7.43) */
			*(uint16_t *)(body + 40) = 15;
		}
		head->len += 64;
		break;
	}
	case FUSE_LOOKUP: {
		struct fuse_entry_out *entry = (void *)body;

		entry->nodeid = 2;
		entry->attr = file;
		head->len += sizeof(*entry);
		break;
	}
	case FUSE_GETATTR: {
		struct fuse_attr_out *attr = (void *)body;

		attr->attr = in->nodeid == 1 ? root : file;
		head->len += sizeof(*attr);
		break;
	}
	case FUSE_OPEN: {
		struct fuse_open_out *opened = (void *)body;

		opened->fh = 1;
		opened->open_flags = FOPEN_DIRECT_IO;
		head->len += sizeof(*opened);
		break;
	}
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return 0;
	default:
		head->error = -ENOSYS;
	}
	return head->len;
}

/* Answers until the connection ends; a FLUSH waits for the trigger where `holds`. Returns after `last` was answered. */
static void serve(int fd, unsigned int last, int holds, int timeout)
{
	char out[4096];
	size_t size;
	unsigned int opcode;

	for (;;) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
			continue;
		if (got <= 0)
			return;
		opcode = ((struct fuse_in_header *)buffer)->opcode;
		if (opcode == FUSE_FLUSH && holds)
			until_triggered();
		size = answer(buffer, out, timeout);
		if (size && write(fd, out, size) < 0 && errno != ENOENT)
			return;
		if (opcode == last)
			return;
	}
}

static int opened(const char *node)
{
	int fd = open(node, O_RDWR);

	if (fd < 0)
		die(node);
	return fd;
}

static void mounted(int fd, const char *point, const char *name)
{
	char options[128];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (mount(name, point, "fuse", MS_NOSUID | MS_NODEV, options))
		die(point);
}

/* The second server; its connection counts only while a file of it is being closed. */
static int slow_file(pid_t *server)
{
	char path[4096];
	int fd = opened("/dev/fuse"), file;

	mounted(fd, slow, "situation");
	*server = fork();
	if (!*server) {
		close(device);
		serve(fd, 0, 1, 0);
		exit(0);
	}
	close(fd);
	snprintf(path, sizeof(path), "%s/file", slow);
	file = open(path, O_RDONLY);
	if (file < 0)
		die(path);
	return file;
}

/* Init of the container, and a client below it that holds a file open. */
static pid_t container(int fd)
{
	int said[2];
	char byte;
	pid_t init;

	if (pipe(said))
		die("pipe");
	init = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
	if (init < 0)
		die("clone");
	if (!init) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
			die("private");
		mounted(fd, mountpoint, "situation");
		if (write(said[1], "1", 1) != 1)
			die("pipe");
		if (!fork()) {
			char path[4096];

			snprintf(path, sizeof(path), "%s/file", mountpoint);
			close(fd);
			if (open(path, O_RDONLY) < 0)
				die(path);
			if (write(said[1], "1", 1) != 1)
				die("pipe");
			rest();
		}
		close(fd);
		close(said[0]);
		close(said[1]);
		for (int other = 3; other < 64; other++)
			close(other);
		rest();
	}
	close(said[1]);
	if (read(said[0], &byte, 1) != 1)
		die("it is not mounted");
	serve(fd, FUSE_OPEN, 0, !strcmp(mode, "timeout"));
	if (read(said[0], &byte, 1) != 1)
		die("the client has not opened its file");
	close(said[0]);
	return init;
}

/* io_uring, without a library */

static struct {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static void ring_made(void)
{
	struct io_uring_params params = { 0 };
	char *sq, *cq;

	ring.fd = syscall(SYS_io_uring_setup, 8, &params);
	if (ring.fd < 0)
		die("io_uring_setup");
	sq = mmap(NULL, params.sq_off.array + params.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		  ring.fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || ring.sqes == MAP_FAILED)
		die("mmap of the ring");
	ring.sq_tail = (void *)(sq + params.sq_off.tail);
	ring.sq_mask = (void *)(sq + params.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + params.sq_off.array);
	ring.cq_head = (void *)(cq + params.cq_off.head);
	ring.cq_tail = (void *)(cq + params.cq_off.tail);
	ring.cq_mask = (void *)(cq + params.cq_off.ring_mask);
	ring.cqes = (void *)(cq + params.cq_off.cqes);
}

static void submitted(struct io_uring_sqe sqe)
{
	unsigned int tail = *ring.sq_tail, index = tail & *ring.sq_mask;

	ring.sqes[index] = sqe;
	ring.sq_array[index] = index;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0) != 1)
		die("io_uring_enter");
}

static int completed(void)
{
	unsigned int head = *ring.cq_head;
	int result;

	while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == head)
		syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	result = ring.cqes[head & *ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return result;
}

static void by_registered_file(void)
{
	char out[4096];
	size_t size;
	int got;

	for (;;) {
		submitted((struct io_uring_sqe){ .opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE, .fd = 0,
						 .addr = (uintptr_t)buffer, .len = sizeof(buffer) });
		got = completed();
		if (got == -EINTR || got == -EAGAIN || got == -ENOENT)
			continue;
		if (got <= 0)
			return;
		size = answer(buffer, out, 0);
		if (!size)
			continue;
		submitted((struct io_uring_sqe){ .opcode = IORING_OP_WRITE, .flags = IOSQE_FIXED_FILE, .fd = 0,
						 .addr = (uintptr_t)out, .len = size });
		completed();
	}
}

/* messages */

static void sent(int socket, int fd, size_t size)
{
	static char data[1 << 20];
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec vector = { data, size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	if (sendmsg(socket, &message, 0) < 0)
		die("sendmsg");
}

static int received(int socket)
{
	static char data[1 << 16];
	char control[CMSG_SPACE(sizeof(int))];
	int fd;

	for (;;) {
		struct iovec vector = { data, sizeof(data) };
		struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
					  .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(socket, &message, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			exit(0);
		if (CMSG_FIRSTHDR(&message)) {
			memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
			return fd;
		}
	}
}

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

static void *beside(void *(*work)(void *))
{
	static pthread_t thread;

	if (pthread_create(&thread, NULL, work, NULL))
		die("thread");
	return &thread;
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

static void said(pid_t init)
{
	printf("ready %d\n", init);
	fflush(stdout);
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
