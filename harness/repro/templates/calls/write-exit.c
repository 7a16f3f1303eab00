/* The exit flushes the file. */
static void call(void)
{
	int fd = open(FILE_NAME, O_WRONLY);

	if (write(fd, "x", 1) < 0 || fsync(fd))
		fail("write");
	_exit(0);
}
