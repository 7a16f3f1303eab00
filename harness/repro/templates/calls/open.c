static void call(void)
{
//% include "gate.c"
	open(FILE_NAME, O_RDONLY);
}
