/* A FUSE server without a library, and the means by which one may keep its device: for hidden.c and dead.c. */
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
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"

#ifndef FUSE_REQUEST_TIMEOUT_BIT
#define FUSE_REQUEST_TIMEOUT_BIT (1ULL << 42)
#endif

static const char *mode, *mountpoint, *slow;
static int negotiates; /* a request timeout */
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
		if (strcmp(mode, "leader-gone"))
			prctl(PR_SET_PDEATHSIG, SIGKILL); /* of the thread that made it */
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
	serve(fd, FUSE_OPEN, 0, negotiates);
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

static void said(pid_t init)
{
	printf("ready %d\n", init);
	fflush(stdout);
}

static void *beside(void *(*work)(void *))
{
	static pthread_t thread;

	if (pthread_create(&thread, NULL, work, NULL))
		die("thread");
	return &thread;
}
