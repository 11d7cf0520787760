/* SPDX-License-Identifier: ISC */
/*
 * What ExOS refuses, and how; docs/linux-calls.md refers to this.  Linux
 * serves much of it, so this one is not to be run there.
 */
#define _GNU_SOURCE 1
#define CHECK_NAME "refused"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <sys/time.h>
#include <time.h>
#include "check.h"

#define REFUSED(number, error, ...) CHECK(syscall(number, ##__VA_ARGS__) == -1 && errno == (error))

enum { MPOL_PREFERRED = 1, MPOL_BIND, MPOL_INTERLEAVE };

static char page[8192] __attribute__((aligned(4096)));
static struct iovec vec = { page, 1 };

static void
whole_calls(void)
{
	REFUSED(SYS_mbind, EINVAL, page, 4096, MPOL_BIND, 0, 0, 0);
	REFUSED(SYS_mbind, EINVAL, page, 4096, MPOL_PREFERRED, 0, 0, 0);
	REFUSED(SYS_set_mempolicy, EINVAL, MPOL_BIND, 0, 0);
	REFUSED(SYS_set_mempolicy, EINVAL, MPOL_PREFERRED, 0, 0);
	REFUSED(SYS_set_mempolicy, EINVAL, MPOL_INTERLEAVE, 0, 0);
	REFUSED(SYS_mbind, EINVAL, page, 4096, MPOL_INTERLEAVE, 0, 0, 0);
	REFUSED(SYS_migrate_pages, ENOSYS, 0, 0, 0, 0);
	REFUSED(SYS_move_pages, ENOSYS, 0, 0, 0, 0, 0, 0);
	REFUSED(SYS_userfaultfd, ENOSYS, 0);
	REFUSED(SYS_pkey_alloc, ENOSPC, 0, 0);
	REFUSED(SYS_pkey_free, EINVAL, 1);
	REFUSED(SYS_pivot_root, EPERM, "/", "/tmp");
	REFUSED(SYS_mount, EPERM, "none", "/tmp", "tmpfs", 0, 0);
	REFUSED(SYS_umount2, EPERM, "/tmp", 0);
	REFUSED(SYS_swapon, EPERM, "/tmp", 0);
	REFUSED(SYS_swapoff, EPERM, "/tmp");
	REFUSED(SYS_acct, ENOSYS, 0);
	REFUSED(SYS_quotactl, ENOSYS, 0, 0, 0, 0);
	REFUSED(SYS_name_to_handle_at, EOPNOTSUPP, AT_FDCWD, "/tmp", page, page, 0);
	REFUSED(SYS_open_by_handle_at, EOPNOTSUPP, AT_FDCWD, page, 0);
	REFUSED(SYS_rseq, ENOSYS, page, 32, 0, 0);
}

/* Numbers that are not served, of those that programs try. */
static void
unlisted(void)
{
	REFUSED(SYS_ptrace, ENOSYS, 0, 0, 0, 0);
	REFUSED(SYS_unshare, ENOSYS, CLONE_NEWUSER);
	REFUSED(SYS_setns, ENOSYS, 0, 0);
	REFUSED(SYS_shmget, ENOSYS, 1, 4096, 0);
	REFUSED(SYS_semget, ENOSYS, 1, 1, 0);
	REFUSED(SYS_msgget, ENOSYS, 1, 0);
	REFUSED(SYS_mq_open, ENOSYS, "/q", O_RDWR, 0, 0);
	REFUSED(SYS_io_uring_setup, ENOSYS, 1, page);
	REFUSED(SYS_io_setup, ENOSYS, 1, page);
	REFUSED(SYS_bpf, ENOSYS, 0, page, 8);
	REFUSED(SYS_perf_event_open, ENOSYS, page, 0, -1, -1, 0);
	REFUSED(SYS_seccomp, ENOSYS, 0, 0, 0);
	REFUSED(SYS_fanotify_init, ENOSYS, 0, 0);
	REFUSED(SYS_init_module, ENOSYS, page, 8, "");
	REFUSED(SYS_keyctl, ENOSYS, 0, 0, 0, 0, 0);
}

static void
processes(void)
{
	static const struct sched_param one = { .sched_priority = 1 };
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	timer_t timer;

	REFUSED(SYS_clone, ENOSYS, CLONE_VM | SIGCHLD, page + 4096, 0, 0, 0);
	REFUSED(SYS_clone, ENOSYS, CLONE_VM | CLONE_SIGHAND | SIGCHLD, page + 4096, 0, 0, 0);
	REFUSED(SYS_clone, ENOSYS, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, page + 4096, 0, 0, 0);
	REFUSED(SYS_clone, ENOSYS, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	REFUSED(SYS_clone, ENOSYS, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	REFUSED(SYS_clone, ENOSYS, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	REFUSED(SYS_clone, ENOSYS, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
	REFUSED(SYS_clone, ENOSYS, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	REFUSED(SYS_sched_setscheduler, EPERM, 0, SCHED_FIFO, &one);
	REFUSED(SYS_sched_setscheduler, EPERM, 0, SCHED_RR, &one);
	REFUSED(SYS_timer_create, EINVAL, CLOCK_REALTIME_ALARM, &none, &timer);
	REFUSED(SYS_timerfd_create, EINVAL, CLOCK_REALTIME_ALARM, 0);
	REFUSED(SYS_prctl, EINVAL, PR_SET_SECCOMP, 1, 0, 0, 0);
	REFUSED(SYS_prctl, EPERM, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0);
	REFUSED(SYS_prctl, ENXIO, PR_SET_SPECULATION_CTRL, 0, 4, 0, 0);
	REFUSED(SYS_prctl, EINVAL, PR_SET_MM, 1, 0, 0, 0);
	REFUSED(SYS_prctl, EPERM, PR_SET_SECUREBITS, 1, 0, 0, 0);
	REFUSED(SYS_arch_prctl, EPERM, 0x1001, page);	/* ARCH_SET_GS */
	REFUSED(SYS_arch_prctl, EPERM, 0x1004, page);	/* ARCH_GET_GS */
	REFUSED(SYS_process_vm_readv, ESRCH, 1, &vec, 1, &vec, 1, 0);	/* no program */
	REFUSED(SYS_process_vm_writev, EPERM, 1, &vec, 1, &vec, 1, 0);
	REFUSED(SYS_pidfd_getfd, EPERM, syscall(SYS_pidfd_open, 1, 0), 0, 0);
	REFUSED(SYS_futex, ENOSYS, page, 11, 0, 0, page, 0);		/* FUTEX_WAIT_REQUEUE_PI */
	REFUSED(SYS_futex, ENOSYS, page, 12, 1, 1, page, 0);		/* FUTEX_CMP_REQUEUE_PI */
	REFUSED(SYS_membarrier, EINVAL, 32, 0, 0);	/* MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE */
}

static void
memory_and_files(void)
{
	int fd = open("/tmp/refused", O_RDWR | O_CREAT, 0600), fds[2];

	REFUSED(SYS_mmap, ENOMEM, 0, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
		-1, 0);
	REFUSED(SYS_mmap, EOPNOTSUPP, 0, 4096, PROT_READ, 3 | 0x80000, fd, 0);	/* MAP_SYNC */
	REFUSED(SYS_mmap, EPERM, 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		0);
	REFUSED(SYS_madvise, EINVAL, page, 4096, 25);	/* MADV_COLLAPSE */
	REFUSED(SYS_memfd_create, EINVAL, "x", 4);	/* MFD_HUGETLB */
	REFUSED(SYS_fcntl, EAGAIN, fd, F_SETLEASE, F_RDLCK);
	CHECK(pipe(fds) == 0);
	REFUSED(SYS_fcntl, EINVAL, fds[0], F_SETFL, O_ASYNC);
	REFUSED(SYS_fcntl, EINVAL, open("/tmp", O_RDONLY), F_NOTIFY, 1);
	REFUSED(SYS_renameat2, EINVAL, AT_FDCWD, "/tmp/refused", AT_FDCWD, "/tmp/other",
		4); /* RENAME_WHITEOUT */
	REFUSED(SYS_fallocate, EOPNOTSUPP, fd, 0x10, 0, 4096);	/* FALLOC_FL_ZERO_RANGE */
	REFUSED(SYS_fallocate, EOPNOTSUPP, fd, 0x08, 0, 4096);	/* FALLOC_FL_COLLAPSE_RANGE */
	REFUSED(SYS_setxattr, EOPNOTSUPP, "/tmp/refused", "system.posix_acl_access", page, 4, 0);
	REFUSED(SYS_pipe2, EINVAL, fds, O_DIRECT);
	unlink("/tmp/refused");
}

static void
sockets(void)
{
	static const int one = 1;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	REFUSED(SYS_socket, EAFNOSUPPORT, AF_INET, SOCK_STREAM, 0);
	REFUSED(SYS_socket, EAFNOSUPPORT, AF_INET6, SOCK_DGRAM, 0);
	REFUSED(SYS_socket, EAFNOSUPPORT, AF_NETLINK, SOCK_RAW, 0);
	REFUSED(SYS_setsockopt, ENOPROTOOPT, fd, SOL_SOCKET, SO_PEEK_OFF, &one, sizeof(one));
	REFUSED(SYS_setsockopt, ENOPROTOOPT, fd, SOL_SOCKET, SO_ATTACH_FILTER, page, 16);
	REFUSED(SYS_getsockopt, ENOPROTOOPT, fd, SOL_SOCKET, SO_PEERSEC, page, page + 64);
}

int
main(void)
{
	whole_calls();
	unlisted();
	processes();
	memory_and_files();
	sockets();
	return summary();
}
