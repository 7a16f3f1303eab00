/*
 * Loads for the reader of a whole machine, one a mode; each says "ready" when it is, and goes on until it is killed:
 *
 *   load clients N PATH     N processes that read PATH, and wait for its FUSE server
 *   load execs N PATH       N processes that hold PATH with O_CLOEXEC and call execve(): they wait for its FLUSH
 *   load mounts N FOLDER    N bind mounts below FOLDER, in a mount namespace of their own with 50 more processes
 *   load chain N FOLDER     N FUSE servers below FOLDER, each of which asks the next one to answer; the last asks itself
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../live/program.h"

/* Returns in the child alone, which ends with its parent. */
static int child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return !pid;
}

static void clients(int count, const char *path, int executing)
{
	char byte;

	for (int i = 0; i < count; i++)
		if (child()) {
			int file = open(path, O_RDONLY | (executing ? O_CLOEXEC : 0));

			if (file < 0 || (!executing && read(file, &byte, 1) < 0))
				exit(1);
			if (executing)
				execl("/bin/true", "true", (char *)NULL);
			rest();
		}
	ready();
	rest();
}

static void private_tmpfs(const char *folder)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	if (mount("load", folder, "tmpfs", 0, NULL))
		die(folder);
}

static void mounts(int count, const char *folder)
{
	char from[4096], to[4096];

	private_tmpfs(folder);
	snprintf(from, sizeof(from), "%s/from", folder);
	if (mkdir(from, 0755))
		die(from);
	for (int i = 0; i < count; i++) {
		snprintf(to, sizeof(to), "%s/%d", folder, i);
		if (mkdir(to, 0755) || mount(from, to, NULL, MS_BIND, NULL))
			die(to);
	}
	for (int i = 0; i < 50; i++)
		if (child())
			rest();
	ready();
	rest();
}

static void reply(int device, uint64_t unique, int error, const void *data, size_t size)
{
	char buffer[4096];
	struct fuse_out_header head = { .len = sizeof(head) + size, .error = -error, .unique = unique };

	memcpy(buffer, &head, sizeof(head));
	if (size)
		memcpy(buffer + sizeof(head), data, size);
	if (write(device, buffer, head.len) < 0 && errno != ENOENT)
		exit(1);
}

/* Answers INIT and LOOKUP; to answer OPEN it opens a file itself. */
static void serve(int device, const char *next)
{
	static char buffer[1 << 17];
	struct fuse_in_header *in = (struct fuse_in_header *)buffer;
	struct fuse_attr file = { .ino = 2, .size = 4096, .mode = S_IFREG | 0644, .nlink = 1 };
	struct fuse_attr root = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 };
	struct fuse_entry_out entry = { .nodeid = 2, .attr = file };
	struct fuse_attr_out attr = { .attr = root };
	struct fuse_open_out opened = { .fh = 1 };
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096 };

	while (read(device, buffer, sizeof(buffer)) > 0 || errno == EINTR) {
		if (in->opcode == FUSE_INIT) {
			init.max_readahead = ((struct fuse_init_in *)(in + 1))->max_readahead;
			reply(device, in->unique, 0, &init, sizeof(init));
		} else if (in->opcode == FUSE_LOOKUP) {
			reply(device, in->unique, 0, &entry, sizeof(entry));
		} else if (in->opcode == FUSE_GETATTR) {
			reply(device, in->unique, 0, &attr, sizeof(attr));
		} else if (in->opcode == FUSE_OPEN) {
			open(next, O_RDONLY);
			reply(device, in->unique, 0, &opened, sizeof(opened));
		} else if (in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET && in->opcode != FUSE_INTERRUPT) {
			reply(device, in->unique, ENOSYS, NULL, 0);
		}
	}
	exit(0);
}

static void chain(int count, const char *folder)
{
	char point[4096], next[4096], options[128];

	private_tmpfs(folder);
	for (int i = 0; i < count; i++) {
		int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

		if (device < 0)
			die("/dev/fuse");
		snprintf(point, sizeof(point), "%s/%d", folder, i);
		snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
		if (mkdir(point, 0755) || mount("situation", point, "fuse", 0, options))
			die(point);
		snprintf(next, sizeof(next), "%s/%d/file", folder, i ? i - 1 : 0);
		if (child())
			serve(device, next);
		close(device);
	}
	snprintf(point, sizeof(point), "%s/%d/file", folder, count - 1);
	if (child()) {
		open(point, O_RDONLY);
		rest();
	}
	ready();
	rest();
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "clients"))
		clients(atoi(argv[2]), argv[3], 0);
	if (argc == 4 && !strcmp(argv[1], "execs"))
		clients(atoi(argv[2]), argv[3], 1);
	if (argc == 4 && !strcmp(argv[1], "mounts"))
		mounts(atoi(argv[2]), argv[3]);
	if (argc == 4 && !strcmp(argv[1], "chain"))
		chain(atoi(argv[2]), argv[3]);
	fprintf(stderr, "see the head of load.c\n");
	return 2;
}
