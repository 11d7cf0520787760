/* SPDX-License-Identifier: ISC */
/*
 * Files that others rely on: with set-id bits, or sealed.  Somebody asks the
 * server behind his library's back for programs that act for a group that he is
 * not in, and for keys that write what nobody may write any more, got before and
 * after it was so, or on their way in a message then.
 */
#define _GNU_SOURCE
#define CHECK_NAME "armed"
#include "client.h"
#include <sys/socket.h>

#define GROUP 77
#define PAIR (EXO_R | EXO_W)

static const volatile struct fs_inode *
node_at(uint32_t ino)
{
	const volatile struct fs_super *super =
		(const volatile struct fs_super *)((const char *)(uint64_t)shared + shared->fs_off);

	return (const volatile struct fs_inode *)((const char *)(uint64_t)shared +
		       super->inode_off) + ino;
}

/* ---- a group's directory, in which everybody may make files ------------------------------ */

static bool
is_groups(long ino)
{
	return ino > 0 && node_at((uint32_t)ino)->gid == GROUP &&
		(node_at((uint32_t)ino)->mode & 02010) == 02010;
}

static void
made_for_group(void)
{
	uint32_t dir = 0;
	struct stat s;
	long ino;
	int fd;

	become(NOBODY);
	node_of("/tmp/box", &dir);
	memcpy(comm(), "made", 5);
	ino = request(OP_FS_CREATE, dir, S_IFREG | 02755, 0, PAIR, FREE_SLOT);
	CHECK(ino > 0 && !is_groups(ino));
	CHECK(request(OP_FS_SETATTR, (uint64_t)ino, SETATTR_MODE, 02755, 0, 0) == 0 &&
		!is_groups(ino));
	ino = request(OP_FS_NAMELESS, dir, S_IFREG | 02755, 1, PAIR, FREE_SLOT + 1);
	CHECK(ino > 0 && !is_groups(ino));
	fd = open("/tmp/box/opened", O_CREAT | O_EXCL | O_RDWR, 02755);
	CHECK(fd >= 0 && fstat(fd, &s) == 0 && s.st_gid == GROUP && !(s.st_mode & S_ISGID));
	CHECK(mkdir("/tmp/box/dir", 0755) == 0 && stat("/tmp/box/dir", &s) == 0 &&
		s.st_mode & S_ISGID);
	_exit(failed != 0);
}

static void
member_makes(void)
{
	struct stat s;
	int fd;

	if (setresgid(GROUP, GROUP, GROUP) || setresuid(NOBODY, NOBODY, NOBODY))
		_exit(99);
	fd = open("/tmp/box/member", O_CREAT | O_EXCL | O_RDWR, 02755);
	CHECK(fd >= 0 && fstat(fd, &s) == 0 && s.st_gid == GROUP && s.st_mode & S_ISGID);
	_exit(failed != 0);
}

static void
directory(void)
{
	umask(0);
	CHECK(mkdir("/tmp/box", 0777) == 0 && chown("/tmp/box", 0, GROUP) == 0 &&
		chmod("/tmp/box", 02777) == 0);
	CHECK(in_child(made_for_group) == 0);
	CHECK(in_child(member_makes) == 0);
	unlink("/tmp/box/made");
	unlink("/tmp/box/opened");
	unlink("/tmp/box/member");
	rmdir("/tmp/box/dir");
	CHECK(rmdir("/tmp/box") == 0);
	umask(022);
}

/* ---- passing ------------------------------------------------------------------------------- */

static void
fd_send(int socket, int fd)
{
	char byte = 0, space[CMSG_SPACE(sizeof(int))] = "";
	struct iovec part = { &byte, 1 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = space,
		.msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK(sendmsg(socket, &m, 0) == 1);
}

static int
fd_take(int socket)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = space,
		.msg_controllen = sizeof(space) };
	int fd = -1;

	if (CHECK(recvmsg(socket, &m, 0) == 1 && CMSG_FIRSTHDR(&m)))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* ---- with bits on ------------------------------------------------------------------------------ */

static int ends[2];

/* Opened as root, kept as nobody: until the bits are set. */
static void
kept_by_nobody(void)
{
	uint32_t ino = 0;
	const volatile struct fs_inode *node = node_of("/tmp/kept", &ino);
	int fd = open("/tmp/kept", O_RDWR), taken;

	become(NOBODY);
	CHECK(pwrite(fd, "k", 1, 0) == 1 && frame_opens(node->map, EXO_MAP_WRITE));
	note[0] = 1;
	while (note[0] == 1)
		usleep(1000);
	CHECK(node->mode & S_ISUID);
	CHECK(!frame_opens(node->map, EXO_MAP_WRITE));
	pwrite(fd, "K", 1, 0);
	/* What was on its way is open for writing, as it was: without the bits. */
	taken = fd_take(ends[1]);
	CHECK(!frame_opens(node->map, EXO_MAP_WRITE) || !(node->mode & S_ISUID));
	pwrite(taken, "T", 1, 0);
	_exit(failed != 0);
}

static void
bits(void)
{
	char byte = 0;
	struct stat s;
	int fd, status;
	pid_t pid;

	file_make("/tmp/kept", 0600, "its contents");
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	fd = open("/tmp/kept", O_RDWR);
	fd_send(ends[0], fd);
	note[0] = 0;
	pid = fork();
	if (pid == 0)
		kept_by_nobody();
	while (note[0] == 0)
		usleep(1000);
	CHECK(chmod("/tmp/kept", 04711) == 0);
	note[0] = 2;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(pread(fd, &byte, 1, 0) == 1 && stat("/tmp/kept", &s) == 0);
	CHECK(!(s.st_mode & S_ISUID) || byte == 'k');
	close(fd);
	close(ends[0]);
	close(ends[1]);
	unlink("/tmp/kept");
}

/* Who owns it goes on with it, whatever it was made with. */
static void
owner_goes_on(void)
{
	char text[4] = "";
	int fd;

	become(NOBODY);
	fd = open("/tmp/owner", O_CREAT | O_EXCL | O_RDWR, 0);
	CHECK(fd >= 0 && write(fd, "abc", 3) == 3);
	CHECK(fchmod(fd, 04755) == 0 && pread(fd, text, 3, 0) == 3 && memcmp(text, "abc", 3) == 0);
	CHECK(pwrite(fd, "A", 1, 0) == 1 && pread(fd, text, 3, 0) == 3 && text[0] == 'A');
	CHECK(unlink("/tmp/owner") == 0);
	_exit(failed != 0);
}

/* ---- sealed ----------------------------------------------------------------------------------------- */

static void
sealed(void)
{
	const volatile struct fs_inode *node;
	struct stat s;
	int fd, taken;

	become(NOBODY);
	fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	CHECK(fd >= 0 && write(fd, "sealed", 6) == 6 && fstat(fd, &s) == 0);
	node = node_at((uint32_t)s.st_ino);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	fd_send(ends[0], fd);
	CHECK(request(OP_FS_KEY, s.st_ino, PAIR, FREE_SLOT, 0, 0) == 0);
	CHECK(frame_opens(node->map, EXO_MAP_WRITE));
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	CHECK(!frame_opens(node->map, EXO_MAP_WRITE));
	request(OP_FS_KEY, s.st_ino, PAIR, FREE_SLOT + 1, 0, 0);
	request(OP_FS_KEY, s.st_ino, EXO_W, FREE_SLOT + 2, 0, 0);
	request(OP_FS_KEY, s.st_ino, EXO_W | EXO_X, FREE_SLOT + 3, 0, 0);
	CHECK(!frame_opens(node->map, EXO_MAP_WRITE));
	taken = fd_take(ends[1]);
	CHECK(!frame_opens(node->map, EXO_MAP_WRITE));
	CHECK(write(taken, "x", 1) < 0 && pread(taken, &(char){ 0 }, 1, 0) == 1);
	_exit(failed != 0);
}

int
main(void)
{
	if (!CHECK(client_begin()))
		return summary();
	directory();
	bits();
	CHECK(in_child(owner_goes_on) == 0);
	CHECK(in_child(sealed) == 0);
	return summary();
}
