// SPDX-License-Identifier: GPL-2.0
/*
//% for line in head
 *@{ " " + line if line else "" }
//% endfor
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
//% if holder == "passed"
#include <poll.h>
//% endif
//% if threads
#include <pthread.h>
//% endif
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
//% if server
#include <linux/fuse.h>
//% endif
#include <sys/mman.h>
#include <sys/mount.h>
//% if server == "outside"
#include <sys/prctl.h>
//% endif
//% if before == "traced"
#include <sys/ptrace.h>
//% endif
//% if holder == "passed"
#include <sys/socket.h>
//% endif
//% if server or before == "frozen"
#include <sys/stat.h>
//% endif
//% if server
#include <sys/sysmacros.h>
#include <sys/uio.h>
//% endif
#include <sys/wait.h>
//% if kselftest
#include "../../kselftest_harness.h"
//% endif

//% if holder or call
#define FILE_NAME	"/tmp/@{ path }"
//% endif
//% if server
#define FUSECTL		"/sys/fs/fuse/connections"
//% endif
//% if frame != "process"
#define IN_ZAP		"] zap_pid_ns_processes"	/* as /proc/PID/stack has it */
//% endif
//% if server
#define WAITS		"] request_wait_answer"
//% endif
#define DEADLINE_MS	10000	/* of each step */
#define STABLE_MS	@{ stable_ms }	/* a hang has not changed for that long */

/* What the processes tell each other. Everything else is read from /proc. */
static struct {
	_Atomic int target;	/* the process that is killed */
	_Atomic int tasks[8], count;	/* those below it */
	_Atomic int parent, keeper, failed;
//% if server
	_Atomic int server, go;
	_Atomic int flushes;	/* FLUSH requests that the server has read */
	char abort[64];		/* the file that ends the connection */
//% endif
//% if "hang" in faults
	_Atomic int held;	/* the server has read the request that it never answers */
//% endif
//% if holder or call
	_Atomic int user@{ ", fd" if holder else "" };	/* the task that @{ "holds the file" if holder else "makes the call" } */
//% endif
//% if nest
	_Atomic int nested;	/* the server has opened and synced its own file */
//% endif
//% if call == "execute"
	_Atomic int executed, refused;
//% endif
//% if before == "server-stopped" and call
	_Atomic int prepared, stopped;
//% endif
} *shared;

static const char *missing = "root, and CONFIG_STACKTRACE";

//% include "proc.c"

//% if server
//% include "server.c"

//% endif
//% include "inside.c"

//% include "main.c"
