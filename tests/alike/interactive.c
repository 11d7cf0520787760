/* SPDX-License-Identifier: ISC */
/*
 * Programs at a terminal: shells with job control, an editor, a pager, typed to
 * through a pty.  All that they write is the same, or one of the two is wrong.
 */
#include "t.h"
#include <stdbool.h>
#include <termios.h>

#define PATIENCE_MS 30000

static int master;
static char seen[200000];
static size_t seen_bytes, looked;

static void
start(char *const argv[])
{
	struct winsize w = { 24, 80, 0, 0 };
	char name[40];
	pid_t pid;
	int fd;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	ptsname_r(master, name, sizeof(name));
	ioctl(master, TIOCSWINSZ, &w);
	seen_bytes = looked = 0;
	pid = fork();
	if (pid)
		return;
	close(master);
	setsid();
	fd = open(name, O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	execvp(argv[0], argv);
	_exit(127);
}

static void
print(const char *what, const char *bytes, size_t n)
{
	printf("%s: ", what);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];
		bool digit = c >= '0' && c <= '9';

		/* [1] 4711: a job's process id */
		if (digit && i >= 2 && memcmp(bytes + i - 2, "] ", 2) == 0)
			for (; i + 1 < n && bytes[i + 1] >= '0' && bytes[i + 1] <= '9'; c = 'P')
				i++;
		if (c == '\n')
			printf("\n    ");
		else if (c != '\r' && (c < 32 || c > 126))
			printf("\\%02x", c);
		else if (c != '\r')
			putchar(c);
	}
	putchar('\n');
	fflush(stdout);
}

static bool
more(int ms)
{
	struct pollfd p = { master, POLLIN, 0 };
	long n;

	if (poll(&p, 1, ms) <= 0)
		return false;
	n = read(master, seen + seen_bytes, sizeof(seen) - seen_bytes);
	if (n <= 0)
		return false;
	seen_bytes += (size_t)n;
	return true;
}

/* Up to and with the text; what comes behind it is kept. */
static void
until(const char *text)
{
	for (;;) {
		char *found = memmem(seen + looked, seen_bytes - looked, text, strlen(text));

		if (found) {
			size_t end = (size_t)(found - seen) + strlen(text);

			print("saw", seen + looked, end - looked);
			looked = end;
			return;
		}
		if (!more(PATIENCE_MS)) {
			print("never", text, strlen(text));
			print("but", seen + looked, seen_bytes - looked);
			exit(1);
		}
	}
}

static void
type(const char *text)
{
	write(master, text, strlen(text));
}

static void
ask(const char *text, const char *answer)
{
	type(text);
	until(answer);
}

static void
end(void)
{
	int status = -1;

	while (more(PATIENCE_MS))
		;
	print("end", seen + looked, seen_bytes - looked);
	wait(&status);
	printf("status %x\n", status);
	close(master);
}

/* ---- shells ---- */

/* Until the terminal is a command's and not the shell's any more; a while longer, for it to begin. */
static void
in_front(pid_t shell)
{
	for (int ms = 0; ms < PATIENCE_MS && tcgetpgrp(master) == shell; ms += 10)
		usleep(10000);
	usleep(100000);
}

static void
jobs(void)
{
	pid_t shell;

	ask("tty | sed 's/[0-9]*$/N/'\r", "pts/N\r\n");
	until("$ ");
	ask("stty size; stty -a\r", "echoctl");
	until("$ ");
	ask("ec\177cho edited\r", "\nedited\r\n");
	until("$ ");
	shell = tcgetpgrp(master);
	type("sleep 100\r");
	until("100\r\n");
	in_front(shell);
	ask("\032", "$ ");
	type("fg\r");
	until("sleep 100\r\n");
	in_front(shell);
	ask("\003", "$ ");
	ask("echo $?\r", "\n130\r\n");
	until("$ ");
	/* Only when it runs is the terminal the program's and no longer the shell's. */
	ask("echo go''ing; cat\r", "\ngoing\r\n");
	ask("line\r", "line\r\nline\r\n");
	ask("\004", "$ ");
	ask("cat & sleep 0.3\r", "$ ");
	ask("kill -9 %1; sleep 0.2\r", "$ ");
	ask("wait; echo waited\r", "\nwaited\r\n");
	until("$ ");
	ask("(sleep 0.1; echo from behind) & wait\r", "\nfrom behind\r\n");
	until("$ ");
	ask("stty -echo; echo go''ing; read x; stty echo; echo \"[$x]\"\r", "\ngoing\r\n");
	ask("hidden\r", "[hidden]\r\n");
	until("$ ");
	type("exit 5\r");
	end();
}

static void
busybox_shell(void)
{
	/* It asks where the cursor is. */
	start((char *[]){ "sh", "-i", NULL });
	until("$ ");
	jobs();
}

static void
bash(void)
{
	FILE *f = fopen("inputrc", "w");

	fprintf(f, "set enable-bracketed-paste off\n");
	fclose(f);
	setenv("INPUTRC", "inputrc", 1);
	setenv("TERM", "dumb", 1);	/* what else the host knows of the guest does not */
	start((char *[]){ "bash", "--norc", "--noprofile", "-i", NULL });
	until("$ ");
	ask("echo one two\r", "\none two\r\n");
	until("$ ");
	ask("echo \022one\r", "\none two\r\n");
	until("$ ");
	ask("mkdir complete; : >complete/unique_name\r", "$ ");
	ask("echo complete/uni\t\r", "\ncomplete/unique_name\r\n");
	until("$ ");
	ask("abc\001\013echo x\002\002\002\002\002\002y\005z\r", "z\r\n");
	until("$ ");
	jobs();
	setenv("TERM", "vt100", 1);
}

/* ---- full screens ---- */

static void
vi(void)
{
	start((char *[]){ "vi", "text", NULL });
	until("~");
	usleep(100000);
	type("ifirst line\rsecond\rthird\033");
	usleep(400000);
	type("kdd");
	usleep(100000);
	type("P:wq\r");
	end();
	start((char *[]){ "cat", "text", NULL });
	end();
}

static void
less(void)
{
	FILE *f = fopen("numbers", "w");

	for (int i = 1; i <= 100; i++)
		fprintf(f, "number %d\n", i);
	fclose(f);
	start((char *[]){ "less", "numbers", NULL });
	until("number 23");
	usleep(100000);
	ask(" ", "number 46");
	usleep(100000);
	ask("G", "number 100");
	usleep(100000);
	ask("/r 55\r", "number 77");
	usleep(100000);
	ask("b", "number 40");
	usleep(100000);
	type("q");
	end();
}

int
main(void)
{
	alarm(300);
	setenv("TERM", "vt100", 1);
	setenv("PS1", "$ ", 1);
	setenv("HISTFILE", "/dev/null", 1);
	busybox_shell();
	bash();
	vi();
	less();
	return 0;
}
