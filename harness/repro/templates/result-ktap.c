int main(int argc, char **argv)
{
	const char *outcome;
	int failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..1\n");
	outcome = reproduce(argc > 1 && !strcmp(argv[1], "--keep"));
	if (!outcome) {
		printf("ok 1 @{ name } # SKIP for want of %s\n", missing);
		return 4; /* KSFT_SKIP */
	}
//% if xfail
	if (!strcmp(outcome, "@{ want }")) {
		printf("ok 1 @{ name } # XFAIL %s\n", outcome);
		return 0;
	}
//% set passes = "released"
//% else
//% set passes = want
//% endif
	failed = strcmp(outcome, "@{ passes }") != 0;
	printf("%sok 1 @{ name }: %s\n", failed ? "not " : "", outcome);
	return failed;
}
