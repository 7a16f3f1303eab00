/*
 * Deadlocks: a PID namespace in which nobody is left who could answer, one form a mode.
 *
 *   dead MODE MOUNTPOINT [SECOND]
 *
 * A server below init mounts itself at MOUNTPOINT, and a thread of it works on its own mount.  "ready INIT" is printed
 * when that thread sleeps in its request, or holds its file.  SIGKILL to init leaves the deadlock.
 *
 *   op-NAME        the thread calls NAME, whose request the server has read and does not answer
 *   hold           the thread holds a file; its exit sends the FLUSH
 *   client         another process of the namespace holds the file
 *   cloned         the same, and the server has a clone of the device (FUSE_DEV_IOC_CLONE) besides
 *   own-flight     the device is in flight on a socket that only the server has, and in no table
 *   own-uring      the device is registered in an io_uring of the server besides
 *   inherited      a process outside opened the device, passed it down, and has closed its own
 *   stolen-back    a process outside took the device with pidfd_getfd(2), and has ended since
 *   nested         the server lives in a PID namespace below that of init
 *   cross          two servers, each with a file of the other's mount (SECOND)
 *   chain          the client waits for one server, which waits for another (SECOND), which waits for itself
 *   overlay        the file is of an overlay (SECOND), whose lower layer is the server's mount
 *   busy           as hold; outside, an ancestor and a child of its start short-lived processes all the time
 *   orphans        as hold, and an ancestor outside starts processes that orphan others all the time
 *   poller         as hold; an ancestor has a thread in poll(2) of a pipe, a socket and an eventfd, and others that run
 *   selector       the same in select(2)
 *   watcher        the same in epoll_wait(2)
 *   path-only      as hold, and an ancestor has /dev/fuse open with O_PATH: it can answer nothing
 *   threads        as hold; an ancestor has threads in nanosleep, in read(2) of a pipe, and in recvmsg(2), and one runs
 *   idle-uring     as hold; an ancestor has an io_uring with a timeout under way and a socket registered
 *   talkers        as hold, and an ancestor outside sends files to itself over a socket all the time
 */
#include "fuse_server.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

static const char *second;
static int told[2];
static unsigned int hung;

static void tell(void)
{
	if (write(told[1], "1", 1) != 1)
		die("pipe");
}

/* Answers all but `hung`, whose arrival it tells. */
static void *serving(void *fd)
{
	static __thread char in[1 << 17];
	char out[4096];

	for (;;) {
		ssize_t got = read((int)(intptr_t)fd, in, sizeof(in));
		unsigned int opcode = ((struct fuse_in_header *)in)->opcode;
		size_t size;

		if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
			continue;
		if (got <= 0)
			return NULL;
		if (hung && opcode == hung) {
			tell();
			continue;
		}
		if (opcode == FUSE_FLUSH && !hung)
			continue;
		if (opcode == FUSE_LOOKUP && strstr(in + sizeof(struct fuse_in_header), "new")) {
			struct fuse_out_header none = { .len = sizeof(none), .error = -ENOENT,
							.unique = ((struct fuse_in_header *)in)->unique };

			if (write((int)(intptr_t)fd, &none, sizeof(none)) < 0)
				return NULL;
			continue;
		}
		size = answer(in, out, 0);
		if (opcode == FUSE_STATFS || opcode == FUSE_OPENDIR || opcode == FUSE_RELEASEDIR || opcode == FUSE_READDIR) {
			memset(out + sizeof(struct fuse_out_header), 0, sizeof(struct fuse_statfs_out));
			size = sizeof(struct fuse_out_header) + (opcode == FUSE_STATFS ? sizeof(struct fuse_statfs_out) :
								 opcode == FUSE_OPENDIR ? sizeof(struct fuse_open_out) : 0);
			((struct fuse_out_header *)out)->error = 0;
			((struct fuse_out_header *)out)->len = size;
		}
		if (size && write((int)(intptr_t)fd, out, size) < 0 && errno != ENOENT)
			return NULL;
	}
}

static void served(int fd)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, serving, (void *)(intptr_t)fd))
		die("thread");
}

static const char *below(const char *folder, const char *name)
{
	static char paths[4][4096];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, 4096, "%s/%s", folder, name);
	return path;
}

static int held(const char *folder)
{
	int fd = open(below(folder, "file"), strcmp(mode, "overlay") ? O_RDWR : O_RDONLY);

	if (fd < 0)
		die(folder);
	return fd;
}

/* The system call and the opcode of each `op-` mode. */
static void operation(const char *name)
{
	char bytes[64] = "";
	struct stat seen;
	int file = -1;

	struct { const char *name; unsigned int opcode; } all[] = {
		{ "read", FUSE_READ }, { "write", FUSE_WRITE }, { "fsync", FUSE_FSYNC }, { "stat", FUSE_GETATTR },
		{ "truncate", FUSE_SETATTR }, { "chmod", FUSE_SETATTR }, { "unlink", FUSE_UNLINK },
		{ "mkdir", FUSE_MKDIR }, { "mknod", FUSE_MKNOD }, { "symlink", FUSE_SYMLINK },
		{ "rename", FUSE_RENAME2 }, { "link", FUSE_LINK }, { "create", FUSE_CREATE },
		{ "open", FUSE_OPEN }, { "opendir", FUSE_OPENDIR }, { "statfs", FUSE_STATFS },
		{ "getxattr", FUSE_GETXATTR }, { "listxattr", FUSE_LISTXATTR }, { "setxattr", FUSE_SETXATTR },
		{ "lookup", FUSE_LOOKUP }, { "fallocate", FUSE_FALLOCATE }, { "lseek", FUSE_LSEEK },
		{ "access", FUSE_ACCESS }, { "close", FUSE_FLUSH }, { "copy", FUSE_COPY_FILE_RANGE },
	};
	unsigned int opcode = 0;

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i].name, name))
			opcode = all[i].opcode;
	if (!opcode) {
		fprintf(stderr, "unknown operation %s\n", name);
		exit(2);
	}
	if (strcmp(name, "open") && strcmp(name, "lookup") && strcmp(name, "stat"))
		file = held(mountpoint);
	hung = opcode;
	if (!strcmp(name, "read"))
		pread(file, bytes, 1, 0);
	else if (!strcmp(name, "write"))
		pwrite(file, bytes, 1, 0);
	else if (!strcmp(name, "fsync"))
		fsync(file);
	else if (!strcmp(name, "stat"))
		stat(mountpoint, &seen);
	else if (!strcmp(name, "truncate"))
		ftruncate(file, 1);
	else if (!strcmp(name, "chmod"))
		fchmod(file, 0600);
	else if (!strcmp(name, "unlink"))
		unlink(below(mountpoint, "file"));
	else if (!strcmp(name, "mkdir"))
		mkdir(below(mountpoint, "new"), 0700);
	else if (!strcmp(name, "mknod"))
		mknod(below(mountpoint, "new"), S_IFIFO | 0600, 0);
	else if (!strcmp(name, "symlink"))
		symlink("x", below(mountpoint, "new"));
	else if (!strcmp(name, "rename"))
		syscall(SYS_renameat2, AT_FDCWD, below(mountpoint, "file"), AT_FDCWD, below(mountpoint, "new"), 1);
	else if (!strcmp(name, "link"))
		link(below(mountpoint, "file"), below(mountpoint, "new"));
	else if (!strcmp(name, "create"))
		open(below(mountpoint, "new"), O_CREAT | O_RDWR, 0600);
	else if (!strcmp(name, "open") || !strcmp(name, "lookup"))
		open(below(mountpoint, "file"), O_RDONLY);
	else if (!strcmp(name, "opendir"))
		open(mountpoint, O_RDONLY | O_DIRECTORY);
	else if (!strcmp(name, "statfs"))
		syscall(SYS_statfs, mountpoint, buffer);
	else if (!strcmp(name, "getxattr"))
		syscall(SYS_fgetxattr, file, "user.x", bytes, sizeof(bytes));
	else if (!strcmp(name, "listxattr"))
		syscall(SYS_flistxattr, file, bytes, sizeof(bytes));
	else if (!strcmp(name, "setxattr"))
		syscall(SYS_fsetxattr, file, "user.x", "1", 1, 0);
	else if (!strcmp(name, "fallocate"))
		fallocate(file, 0, 0, 4096);
	else if (!strcmp(name, "lseek"))
		lseek(file, 0, SEEK_HOLE);
	else if (!strcmp(name, "access"))
		access(below(mountpoint, "file"), R_OK);
	else if (!strcmp(name, "copy"))
		syscall(SYS_copy_file_range, file, NULL, held(mountpoint), &(loff_t){ 100 }, 10, 0);
	else
		close(file);
	rest();
}

static int made(const char *point)
{
	int fd = opened("/dev/fuse");

	mounted(fd, point, "situation");
	return fd;
}

static void holding(const char *folder)
{
	held(folder);
	tell();
	rest();
}

/* In the namespace, below init; `device` is open where the mode says so. */
static void server(void)
{
	int other, pair[2];

	if (!strcmp(mode, "inherited"))
		mounted(device, mountpoint, "situation");
	else
		device = made(mountpoint);
	if (!strncmp(mode, "op-", 3)) {
		served(device);
		operation(mode + 3);
	} else if (!strcmp(mode, "client")) {
		served(device);
		if (!fork()) {
			close(device);
			holding(mountpoint);
		}
	} else if (!strcmp(mode, "overlay")) {
		char options[9000];

		served(device);
		snprintf(options, sizeof(options), "lowerdir=%s:%s", mountpoint, "/usr/share");
		if (mount("overlay", second, "overlay", 0, options))
			die("overlay");
		holding(second);
	} else if (!strcmp(mode, "cloned")) {
		other = opened("/dev/fuse");
		if (ioctl(other, FUSE_DEV_IOC_CLONE, &device))
			die("FUSE_DEV_IOC_CLONE");
		served(device);
		served(other);
	} else if (!strcmp(mode, "own-flight")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			die("socketpair");
		served(device);
		held(mountpoint);
		sent(pair[0], device, 1);
		close(device);
		tell();
		rest();
	} else if (!strcmp(mode, "own-uring")) {
		ring_made();
		if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &device, 1))
			die("io_uring_register");
		served(device);
	} else if (!strcmp(mode, "cross") || !strcmp(mode, "chain")) {
		served(device);
		other = made(second);
		if (!fork()) {
			close(device);
			served(other);
			holding(!strcmp(mode, "cross") ? mountpoint : second);
		}
		close(other);
		if (!strcmp(mode, "chain") && !fork()) {
			close(device);
			holding(mountpoint);
		}
		holding(second);
	} else {
		served(device);
	}
	holding(mountpoint);
}

static int expected(void)
{
	if (!strcmp(mode, "chain"))
		return 3;
	return !strcmp(mode, "cross") || !strcmp(mode, "client") ? 2 : 1;
}

static pid_t contained(void)
{
	pid_t init = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);

	if (init < 0)
		die("clone");
	if (init)
		return init;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("private");
	if (!strcmp(mode, "nested")) {
		if (!syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0) && !fork())
			server();
	} else if (!fork()) {
		server();
	}
	close(device);
	close(told[0]);
	close(told[1]);
	rest();
	return 0;
}

static int waited[3], multiplexer;

static void *polling(void *unused)
{
	struct pollfd all[3] = { { .fd = waited[0], .events = POLLIN }, { .fd = waited[1], .events = POLLIN },
				 { .fd = waited[2], .events = POLLIN } };

	(void)unused;
	poll(all, 3, -1);
	return NULL;
}

static void *selecting(void *unused)
{
	fd_set all;

	(void)unused;
	FD_ZERO(&all);
	for (int i = 0; i < 3; i++)
		FD_SET(waited[i], &all);
	select(64, &all, NULL, NULL, NULL);
	return NULL;
}

static void *watching(void *unused)
{
	struct epoll_event event;

	(void)unused;
	epoll_wait(multiplexer, &event, 1, -1);
	return NULL;
}

static void *reading(void *number)
{
	char byte;

	if (read(waited[(intptr_t)number], &byte, 1) < 0)
		return NULL;
	return NULL;
}

/* A pipe, a socket and an eventfd that nobody writes to, and a thread that waits for them. */
static void main_loop(void *(*loop)(void *))
{
	int pipes[2], sockets[2];

	if (pipe(pipes) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		die("pipe");
	waited[0] = pipes[0];
	waited[1] = sockets[0];
	waited[2] = eventfd(0, 0);
	multiplexer = epoll_create1(0);
	for (int i = 0; i < 3; i++) {
		struct epoll_event event = { .events = EPOLLIN };

		epoll_ctl(multiplexer, EPOLL_CTL_ADD, waited[i], &event);
	}
	for (intptr_t i = 0; loop == reading && i < 3; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, reading, (void *)i);
	}
	if (loop != reading)
		beside(loop);
}

/* Before the hang: a poll that began with it would be that of a device. */
static void main_loops(void)
{
	if (!strcmp(mode, "poller"))
		main_loop(polling);
	else if (!strcmp(mode, "selector"))
		main_loop(selecting);
	else if (!strcmp(mode, "watcher"))
		main_loop(watching);
	else if (!strcmp(mode, "threads"))
		main_loop(reading);
	else
		return;
	usleep(500000);
}

/* Outside, until this process is killed. */
static void beside_it(void)
{
	int pair[2];

	while (multiplexer)
		usleep(500);
	if (!strcmp(mode, "path-only") && open("/dev/fuse", O_PATH) < 0)
		die("/dev/fuse");
	if (!strcmp(mode, "idle-uring")) {
		static struct { int64_t s; long long ns; } wait = { .s = 3600 };

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			die("socketpair");
		ring_made();
		syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, pair, 2);
		submitted((struct io_uring_sqe){ .opcode = IORING_OP_TIMEOUT, .fd = -1, .addr = (uintptr_t)&wait, .len = 1 });
	}
	if (!strcmp(mode, "busy")) {
		if (!fork())
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			pid_t child = vfork();

			if (!child) {
				execl("/bin/true", "true", (char *)NULL);
				_exit(1);
			}
			waitpid(child, NULL, 0);
			usleep(500);
		}
	} else if (!strcmp(mode, "orphans")) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		for (;;) {
			if (!fork()) {
				if (!fork())
					usleep(3000);
				_exit(0);
			}
			usleep(1000);
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
	} else if (!strcmp(mode, "talkers")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			die("socketpair");
		for (;;) {
			int file = open("/dev/null", O_RDONLY);

			sent(pair[0], file, 1);
			close(file);
			close(received(pair[1]));
			usleep(300);
		}
	}
	rest();
}

int main(int argc, char **argv)
{
	pid_t init;
	char byte;

	if (argc < 4) {
		fprintf(stderr, "see the head of dead.c\n");
		return 2;
	}
	mode = argv[1];
	mountpoint = argv[2];
	second = argv[3];
	device = -1;
	if (pipe(told))
		die("pipe");
	if (!strcmp(mode, "inherited"))
		device = opened("/dev/fuse");
	main_loops();
	init = contained();
	if (device >= 0)
		close(device);
	for (int i = 0; i < expected(); i++)
		if (read(told[0], &byte, 1) != 1)
			die("it is not ready");
	if (!strcmp(mode, "stolen-back")) {
		if (!fork()) {
			char path[64], name[64] = "";
			int process, child = 0;

			snprintf(path, sizeof(path), "/proc/%d/task/%d/children", init, init);
			FILE *children = fopen(path, "r");
			if (!children || fscanf(children, "%d", &child) != 1)
				die(path);
			process = syscall(SYS_pidfd_open, child, 0);
			for (int fd = 3; fd < 16; fd++) {
				snprintf(path, sizeof(path), "/proc/%d/fd/%d", child, fd);
				if (readlink(path, name, sizeof(name) - 1) > 0 && strstr(name, "/dev/fuse"))
					if (syscall(SYS_pidfd_getfd, process, fd, 0) < 0)
						die("pidfd_getfd");
			}
			_exit(0);
		}
		wait(NULL);
	}
	close(told[0]);
	close(told[1]);
	said(init);
	beside_it();
	return 0;
}
