/*
 * A filesystem by libfuse 3, as anybody would write it: two files, a thread that keeps one open. "ready" once it does.
 * With STRANGER_NESTED set it opens the other, and syncs it, only when a client writes to the first; the FLUSH of that
 * is never answered.
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *mountpoint;
static volatile int written;

static int get_attr(const char *path, struct stat *found, struct fuse_file_info *file)
{
	(void)file;
	memset(found, 0, sizeof(*found));
	if (!strcmp(path, "/")) {
		found->st_mode = S_IFDIR | 0755;
		found->st_nlink = 2;
		return 0;
	}
	if (strcmp(path, "/file") && strcmp(path, "/other"))
		return -ENOENT;
	found->st_mode = S_IFREG | 0644;
	found->st_nlink = 1;
	return 0;
}

static int open_file(const char *path, struct fuse_file_info *file)
{
	(void)path;
	(void)file;
	return 0;
}

static void *sync_other(void *unused)
{
	char path[4096];

	(void)unused;
	snprintf(path, sizeof(path), "%s/other", mountpoint);
	fsync(open(path, O_RDWR));
	return NULL;
}

static int write_file(const char *path, const char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
	pthread_t thread;

	(void)path;
	(void)data;
	(void)offset;
	(void)file;
	written = 1;
	return pthread_create(&thread, NULL, sync_other, NULL) ? -EAGAIN : (int)size;
}

static int flush_file(const char *path, struct fuse_file_info *file)
{
	(void)file;
	while (written && !strcmp(path, "/file"))
		pause();
	return 0;
}

static void *keep_open(void *unused)
{
	char path[4096];

	(void)unused;
	snprintf(path, sizeof(path), "%s/file", mountpoint);
	if (open(path, O_RDONLY) < 0) {
		perror(path);
		exit(1);
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

static void *started(struct fuse_conn_info *connection, struct fuse_config *config)
{
	pthread_t thread;

	(void)connection;
	(void)config;
	if (getenv("STRANGER_NESTED"))
		return NULL;
	if (pthread_create(&thread, NULL, keep_open, NULL))
		exit(1);
	return NULL;
}

static const struct fuse_operations operations = {
	.init = started, .getattr = get_attr, .open = open_file, .write = write_file, .flush = flush_file
};

int main(int argc, char **argv)
{
	mountpoint = argv[argc - 1];
	return fuse_main(argc, argv, &operations, NULL);
}
