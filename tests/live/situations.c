/*
 * Hangs that fusezap did not make, one a mode:
 *
 *   situations serve HANG MOUNTPOINT [ACTION]   a FUSE server that never answers the operation HANG (flush, read, getattr
 *                                               or none); ACTION is what a thread of it does on its own mount: hold,
 *                                               close, read, getattr, exec
 *   situations nest MOUNTPOINT                  a server of one thread that opens a file of its own mount to answer
 *   situations hold PATH                        holds a file open
 *   situations trace PID                        traces it, and never waits for it
 *   situations interrupt PID                    traces it, and keeps it stopped
 *   situations enter PID                        starts a process in the PID namespace of PID, and never reaps it
 *   situations crowd NAMESPACES THREADS         healthy PID namespaces
 *
 * Each says "ready" when it is; for close, read and getattr that is when the server has read the request that hangs: one
 * that is still queued would die with its caller.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

enum { ROOT = 1, FILE_NODE = 2, OUTER_NODE = 3 };

static const char *mountpoint, *action;
static unsigned int hangs, nested;

static void *act(void *unused)
{
	char path[4096], byte;
	struct stat seen;
	int file;

	(void)unused;
	snprintf(path, sizeof(path), "%s/file", mountpoint);
	file = open(path, O_RDONLY | (strcmp(action, "exec") ? 0 : O_CLOEXEC));
	if (file < 0)
		die(path);
	if (!strcmp(action, "hold") || !strcmp(action, "exec"))
		ready();
	if (!strcmp(action, "close"))
		close(file);
	else if (!strcmp(action, "read"))
		return read(file, &byte, 1) ? NULL : NULL;
	else if (!strcmp(action, "getattr"))
		fstat(file, &seen);
	else if (!strcmp(action, "exec"))
		execl("/bin/true", "true", (char *)NULL);
	rest();
	return NULL;
}

static void reply(int device, uint64_t unique, int error, const void *data, size_t size)
{
	char buffer[4096];
	struct fuse_out_header head = { .len = sizeof(head) + size, .error = -error, .unique = unique };

	memcpy(buffer, &head, sizeof(head));
	if (size)
		memcpy(buffer + sizeof(head), data, size);
	if (write(device, buffer, head.len) < 0 && errno != ENOENT)
		die("reply");
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){ .ino = node,
				   .size = node == ROOT ? 0 : 4096,
				   .mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0644,
				   .nlink = 1 };
}

static void greet(int device, const struct fuse_in_header *in, const struct fuse_init_in *asked)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_readahead = asked->max_readahead, .max_write = 4096 };
	pthread_t thread;

	reply(device, in->unique, 0, &out, sizeof(out));
	if (action && pthread_create(&thread, NULL, act, NULL))
		die("thread");
	if (!action)
		ready();
}

static void answer(int device, const struct fuse_in_header *in, const void *body)
{
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_entry_out entry = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };
	struct fuse_open_out opened = { .fh = 1, .open_flags = FOPEN_DIRECT_IO };
	char path[4096];

	if (in->opcode == hangs) {
		ready();
		return;
	}
	switch (in->opcode) {
	case FUSE_INIT:
		greet(device, in, body);
		break;
	case FUSE_LOOKUP:
		if (!strcmp(body, "outer"))
			entry.nodeid = OUTER_NODE;
		reply(device, in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		reply(device, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		if (nested && in->nodeid == OUTER_NODE) {
			snprintf(path, sizeof(path), "%s/inner", mountpoint);
			open(path, O_RDONLY);
		}
		reply(device, in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(device, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(device, in->unique, ENOSYS, NULL, 0);
	}
}

static int serve(void)
{
	static char buffer[1 << 17];
	char options[128];
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (device < 0)
		die("/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
	if (mount("situation", mountpoint, "fuse", MS_NOSUID | MS_NODEV, options))
		die("mount");
	while (read(device, buffer, sizeof(buffer)) > 0 || errno == EINTR)
		answer(device, (struct fuse_in_header *)buffer, buffer + sizeof(struct fuse_in_header));
	return 0;
}

static void enter(const char *pid)
{
	char path[64];
	int namespace;

	snprintf(path, sizeof(path), "/proc/%s/ns/pid", pid);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWPID))
		die(path);
	if (!fork())
		rest();
	ready();
	rest();
}

static void interrupt(int pid)
{
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
		die("ptrace");
	if (waitpid(pid, NULL, __WALL) != pid)
		die("waitpid");
	ready();
	rest();
}

static void *idle(void *unused)
{
	(void)unused;
	rest();
	return NULL;
}

static void crowd(int namespaces, int threads)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (int i = 0; i < namespaces; i++) {
		long child = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

		if (child < 0)
			die("clone");
		if (child)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int j = 1; j < threads; j++)
			if (pthread_create(&thread, &small, idle, NULL))
				die("thread");
		rest();
	}
	ready();
	rest();
}

static unsigned int operation(const char *name)
{
	if (!strcmp(name, "flush"))
		return FUSE_FLUSH;
	if (!strcmp(name, "read"))
		return FUSE_READ;
	return strcmp(name, "getattr") ? 0 : FUSE_GETATTR;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "serve")) {
		hangs = operation(argv[2]);
		mountpoint = argv[3];
		action = argc > 4 ? argv[4] : NULL;
		return serve();
	}
	if (argc == 3 && !strcmp(argv[1], "nest")) {
		nested = 1;
		mountpoint = argv[2];
		return serve();
	}
	if (argc == 3 && !strcmp(argv[1], "hold")) {
		if (open(argv[2], O_RDONLY) < 0)
			die(argv[2]);
		ready();
		rest();
	}
	if (argc == 3 && !strcmp(argv[1], "trace")) {
		if (ptrace(PTRACE_SEIZE, atoi(argv[2]), 0, PTRACE_O_TRACEEXIT))
			die("ptrace");
		ready();
		rest();
	}
	if (argc == 3 && !strcmp(argv[1], "interrupt"))
		interrupt(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "enter"))
		enter(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "crowd"))
		crowd(atoi(argv[2]), atoi(argv[3]));
	fprintf(stderr, "see the head of situations.c\n");
	return 2;
}
