/* SPDX-License-Identifier: ISC */
/* Users, groups, capabilities: who may become whom. */
#include "t.h"
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#define _LINUX_CAPABILITY_VERSION_3 0x20080522
#define CAP_KILL 5

struct __user_cap_header_struct {
	unsigned version;
	int pid;
};

struct __user_cap_data_struct {
	unsigned effective, permitted, inheritable;
};

static void
who(const char *what)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	printf("%s: %d %d %d fs %d, groups %d %d %d fs %d\n", what, (int)r, (int)e, (int)s,
		setfsuid(-1), (int)gr, (int)ge, (int)gs, setfsgid(-1));
	fflush(stdout);
}

/* A child that begins with these ids does one thing. */
static void
as(uid_t r, uid_t e, uid_t s, const char *what, void (*f)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		if (syscall(SYS_setresgid, r, e, s) || syscall(SYS_setresuid, r, e, s))
			_exit(99);
		f();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	printf("-- %s\n", what);
}

/* Straight to the kernel: the libraries have rules of their own for threads. */
#define ID(nr, ...) (say(#nr " " #__VA_ARGS__, syscall(nr, __VA_ARGS__)), who("then"))

static const int ids[] = { -1, 0, 1000, 2000, 3000 };
#define IDS (sizeof(ids) / sizeof(ids[0]))

static int numbers[3];
static int call;

static void
one_call(void)
{
	long result = syscall(call, numbers[0], numbers[1], numbers[2]);

	printf("%d(%d %d %d) ", call, numbers[0], numbers[1], numbers[2]);
	say("", result);
	who("  then");
}

/* Every call with every combination, from the states that matter. */
static void
matrix(void)
{
	static const uid_t from[][3] = { { 0, 0, 0 }, { 1000, 1000, 1000 }, { 1000, 0, 0 },
		{ 1000, 2000, 3000 }, { 0, 1000, 0 }, { 1000, 1000, 0 } };
	static const struct {
		int call, arguments;
	} calls[] = { { SYS_setuid, 1 }, { SYS_setreuid, 2 }, { SYS_setresuid, 3 },
		{ SYS_setfsuid, 1 }, { SYS_setgid, 1 }, { SYS_setregid, 2 }, { SYS_setfsgid, 1 } };

	for (size_t f = 0; f < sizeof(from) / sizeof(from[0]); f++) {
		printf("==== %d %d %d\n", (int)from[f][0], (int)from[f][1], (int)from[f][2]);
		fflush(stdout);
		for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
			size_t count = calls[c].arguments == 1 ? IDS
				: calls[c].arguments == 2      ? IDS * IDS
							       : 12;

			for (size_t n = 0; n < count; n++) {
				size_t k = calls[c].arguments == 3 ? n * 7 + f : n;
				pid_t pid;

				call = calls[c].call;
				numbers[0] = ids[k % IDS];
				numbers[1] = ids[k / IDS % IDS];
				numbers[2] = ids[k / IDS / IDS % IDS];
				pid = fork();
				if (pid == 0) {
					if (syscall(SYS_setresgid, from[f][0], from[f][1],
						    from[f][2]) ||
						syscall(SYS_setresuid, from[f][0], from[f][1],
							from[f][2]))
						_exit(99);
					one_call();
					_exit(0);
				}
				waitpid(pid, NULL, 0);
			}
		}
	}
}

static void
groups_list(const char *what)
{
	gid_t list[64];
	int n = getgroups(64, list);

	printf("%s: %d:", what, n);
	for (int i = 0; i < n; i++)
		printf(" %d", (int)list[i]);
	printf("\n");
	fflush(stdout);
}

static void
groups_as_user(void)
{
	gid_t list[2] = { 5, 6 };

	SAY(syscall(SYS_setgroups, 2, list));
	SAY(syscall(SYS_setgroups, 0, NULL));
	groups_list("inherited");
}

static void
groups(void)
{
	gid_t list[40] = { 7, 3, 11 };

	SAY(syscall(SYS_setgroups, 3, list));
	printf("%ld\n", syscall(SYS_getgroups, 0, NULL));
	SAY(syscall(SYS_getgroups, 2, list));
	SAY(syscall(SYS_getgroups, -1, list));
	SAY(syscall(SYS_setgroups, 70000, list));
	SAY(syscall(SYS_setgroups, -1, list));
	SAY(syscall(SYS_setgroups, 2, nowhere));
	SAY(syscall(SYS_getgroups, 40, nowhere));
	as(1000, 1000, 1000, "groups as user", groups_as_user);
	SAY(syscall(SYS_setgroups, 0, NULL));
	groups_list("none");
}

static void
caps_say(const char *what)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	const unsigned known = 0xff;	/* those that every Linux has, and this one is allowed */

	memset(data, 0, sizeof(data));
	say(what, syscall(SYS_capget, &head, data));
	printf("  e %x p %x i %x\n", data[0].effective & known, data[0].permitted & known,
		data[0].inheritable & known);
	fflush(stdout);
}

static void
caps_drop(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	data[0].permitted = 0xff;
	data[0].effective = 0x3f;
	SAY(syscall(SYS_capset, &head, data));
	caps_say("fewer");
	SAY(syscall(SYS_setuid, 1000));
	data[0].effective = 0x1ff;
	SAY(syscall(SYS_capset, &head, data));
	data[0].effective = 0x80;
	SAY(syscall(SYS_capset, &head, data));
	SAY(syscall(SYS_setuid, 1000));
	caps_say("user");
	data[0].permitted = 0xff;
	data[0].effective = 0;
	SAY(syscall(SYS_capset, &head, data));
}

static void
caps_kept(void)
{
	SAY(prctl(PR_GET_KEEPCAPS));
	SAY(prctl(PR_SET_KEEPCAPS, 1));
	SAY(prctl(PR_GET_KEEPCAPS));
	SAY(prctl(PR_SET_KEEPCAPS, 2));
	SAY(syscall(SYS_setuid, 1000));
	caps_say("kept");
}

static void
caps_effective(void)
{
	SAY(syscall(SYS_setresuid, -1, 1000, -1));
	caps_say("seteuid 1000");
	SAY(syscall(SYS_setresuid, -1, 0, -1));
	caps_say("and back");
	syscall(SYS_setfsuid, 1000);
	caps_say("setfsuid 1000");
	syscall(SYS_setfsuid, 0);
	caps_say("setfsuid 0");
}

static void
caps_none(void)
{
	caps_say("nobody");
	SAY(prctl(PR_CAPBSET_READ, CAP_KILL));
	SAY(prctl(PR_CAPBSET_READ, 63));
	SAY(prctl(PR_CAPBSET_DROP, CAP_KILL));
}

static void
caps(void)
{
	struct __user_cap_header_struct head = { 1, 0 };

	caps_say("root");
	SAY(syscall(SYS_capget, &head, NULL));
	printf("version %x\n", head.version);
	head.version = 1;
	SAY(syscall(SYS_capget, &head, &head));
	head.version = _LINUX_CAPABILITY_VERSION_3;
	head.pid = -1;
	SAY(syscall(SYS_capget, &head, &head));
	head.pid = 99999;
	SAY(syscall(SYS_capget, &head, &head));
	SAY(syscall(SYS_capset, &head, &head));
	as(0, 0, 0, "capset", caps_drop);
	as(0, 0, 0, "effective", caps_effective);
	as(0, 0, 0, "keepcaps", caps_kept);
	as(1000, 1000, 1000, "none", caps_none);
}

static void
flags_as_user(void)
{
	SAY(prctl(PR_GET_DUMPABLE));
	SAY(prctl(PR_SET_DUMPABLE, 1));
	SAY(prctl(PR_GET_DUMPABLE));
	SAY(prctl(PR_SET_DUMPABLE, 2));
	SAY(prctl(PR_SET_DUMPABLE, 0));
	SAY(prctl(PR_GET_DUMPABLE));
}

static void
flags(void)
{
	int signal = -1;

	SAY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	SAY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SAY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY(prctl(PR_SET_PDEATHSIG, 65));
	SAY(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	SAY(prctl(PR_GET_PDEATHSIG, &signal));
	printf("signal %d\n", signal);
	SAY(prctl(PR_GET_DUMPABLE));
	SAY(prctl(PR_GET_SECUREBITS));
	SAY(prctl(12345));
	as(1000, 1000, 1000, "dumpable", flags_as_user);
}

static void
flags_inherited(void)
{
	int signal = -1, sub = -1;

	SAY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY(prctl(PR_GET_PDEATHSIG, &signal));
	SAY(prctl(PR_SET_CHILD_SUBREAPER, 1));
	SAY(prctl(PR_GET_CHILD_SUBREAPER, &sub));
	printf("signal %d subreaper %d\n", signal, sub);
}

int
main(void)
{
	syscall(SYS_setgroups, 0, NULL);
	umask(022);
	who("begin");
	matrix();
	groups();
	caps();
	as(0, 0, 0, "flags", flags);
	as(0, 0, 0, "inherited", flags_inherited);
	return 0;
}
