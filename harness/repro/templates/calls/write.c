static void call(void)
{
	int fd = open(FILE_NAME, O_WRONLY);

//% include "gate.c"
	if (write(fd, "x", 1) < 0)
		fail("write");
}
