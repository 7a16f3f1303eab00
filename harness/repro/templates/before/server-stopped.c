static int before(void)
{
//% if call
	if (!until("a call that is prepared", shared->prepared))
		return 0;
//% endif
	kill(shared->server, SIGSTOP);
//% if call
	if (!until("a stopped server", state(shared->server) == 'T'))
		return 0;
	shared->stopped = 1;
	return until("a call that waits for its answer", in(shared->user, WAITS));
//% else
	return until("a stopped server", state(shared->server) == 'T');
//% endif
}
