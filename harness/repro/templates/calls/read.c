static void call(void)
{
	char byte;
	int fd = open(FILE_NAME, O_RDONLY);

//% include "gate.c"
	if (read(fd, &byte, 1) < 0)
		fail("read");
}
