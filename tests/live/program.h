/* The parts that every program shares which a test starts, and that says "ready" on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void rest(void)
{
	for (;;)
		pause();
}
