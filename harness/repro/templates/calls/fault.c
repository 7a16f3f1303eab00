static void call(void)
{
	int fd = open(FILE_NAME, O_RDONLY);
	const char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	close(fd); /* the mapping keeps the file open, and its end sends no FLUSH */
//% include "gate.c"
	if (*page == 0)
		fail("an empty page");
}
