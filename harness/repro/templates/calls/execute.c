static void use(int i, int execute)
{
	char name[] = FILE_NAME ".0";

	name[sizeof(name) - 2] += i;
	if (!execute && write(open(name, O_WRONLY), "text", 4) == 4)
		_exit(0);
	execl(name, name, NULL);
	_exit(errno == ETXTBSY ? 1 : errno == ENOEXEC ? 0 : 2);
}

/*
 * Each child writes a program and exits without closing it; the program is executed as soon as
 * its writer has been reaped. It is text: execve() fails with ENOEXEC, or with ETXTBSY before.
 */
static void call(void)
{
	pid_t writers[5], program;
	int i, status;

	for (i = 0; i < 5; i++) {
		writers[i] = fork();
		if (writers[i] == 0)
			use(i, 0);
	}
	for (i = 0; i < 5; i++) {
		waitpid(writers[i], &status, 0);
		program = status ? -1 : fork();
		if (program == 0)
			use(i, 1);
		waitpid(program, &status, 0);
		if (status && WEXITSTATUS(status) != 1)
			fail("execve");
		shared->refused += status != 0;
		shared->executed++;
	}
}
