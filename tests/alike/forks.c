/* SPDX-License-Identifier: ISC */
/* As a shell does it: files opened and closed between very many forks. */
#include "t.h"

#define TIMES 1200

int
main(void)
{
	int done;

	for (done = 0; done < TIMES; done++) {
		int fd = open("some", O_RDWR | O_CREAT, 0600), status = -1;
		pid_t pid;

		if (fd < 0 || close(fd))
			break;
		pid = fork();
		if (pid == 0)
			_exit(done % 100);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != done % 100)
			break;
	}
	printf("%d: %s\n", done, done < TIMES ? error_name(errno) : "all");
	unlink("some");
	return 0;
}
