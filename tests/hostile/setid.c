/* SPDX-License-Identifier: ISC */
/*
 * Set-id programs asked for behind the library's back: by who may not, with
 * what is not the asker's, by who is gone at once; and written while the bits are on.
 */
#define _GNU_SOURCE
#define CHECK_NAME "setid"
#include "client.h"

static char *self_path;

static void
ask_fill(struct setid_ask *ask, uint32_t fd, uint32_t object, uint32_t slot)
{
	*ask = (struct setid_ask){ .cwd = 1, .path = "/tmp/rootly" };
	for (unsigned n = 0; n < 3; n++)
		ask->fd[n] = fd;
	for (unsigned n = 0; n < GIFTS; n++) {
		ask->gift[n].object = object;
		ask->gift[n].slot = slot;
	}
	memcpy(comm(), ask, sizeof(*ask));
}

/* An object of our own for arguments; its id, and keys in two slots. */
static long
object_own(uint64_t place)
{
	int p[2];

	CHECK(pipe(p) == 0);		/* now there is a page table for objects */
	return request(OP_OBJECT_NEW, 2, FREE_SLOT, FREE_SLOT + 1, place, EXO_R | EXO_W);
}

static long
setid_ask(uint32_t ino, uint64_t argc, uint64_t bytes)
{
	long pid = request(OP_EXEC_SETID, ino, argc, bytes, 0, 0);

	if (pid > 0) {
		int status;

		/* It ends: with what it is, or killed for what it was given. */
		CHECK(waitpid((pid_t)pid, &status, 0) == pid);
		CHECK(note[2] == 0);
	}
	return pid;
}

static void
setid_asked(void)
{
	const uint64_t place = EXOS_OBJECTS + 300 * PAGE;
	struct setid_ask ask;
	uint32_t ino, plain, script;
	long object;

	become(NOBODY);
	CHECK(node_of("/tmp/rootly", &ino) && node_of("/tmp/plain", &plain) &&
		node_of("/tmp/script", &script));
	/* Objects that are not ours, by keys that are not theirs. */
	for (uint32_t id = 0; id < 20; id++) {
		for (uint32_t slot = 0; slot < 8; slot++) {
			ask_fill(&ask, SETID_PIPE, id, slot);
			CHECK(request(OP_EXEC_SETID, ino, 1, 10, 0, 0) < 0);
		}
	}
	object = object_own(place);
	CHECK(object >= 0);
	ask_fill(&ask, SETID_CLOSED, (uint32_t)object, FREE_SLOT);
	CHECK(request(OP_EXEC_SETID, plain, 1, 10, 0, 0) < 0);
	CHECK(request(OP_EXEC_SETID, ~0ull, 1, 10, 0, 0) < 0);
	/* Arguments without an end, without number, longer than what they lie in, of none. */
	memset((void *)(base + place), 'x', 2 * PAGE);
	for (unsigned n = 0; n < 6; n++) {
		static const uint64_t argc[] = { 1, ~0ull, 1ull << 32, 0, 5, 2 };
		static const uint64_t size[] = { 2 * PAGE, 2 * PAGE, 3 * PAGE, 0, ~0ull, PAGE };

		ask_fill(&ask, n & 1 ? 77 : SETID_CLOSED, (uint32_t)object, FREE_SLOT);
		ask.path[0] = 0;
		setid_ask(ino, argc[n], size[n]);
	}
	/* No argument at all, and as many strings as come to two when they are added up. */
	CHECK(request(OP_EXEC_SETID, ino, 1ull << 32, PAGE, 0, 0) < 0);
	CHECK(request(OP_EXEC_SETID, ino, 0x8000000180000001, PAGE, 0, 0) < 0);
	CHECK(request(OP_EXEC_SETID, ino, 0xffffffff00000003, PAGE, 0, 0) < 0);
	/* A script of root's has no bits. */
	memcpy((void *)(base + place), "script\0", 7);
	ask_fill(&ask, SETID_CLOSED, (uint32_t)object, FREE_SLOT);
	setid_ask(script, 1, 7);
	CHECK(note[2] == 0);
	_exit(failed != 0);
}

/* The asker is gone before the other has begun. */
static void
setid_left(void)
{
	const uint64_t place = EXOS_OBJECTS + 300 * PAGE;
	struct setid_ask ask;
	uint32_t ino = 0;
	long object;

	become(NOBODY);
	node_of("/tmp/rootly", &ino);
	object = object_own(place);
	memcpy((void *)(base + place), "rootly\0wait\0", 12);
	ask_fill(&ask, SETID_CLOSED, (uint32_t)object, FREE_SLOT);
	note[1] = (uint64_t)request(OP_EXEC_SETID, ino, 2, 12, 0, 0);
	exo_env_destroy(exo_self(), SIGKILL, KEY_SELF);
}

static bool
ends(uint32_t pid)
{
	PATIENTLY (row_of(pid))
		usleep(2000);
	return row_of(pid) == NULL;
}

/* ---- what became root altogether ----------------------------------------------------------- */

static const volatile struct sh_proc *
program_of(pid_t carrier)
{
	const volatile struct sh_proc *row =
		(const volatile struct sh_proc *)((uint64_t)shared + shared->procs_off);

	for (unsigned n = 0; n < SH_PROCS; n++)
		if (row[n].pid && row[n].ppid == (uint32_t)carrier)
			return &row[n];
	return NULL;
}

#define LOOKS 20u

/*
 * Who carries for it; NULL: it did not come so far.  A row that the server is filling shows what is not so yet, or
 * was its last owner's, and what it showed is taken back where the server ends: looks count while it is at rest.
 */
static const volatile struct sh_proc *
started(const char *mode, uint32_t uid, pid_t *carrier)
{
	const volatile struct sh_proc *program = NULL;
	unsigned looks = 0;

	*carrier = fork();
	if (*carrier == 0) {
		execl("/tmp/rootly", "rootly", mode, NULL);
		_exit(97);
	}
	PATIENTLY (looks < LOOKS) {
		usleep(1000);
		program = program_of(*carrier);
		if (!program || program->state != PROC_RUNNING || program->vforked ||
			program->uid != uid)
			looks = 0;
		else
			looks += shared->busy_on == 0;
	}
	return looks < LOOKS ? NULL : program;
}

static bool
runs_on(const volatile struct sh_proc *program, uint32_t pid)
{
	usleep(20000);
	return program->pid == pid && program->state == PROC_RUNNING;
}

/* Its user can no more stop or end it by who carries for it than by itself. */
static void
setid_full(void)
{
	const volatile struct sh_proc *program;
	pid_t carrier;
	uint32_t pid;

	become(NOBODY);
	program = started("full", 0, &carrier);
	if (!CHECK(program))
		_exit(1);
	note[6] = pid = program->pid;
	CHECK(kill((pid_t)pid, SIGTERM) < 0 && kill(carrier, SIGTERM) == 0);
	CHECK(runs_on(program, pid));
	CHECK(kill(carrier, SIGSTOP) == 0 && runs_on(program, pid) && kill(carrier, SIGCONT) == 0);
	CHECK(kill(carrier, SIGKILL) == 0 && waitpid(carrier, NULL, 0) == carrier);
	CHECK(runs_on(program, pid));
	_exit(failed != 0);
}

/* One that is still its user's ends with it, and root ends both. */
static void
setid_carried(void)
{
	const volatile struct sh_proc *program;
	pid_t carrier;
	uint32_t pid;

	become(NOBODY);
	program = started("wait", NOBODY, &carrier);
	if (!CHECK(program))
		_exit(1);
	pid = program->pid;
	CHECK(kill(carrier, SIGKILL) == 0 && ends(pid));
	program = started("full", 0, &carrier);
	if (!CHECK(program))
		_exit(1);
	note[6] = program->pid;
	note[7] = (uint64_t)carrier;
	CHECK(ends((uint32_t)note[6]));
	_exit(failed != 0);
}

static void
setid_reached(void)
{
	int status;
	pid_t pid;

	CHECK(in_child(setid_full) == 0);
	CHECK(note[6] && kill((pid_t)note[6], SIGKILL) == 0);
	CHECK(ends((uint32_t)note[6]));
	note[7] = 0;
	pid = fork();
	if (pid == 0)
		setid_carried();
	PATIENTLY (note[7] == 0)
		usleep(1000);
	CHECK(note[7] && kill((pid_t)note[7], SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Whoever may write a file cannot write one with the bits on, by no old or new mapping. */
static void
setid_written(void)
{
	char *map;
	int fd, status, p[2];
	pid_t pid;
	char byte;

	file_make("/tmp/group", 0660, "group's");
	CHECK(chown("/tmp/group", 0, 77) == 0 && pipe(p) == 0);
	note[20] = 0;
	pid = fork();
	if (pid == 0) {
		uint32_t ino;
		const volatile struct fs_inode *node = node_of("/tmp/group", &ino);

		if (setresgid(77, 77, 77) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(99);
		fd = open("/tmp/group", O_RDWR);
		map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		map[0] = 'G';
		note[20] = 1;
		CHECK(read(p[0], &byte, 1) == 1);
		CHECK(!frame_opens(node->map, EXO_MAP_WRITE));
		CHECK(node->mode & S_ISUID);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		if (fork() == 0) {
			*(volatile char *)map = 'X';
			_exit(0);
		}
		wait(NULL);
		CHECK(pread(fd, &byte, 1, 0) == 1 && (!(node->mode & S_ISUID) || byte != 'X'));
		CHECK(pwrite(fd, "Y", 1, 0) == 1 && !(node->mode & S_ISUID));
		_exit(failed != 0);
	}
	PATIENTLY (!note[20])
		nap(2);
	CHECK(chmod("/tmp/group", 04770) == 0);
	CHECK(write(p[1], "", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	if (status)
		printf("status %x\n", (unsigned)status);
	unlink("/tmp/group");
}

static void
attacks(void)
{
	int fd;

	copy(self_path, "/tmp/rootly", 04755);
	copy(self_path, "/tmp/plain", 0755);
	fd = open("/tmp/script", O_WRONLY | O_CREAT, 0755);
	CHECK(write(fd, "#!/tmp/plain rooted\n", 20) == 20);
	close(fd);
	chmod("/tmp/script", 06755);
	note[2] = 0;
	CHECK(in_child(setid_asked) == 0);
	in_child(setid_left);
	CHECK((long)note[1] > 0 && ends((uint32_t)note[1]));
	setid_reached();
	setid_written();
	unlink("/tmp/rootly");
	unlink("/tmp/plain");
	unlink("/tmp/script");
}

/* Run by the attacks, it says by note[2] or its end who it is. */
int
main(int argc, char **argv)
{
	if (!CHECK(client_begin()))
		return summary();
	self_path = argv[0];
	if (argc > 1 && strcmp(argv[1], "full") == 0 && setresuid(0, 0, 0))
		return 1;
	if (argc > 1 && (strcmp(argv[1], "wait") == 0 || strcmp(argv[1], "full") == 0))
		for (;;)
			pause();
	if (argc > 1 && strcmp(argv[1], "rooted") == 0)
		return geteuid() == 0 ? 1 : 0;
	if (geteuid() == 0 && getuid() != 0)
		return 0;
	attacks();
	return summary();
}
