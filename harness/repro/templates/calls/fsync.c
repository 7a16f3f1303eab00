static void call(void)
{
	int fd = open(FILE_NAME, O_WRONLY);

//% include "gate.c"
	fsync(fd);
}
