/* SPDX-License-Identifier: ISC */
/*
 * Users against each other: somebody who is nobody tries to read and change
 * what is root's, to become root, and to command root's processes, by every
 * way that there is: Linux's, the server's, the kernel's.
 */
#define _GNU_SOURCE
#define CHECK_NAME "users"
#include <fcntl.h>
#include <stdbool.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <exo/lib.h>
#include <exo/read.h>
#include <server/proto.h>
#include <server/fsmeta.h>
#include "../linux/check.h"

#define PAGE EXO_PAGE_BYTES
#define NOBODY 65534
#define SLOTS 256u
#define FREE_SLOT 120u			/* of the key ring: the library takes the lowest free */

static uint64_t base;
static const volatile struct sh_info *shared;
static volatile uint64_t *note;		/* a page that parent and children share */
static char *self_path;

static long
request(uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct exo_msg m;
	long error;

	do {
		m = (struct exo_msg){ .rsi = op, .rdx = a, .r8 = b, .r9 = c, .rbx = d, .rbp = e };
		error = exo_call_once(shared->server, &m, 0);
	} while (error == -EXO_EBUSY);
	return error ? -1000 + error : (long)m.rsi;
}

static char *
comm(void)
{
	return (char *)(base + EXOS_COMM);
}

static const volatile struct fs_inode *
node_of(const char *path, uint32_t *ino)
{
	const volatile struct fs_super *super =
		(const volatile struct fs_super *)((const char *)(uint64_t)shared + shared->fs_off);
	struct stat s;

	if (stat(path, &s))
		return NULL;
	*ino = (uint32_t)s.st_ino;
	return (const volatile struct fs_inode *)((const char *)(uint64_t)shared +
		       super->inode_off) +
		s.st_ino;
}

static const volatile struct sh_proc *
row_of(uint32_t pid)
{
	const volatile struct sh_proc *row =
		(const volatile struct sh_proc *)((uint64_t)shared + shared->procs_off);

	for (unsigned n = 0; n < SH_PROCS; n++)
		if (row[n].pid == pid)
			return &row[n];
	return NULL;
}

static void
become(uid_t uid)
{
	if (syscall(SYS_setgroups, 0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(99);
}

static void
file_make(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (long)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

/* With none of the keys in the ring. */
static bool
frame_opens(exo_pfn pfn, uint32_t perms)
{
	static char place[PAGE] __attribute__((aligned(4096)));
	bool any = false;

	place[0] = 1;
	for (exo_slot slot = 0; slot < SLOTS && !any; slot++) {
		struct exo_map m = { .va = (uint64_t)place, .pfn = pfn, .op = EXO_OP_MAP | perms,
			.key = slot };

		any = exo_map(exo_self(), &m, 1, KEY_SELF) == 1;
	}
	return any;
}

/* Is it bound anywhere in the library's part of the address space? */
static bool
frame_is_bound(exo_pfn pfn)
{
	for (uint64_t va = base; va < base + EXOS_SHARED; va += PAGE) {
		if (!(exo_pte_at(va, 2) & EXO_PTE_PRESENT)) {
			va |= 0x1fffff & ~(PAGE - 1);
			continue;
		}
		if (exo_pte(va) & EXO_PTE_PRESENT && EXO_PTE_PFN(exo_pte(va)) == pfn)
			return true;
	}
	return false;
}

/* ---- reading what is root's ------------------------------------------------------------- */

static void
secret_tried(void)
{
	const char *names[] = { "/tmp/secret", "/tmp/link", "/proc/self/root/tmp/secret" };
	uint32_t ino;
	const volatile struct fs_inode *node = node_of("/tmp/secret", &ino);
	uint64_t size = node->size;
	char byte;

	for (unsigned n = 0; n < 3; n++)
		CHECK(open(names[n], O_RDONLY) < 0 && open(names[n], O_WRONLY) < 0);
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
	become(NOBODY);
	secret_tried();
	_exit(failed != 0);
}

static void
secret_after_exec(void)
{
	become(NOBODY);
	execl(self_path, self_path, "tries", NULL);
	_exit(98);
}

static void
reading(void)
{
	file_make("/tmp/secret", 0600, "a secret");
	symlink("secret", "/tmp/link");
	CHECK(in_child(secret_after_reading) == 0);
	CHECK(in_child(secret_after_exec) == 0);
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

/* ---- set-id programs --------------------------------------------------------------------------- */

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
	uint32_t ino;
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
	for (int n = 0; n < 500 && row_of(pid); n++)
		usleep(2000);
	return row_of(pid) == NULL;
}

static void
copy(const char *from, const char *to, mode_t mode)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	long n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		CHECK(write(out, bytes, (size_t)n) == n);
	close(in);
	close(out);
	CHECK(chmod(to, mode) == 0);
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
	pid = fork();
	if (pid == 0) {
		uint32_t ino;
		const volatile struct fs_inode *node = node_of("/tmp/group", &ino);

		if (setresgid(77, 77, 77) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(99);
		fd = open("/tmp/group", O_RDWR);
		map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		map[0] = 'G';
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
	usleep(20000);
	CHECK(chmod("/tmp/group", 04770) == 0);
	CHECK(write(p[1], "", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	if (status)
		printf("status %x\n", (unsigned)status);
	unlink("/tmp/group");
}

static void
setid(void)
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
	setid_written();
	unlink("/tmp/rootly");
	unlink("/tmp/plain");
	unlink("/tmp/script");
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
	for (int n = 0; n < 10000 && note[3] == 0; n++)
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
	for (int n = 0; n < 30000 && note[3] == 0; n++)
		usleep(1000);
	CHECK(note[3] == 1 && note[4] > 50);
	for (int n = 0; n < 5; n++) {
		pid = fork();
		if (pid == 0) {
			execl(self_path, self_path, "plain", NULL);
			_exit(98);
		}
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
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
	{ "setid", setid },
	{ "commanding", commanding },
	{ "taking", taking }, { "bombing", bombing },
};

int
main(int argc, char **argv)
{
	base = exo_gs_first() - EXOS_UAREA;
	shared = (const volatile struct sh_info *)(base + EXOS_SHARED);
	self_path = argv[0];
	if (argc > 1 && strcmp(argv[1], "tries") == 0) {
		secret_tried();
		return failed != 0;
	}
	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		for (;;)
			pause();
	if (argc > 1 && strcmp(argv[1], "plain") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "rooted") == 0)
		return geteuid() == 0 ? 1 : 0;
	if (geteuid() == 0 && getuid() != 0)
		return 0;
	copy(self_path, "/tmp/users", 0755);	/* where nobody finds it, too */
	self_path = "/tmp/users";
	note = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned n = 0; n < sizeof(attacks) / sizeof(attacks[0]); n++)
		if (argc < 2 || strcmp(argv[1], attacks[n].name) == 0)
			attacks[n].f();
	return summary();
}
