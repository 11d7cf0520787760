/* SPDX-License-Identifier: ISC */
/*
 * Users against each other: somebody who is nobody tries to read and change
 * what is root's, to become root, and to command root's processes, by every
 * way that there is: Linux's, the server's, the kernel's.
 */
#define _GNU_SOURCE
#define CHECK_NAME "users"
#include "client.h"

static char *self_path;

/* ---- reading what is root's ------------------------------------------------------------- */

static void
secret_tried(void)
{
	/* Of root's process, which has it open as descriptor 40. */
	const char *his[] = { "fd/40", "environ", "mem", "maps", "auxv", "cwd/secret",
		"root/tmp/secret", "task/../fd/40", "fdinfo/40" };
	const char *names[] = { "/tmp/secret", "/tmp/link", "/proc/self/root/tmp/secret" };
	uint32_t ino;
	const volatile struct fs_inode *node = node_of("/tmp/secret", &ino);
	uint64_t size = node->size;
	char byte;

	for (unsigned n = 0; n < 3; n++)
		CHECK(open(names[n], O_RDONLY) < 0 && open(names[n], O_WRONLY) < 0);
	for (unsigned n = 0; n < sizeof(his) / sizeof(his[0]); n++) {
		char name[80];
		int fd;

		snprintf(name, sizeof(name), "/proc/%u/%s", (unsigned)note[5], his[n]);
		fd = open(name, O_RDONLY);
		if (!CHECK(fd < 0 || read(fd, &byte, 1) <= 0))
			printf("%s\n", name);
		close(fd);
	}
	CHECK(truncate("/tmp/secret", 0) < 0 && chmod("/tmp/secret", 0666) < 0);
	CHECK(chown("/tmp/secret", NOBODY, NOBODY) < 0 && rename("/tmp/secret", "/tmp/mine") < 0);
	CHECK(open("/tmp/secret", O_PATH) < 0 || read(open("/tmp/secret", O_PATH), &byte, 1) < 0);
	CHECK(!frame_opens(node->map, EXO_MAP_READ));
	CHECK(!frame_opens(node->map, EXO_MAP_WRITE));
	CHECK(!frame_opens(node->map, EXO_MAP_EXEC));
	CHECK(!frame_is_bound(node->map));
	CHECK(exo_frame_guard(node->map, 1, 0, KEY_SELF, 0) < 0);
	CHECK(exo_frame_release(node->map, 1, KEY_SELF) < 0);
	CHECK(exo_frame_mark(node->map, 1, EXO_FRAME_PUBLIC, 0, KEY_SELF) < 0);
	for (exo_slot slot = 0; slot < 64; slot++) {
		CHECK(request(OP_FS_KEY, ino, EXO_R, slot, 0, 0) < 0);
		CHECK(request(OP_FS_EXTEND, ino, 0, 10, slot, 0) < 0);
		CHECK(request(OP_FS_TRUNCATE, ino, 0, slot, 0, 0) < 0);
		CHECK(request(OP_FS_SETATTR, ino, SETATTR_MTIME, 5, 5, slot) < 0);
		CHECK(request(OP_FS_SETATTR, ino, SETATTR_UNSETID, 0, 0, slot) < 0);
	}
	CHECK(request(OP_FS_SETATTR, ino, SETATTR_MODE, 0666, 0, 0) < 0);
	CHECK(request(OP_FS_SETATTR, ino, SETATTR_UID, 0, NOBODY, 0) < 0);
	CHECK(node->size == size && (node->mode & 07777) == 0600 && node->uid == 0);
}

/* A root that has read it, so that the library has it in its windows, becomes nobody. */
static void
secret_after_reading(void)
{
	char text[16];
	int fd = open("/tmp/secret", O_RDONLY);

	CHECK(read(fd, text, sizeof(text)) > 0);
	close(fd);
	close(40);
	become(NOBODY);
	secret_tried();
	_exit(failed != 0);
}

static void
secret_after_exec(void)
{
	close(40);
	become(NOBODY);
	execl(self_path, self_path, "tries", NULL);
	_exit(98);
}

static void
reading(void)
{
	int fd;

	file_make("/tmp/secret", 0600, "a secret");
	symlink("secret", "/tmp/link");
	note[5] = (uint64_t)getpid();
	fd = open("/tmp/secret", O_RDONLY);
	CHECK(dup2(fd, 40) == 40 && close(fd) == 0 && chdir("/tmp") == 0);
	CHECK(in_child(secret_after_reading) == 0);
	CHECK(in_child(secret_after_exec) == 0);
	close(40);
	unlink("/tmp/link");
	unlink("/tmp/secret");
}

/* What was opened before is read by its descriptor, and nothing else of the kind. */
static void
one_file_only(void)
{
	uint32_t ino, other;
	const volatile struct fs_inode *node, *second;
	char text[8] = "";
	int fd = open("/tmp/one", O_RDONLY);

	become(NOBODY);
	node = node_of("/tmp/one", &ino);
	second = node_of("/tmp/two", &other);
	CHECK(read(fd, text, 3) == 3 && memcmp(text, "one", 3) == 0);
	CHECK(frame_opens(node->map, EXO_MAP_READ));
	CHECK(!frame_opens(node->map, EXO_MAP_WRITE));
	CHECK(!frame_opens(second->map, EXO_MAP_READ));
	close(fd);
	CHECK(!frame_opens(node->map, EXO_MAP_READ));
	_exit(failed != 0);
}

static void
keeping(void)
{
	file_make("/tmp/one", 0600, "one");
	file_make("/tmp/two", 0600, "two");
	CHECK(in_child(one_file_only) == 0);
	unlink("/tmp/one");
	unlink("/tmp/two");
}

/* ---- becoming root --------------------------------------------------------------------------- */

static void
ids_asked_for(void)
{
	become(NOBODY);
	for (uint64_t op = 0; op < 40; op++) {
		if (op == CRED_EXEC || op == CRED_FLAG || op == CRED_DEATHSIG || op == CRED_PERSONA)
			continue;
		memset(comm(), 0, 128);
		request(OP_CRED, op, 0, 0, 0, 0);
		request(OP_CRED, op, 1, ~0ull, ~0ull, 0);
		CHECK(getuid() == NOBODY && geteuid() == NOBODY && getgid() == NOBODY);
	}
	request(OP_CRED, CRED_FLAG, ~0ull, 1, 0, 0);
	request(OP_CRED, CRED_EXEC, 0, 0, 0, 0);
	CHECK(getuid() == NOBODY && geteuid() == NOBODY && getegid() == NOBODY);
	CHECK(syscall(SYS_getgroups, 0, NULL) == 0);
	CHECK(open("/tmp/secret", O_RDONLY) < 0 && setuid(0) < 0 && seteuid(0) < 0);
	CHECK(request(OP_GIFT, 0, FREE_SLOT, FREE_SLOT + 1, EXOS_OBJECTS + (64u << 20), 0) < 0);
	CHECK(request(OP_GIFT, ~0ull, FREE_SLOT, FREE_SLOT + 1, EXOS_OBJECTS, 0) < 0);
	_exit(failed != 0);
}

/* Root that keeps its keys where they are and says that it is another: nothing but its own lie. */
static void
keys_not_dropped(void)
{
	request(OP_CRED, CRED_SETRESUID, NOBODY, NOBODY, NOBODY, 0);
	request(OP_CRED, CRED_SETRESUID, 0, 0, 0, 0);
	request(OP_CRED, CRED_SETGROUPS, 1ull << 40, 0, 0, 0);
	CHECK(getuid() == NOBODY);
	_exit(failed != 0);
}

static void
becoming(void)
{
	file_make("/tmp/secret", 0600, "a secret");
	CHECK(in_child(ids_asked_for) == 0);
	CHECK(in_child(keys_not_dropped) == 0);
	unlink("/tmp/secret");
}

/* ---- commanding root's processes ------------------------------------------------------------------ */

static pid_t victim;

static void
commands(void)
{
	const uint32_t pid = (uint32_t)victim;

	become(NOBODY);
	for (int sig = 0; sig <= 64; sig++)
		if (sig != SIGCONT)
			CHECK(kill(victim, sig) < 0);
	CHECK(request(OP_KILL, pid, SIGKILL, 99, 0, 0) < 0);
	for (unsigned n = 0; n < 20; n++)
		CHECK(request(OP_LIMIT, pid, n, 0, 0, 0) < 0 &&
			request(OP_LIMIT, 1, n, 0, 0, 0) < 0);
	for (unsigned n = 0; n < 5; n++)
		CHECK(request(OP_PRIORITY, n, PRIO_PROCESS, pid, 19, 0) < 0);
	CHECK(request(OP_PRIORITY, PRIORITY_NICE, 77, pid, 19, 0) < 0);
	CHECK(request(OP_PRIORITY, PRIORITY_POLICY, PRIO_PROCESS, 0, 1, 0) < 0);
	CHECK(request(OP_HOSTNAME, 0, 4, 0, 0, 0) < 0 &&
		request(OP_HOSTNAME, 1, ~0ull, 0, 0, 0) < 0);
	CHECK(request(OP_SETPGID, pid, 0, 0, 0, 0) < 0 && request(OP_REAP, pid, 0, 0, 0, 0) < 0);
	CHECK(exo_env_destroy(row_of(pid)->env, 0, KEY_SELF) < 0);
	CHECK(exo_post(row_of(pid)->env, 1, KEY_SELF) < 0);
	CHECK(exo_account_reap(row_of(pid)->account, 1, KEY_SELF) < 0);
	kill(-1, SIGTERM);
	_exit(failed != 0);
}

static void
commanding(void)
{
	int status;

	victim = fork();
	if (victim == 0)
		for (;;)
			pause();
	CHECK(in_child(commands) == 0);
	CHECK(waitpid(victim, &status, WNOHANG) == 0);
	kill(victim, SIGKILL);
	waitpid(victim, &status, 0);
}

/* ---- taking what there is --------------------------------------------------------------------------- */

/* As many guards of files' own as it gets: others can still make files of new kinds. */
static void
guards_taken(void)
{
	char name[40];
	unsigned got = 0;

	become(NOBODY);
	for (unsigned n = 0; n < 1500; n++) {
		int fd;

		snprintf(name, sizeof(name), "/tmp/guards/%u", n);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0);
		if (fd >= 0)
			got++;
	}
	CHECK(got > 100);
	note[3] = 1;
	while (note[3] == 1)
		usleep(1000);
}

static void
taking(void)
{
	struct rlimit many = { 4096, 4096 };
	char name[40];
	pid_t pid;
	int fd;

	mkdir("/tmp/guards", 0777);
	chmod("/tmp/guards", 0777);
	note[3] = 0;
	setrlimit(RLIMIT_NOFILE, &many);
	pid = fork();
	if (pid == 0) {
		guards_taken();
		_exit(failed != 0);
	}
	PATIENTLY (note[3] == 0)
		usleep(1000);
	for (mode_t mode = 0600; mode < 0700; mode += 011) {
		fd = open("/tmp/other", O_RDWR | O_CREAT | O_EXCL, mode);
		CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0 &&
			unlink("/tmp/other") == 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (unsigned n = 0; n < 1500; n++) {
		snprintf(name, sizeof(name), "/tmp/guards/%u", n);
		unlink(name);
	}
	rmdir("/tmp/guards");
}

/* Keys to single files, by as many processes as it takes to have all: root's files stay open. */
#define TAKERS 10u

static void
keys_take(unsigned taker)
{
	char name[40];

	become(NOBODY);
	for (unsigned n = 0; n < 120; n++) {
		int fd;

		/* A mode that lets nobody: so each has a key of its own. */
		snprintf(name, sizeof(name), "/tmp/keys/%u-%u", taker, n);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0);
		note[4] += fd >= 0 && write(fd, "x", 1) == 1;
		unlink(name);
	}
	note[3]++;
	for (;;)
		pause();
}

static void
keeps_open(void)
{
	char byte;
	int fd = open("/tmp/secret", O_RDONLY);

	become(NOBODY);
	CHECK(read(fd, &byte, 1) == 1);
	_exit(failed != 0);
}

static void
keys(void)
{
	pid_t taker[TAKERS];

	mkdir("/tmp/keys", 0777);
	chmod("/tmp/keys", 0777);
	file_make("/tmp/secret", 0600, "a secret");
	note[3] = note[4] = 0;
	for (unsigned n = 0; n < TAKERS; n++) {
		taker[n] = fork();
		if (taker[n] == 0)
			keys_take(n);
		PATIENTLY (note[3] <= n)
			usleep(1000);
	}
	CHECK(note[3] == TAKERS && note[4] > 500);
	CHECK(in_child(keeps_open) == 0);
	for (unsigned n = 0; n < TAKERS; n++) {
		kill(taker[n], SIGKILL);
		waitpid(taker[n], NULL, 0);
	}
	unlink("/tmp/secret");
	CHECK(rmdir("/tmp/keys") == 0);
}

/* Files of every mode that there is: others' files have modes, too. */
static void
modes_taken(void)
{
	char name[40];
	unsigned got = 0;

	become(NOBODY);
	umask(0);
	for (unsigned n = 0; n < 2048; n++) {
		int fd;

		snprintf(name, sizeof(name), "/tmp/modes/%u", n);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		got += fd >= 0 && fchmod(fd, (n & 0777) | (n & 03000) << 1) == 0;
		close(fd);
	}
	CHECK(got > 100);
	_exit(failed != 0);
}

static void
modes(void)
{
	char name[40];
	int fd;

	mkdir("/tmp/modes", 0777);
	chmod("/tmp/modes", 0777);
	CHECK(in_child(modes_taken) == 0);
	for (mode_t mode = 0; mode < 0100; mode += 5) {
		fd = open("/tmp/other", O_RDWR | O_CREAT | O_EXCL, mode);
		CHECK(fd >= 0 && write(fd, "x", 1) == 1 && fchown(fd, 7, 7) == 0 &&
			fchown(fd, 0, 9) == 0 && close(fd) == 0 && unlink("/tmp/other") == 0);
	}
	for (unsigned n = 0; n < 2048; n++) {
		snprintf(name, sizeof(name), "/tmp/modes/%u", n);
		unlink(name);
	}
	CHECK(rmdir("/tmp/modes") == 0);
}

/* As many processes as it gets: root can still make some. */
static void
bombing(void)
{
	unsigned made = 0;
	pid_t bomber, pid;
	int status;

	note[3] = 0;
	bomber = fork();
	if (bomber == 0) {
		become(NOBODY);
		while ((pid = fork()) > 0)
			made++;
		if (pid == 0)
			for (;;)
				pause();
		note[4] = made;
		note[3] = 1;
		for (;;)
			pause();
	}
	PATIENTLY (note[3] == 0)
		usleep(1000);
	CHECK(note[3] == 1 && note[4] > 50);
	for (int n = 0; n < 5; n++) {
		pid = fork();
		if (pid == 0) {
			execl(self_path, self_path, "plain", NULL);
			_exit(98);
		}
		if (!CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0))
			printf("pid %d, status %x\n", pid, (unsigned)status);
	}
	kill(bomber, SIGKILL);
	pid = fork();
	if (pid == 0) {
		setresuid(NOBODY, NOBODY, NOBODY);
		kill(-1, SIGKILL);
		_exit(0);
	}
	if (!CHECK(pid > 0 && waitpid(pid, &status, 0) == pid))
		return;
	CHECK(waitpid(bomber, &status, 0) == bomber && WIFSIGNALED(status));
}

static const struct {
	const char *name;
	void (*f)(void);
} attacks[] = {
	{ "reading", reading },
	{ "keeping", keeping },
	{ "becoming", becoming },
	{ "commanding", commanding },
	{ "taking", taking },
	{ "keys", keys },
	{ "modes", modes },
	{ "bombing", bombing },
};

int
main(int argc, char **argv)
{
	if (!CHECK(client_begin()))
		return summary();
	self_path = argv[0];
	if (argc > 1 && strcmp(argv[1], "tries") == 0) {
		note[5] = (uint64_t)getppid();
		secret_tried();
		return failed != 0;
	}
	if (argc > 1 && strcmp(argv[1], "plain") == 0)
		return 0;
	copy(self_path, "/tmp/users", 0755);	/* where nobody finds it, too */
	self_path = "/tmp/users";
	for (unsigned n = 0; n < sizeof(attacks) / sizeof(attacks[0]); n++)
		if (argc < 2 || strcmp(argv[1], attacks[n].name) == 0)
			attacks[n].f();
	return summary();
}
