static void call(void)
{
	struct stat found;

//% include "gate.c"
	stat(FILE_NAME, &found); /* sends LOOKUP: no entry of this server stays valid */
}
