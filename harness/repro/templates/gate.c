//% if before == "server-stopped"
	shared->prepared = 1;
	while (!shared->stopped)
		usleep(1000);
//% endif
