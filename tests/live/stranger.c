/*
 * A FUSE server that fusezap did not make: it speaks the protocol itself, has one descriptor table, and a thread that
 * holds a file open on the server's own mount.  `stranger MOUNTPOINT`; says "held" when it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOT = 1, FILE_NODE = 2 };

static const char *mountpoint;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *hold(void *unused)
{
	char path[4096];

	(void)unused;
	snprintf(path, sizeof(path), "%s/file", mountpoint);
	if (open(path, O_RDONLY) < 0)
		die(path);
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
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
	return (struct fuse_attr){ .ino = node, .mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0644, .nlink = 1 };
}

static void answer(int device, const struct fuse_in_header *in, const void *body)
{
	switch (in->opcode) {
	case FUSE_INIT: {
		const struct fuse_init_in *asked = body;
		struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
					     .max_readahead = asked->max_readahead, .max_write = 4096 };
		pthread_t thread;

		reply(device, in->unique, 0, &out, sizeof(out));
		if (pthread_create(&thread, NULL, hold, NULL))
			die("thread");
		break;
	}
	case FUSE_LOOKUP: {
		struct fuse_entry_out out = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };

		reply(device, in->unique, 0, &out, sizeof(out));
		break;
	}
	case FUSE_GETATTR: {
		struct fuse_attr_out out = { .attr = attributes(in->nodeid) };

		reply(device, in->unique, 0, &out, sizeof(out));
		break;
	}
	case FUSE_OPEN: {
		struct fuse_open_out out = { .fh = 1 };

		reply(device, in->unique, 0, &out, sizeof(out));
		break;
	}
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(device, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
		break;
	default:
		reply(device, in->unique, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char buffer[1 << 17];
	char options[128];
	int device = open("/dev/fuse", O_RDWR);

	if (argc != 2 || device < 0)
		die("usage: stranger MOUNTPOINT; /dev/fuse");
	mountpoint = argv[1];
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (mount("stranger", mountpoint, "fuse", MS_NOSUID | MS_NODEV, options))
		die("mount");
	while (read(device, buffer, sizeof(buffer)) > 0 || errno == EINTR)
		answer(device, (struct fuse_in_header *)buffer, buffer + sizeof(struct fuse_in_header));
	return 0;
}
