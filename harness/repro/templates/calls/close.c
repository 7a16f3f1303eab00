static void call(void)
{
	int fd = open(FILE_NAME, O_RDONLY);

//% include "gate.c"
	close(fd);
}
