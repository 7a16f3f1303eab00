/*
 * A filesystem by libfuse 3, as anybody would write it: one file, a thread that keeps it open. "ready" once it does.
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

static int get_attr(const char *path, struct stat *found, struct fuse_file_info *file)
{
	(void)file;
	memset(found, 0, sizeof(*found));
	if (!strcmp(path, "/")) {
		found->st_mode = S_IFDIR | 0755;
		found->st_nlink = 2;
		return 0;
	}
	if (strcmp(path, "/file"))
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

static int flush_file(const char *path, struct fuse_file_info *file)
{
	(void)path;
	(void)file;
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
	if (pthread_create(&thread, NULL, keep_open, NULL))
		exit(1);
	return NULL;
}

static const struct fuse_operations operations = {
	.init = started, .getattr = get_attr, .open = open_file, .flush = flush_file
};

int main(int argc, char **argv)
{
	mountpoint = argv[argc - 1];
	return fuse_main(argc, argv, &operations, NULL);
}
