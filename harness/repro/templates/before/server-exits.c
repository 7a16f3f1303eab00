/* A kernel that does not wait for the answer lets it go. */
static int before(void)
{
	kill(shared->server, SIGTERM); /* its handler calls exit_group() */
	return until("a server that waits in its exit, or is gone",
		     in(shared->user, WAITS) || state(shared->user) == 'X');
}
