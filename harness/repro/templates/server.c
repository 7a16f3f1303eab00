static int device;

static void answer(const struct fuse_in_header *in, int error, void *data, size_t size)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + size, .error = -error, .unique = in->unique,
	};
	struct iovec parts[] = { { &out, sizeof(out) }, { data, size } };

	if (writev(device, parts, 2) < 0 && errno != ENOENT) /* ENOENT: its caller was killed */
		fail("answer");
}

//% if nest
/* Opens and syncs another file of the server's own mount, and leaves it open. */
static void *nest(void *unused)
{
	announce();
	if (fsync(open("/tmp/@{ nest }", O_RDWR)))
		fail("fsync");
	shared->nested = 1;
	pause();
	return unused;
}

//% endif
static void serve(const struct fuse_in_header *in@{ ", const void *arg" if uses_arg else "" })
{
//% if uses_name
	const char *name = arg;
//% endif
//% if uses_name
	unsigned long named = @{ lookup };
//% endif
	unsigned long node = in->opcode == FUSE_LOOKUP ? @{ "named" if uses_name else lookup } : in->nodeid;
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096,
//% if call == "fault"
		.max_readahead = 4096, .flags = FUSE_ASYNC_READ,
//% endif
	};
	unsigned int type = node == FUSE_ROOT_ID@{ " || node == " ~ folder if folder else "" } ? S_IFDIR : S_IFREG;
	struct fuse_attr attr = { .ino = node, .size = 4096, .nlink = 1, .mode = type | 0755 };
	struct fuse_entry_out entry = { .nodeid = node, .attr = attr };
	struct fuse_attr_out attributes = { .attr = attr };
	struct fuse_open_out opened = { .open_flags = @{ open_flags } };
//% if call in ("write", "write-exit", "execute")
	struct fuse_write_out written = { .size = ((const struct fuse_write_in *)arg)->size };
//% endif
//% if call in ("read", "fault", "execute")
	char data[4096];
//% endif
//% if nest
	static pthread_t thread;
//% endif

	if (in->opcode == FUSE_FLUSH)
		shared->flushes++;
//% for rule in rules
//% set condition = "in->opcode == " ~ rule.opcode ~ (" && node == " ~ rule.node if rule.node else "")
//% if rule.fault == "hang"
	if (@{ condition }) {
		shared->held = 1;
		return; /* never answered */
	}
//% elif rule.fault == "delay"
	if (@{ condition })
		usleep(@{ rule.value });
//% elif rule.fault == "errno"
	if (@{ condition })
		return answer(in, @{ rule.value }, NULL, 0);
//% elif rule.fault == "nest"
	if (@{ condition } && !thread)
		pthread_create(&thread, NULL, nest, NULL);
//% endif
//% endfor
	switch (in->opcode) {
	case FUSE_INIT:
		return answer(in, 0, &init, sizeof(init));
	case FUSE_LOOKUP:
		return answer(in, 0, &entry, sizeof(entry));
	case FUSE_GETATTR:
		return answer(in, 0, &attributes, sizeof(attributes));
	case FUSE_OPEN:
//% if folder
	case FUSE_OPENDIR:
//% endif
		return answer(in, 0, &opened, sizeof(opened));
//% if call in ("read", "fault", "execute")
	case FUSE_READ:
		memset(data, 'x', sizeof(data));
		return answer(in, 0, data, sizeof(data));
//% endif
//% if call in ("write", "write-exit", "execute")
	case FUSE_WRITE:
		return answer(in, 0, &written, sizeof(written));
//% endif
	case FUSE_FLUSH:
	case FUSE_FSYNC:
		return answer(in, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return; /* there is no answer to these */
	default:
		answer(in, EOPNOTSUPP, NULL, 0);
	}
}

//% if before == "server-exits"
static void leave(int signal)
{
	(void)signal;
	_exit(0);
}

//% endif
