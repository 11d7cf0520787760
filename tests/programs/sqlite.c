/* SPDX-License-Identifier: ISC */
/*
 * sqlite DATABASE STATEMENT...: each in turn, rows as a|b|c.  `-` reads more
 * from standard input, a line each, so that others can do something between
 * two of them; `!` there: killed at once, as by a crash.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
row(void *unused, int columns, char **value, char **name)
{
	(void)unused, (void)name;
	for (int i = 0; i < columns; i++)
		printf("%s%s", i ? "|" : "", value[i] ? value[i] : "NULL");
	printf("\n");
	return 0;
}

static int
run(sqlite3 *db, const char *statement)
{
	char *why = NULL;
	int bad = sqlite3_exec(db, statement, row, NULL, &why);

	if (bad)
		printf("error %d: %s\n", bad, why);
	sqlite3_free(why);
	fflush(stdout);
	return bad != 0;
}

int
main(int argc, char **argv)
{
	char line[4096];
	sqlite3 *db;
	int bad = 0;

	if (argc < 2 || sqlite3_open(argv[1], &db))
		return 2;
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "-"))
			bad |= run(db, argv[i]);
	while (argc > 2 && !strcmp(argv[argc - 1], "-") && fgets(line, sizeof(line), stdin)) {
		if (line[0] == '!')
			kill(getpid(), SIGKILL);
		bad |= run(db, line);
	}
	return sqlite3_close(db) ? 3 : bad;
}
