/* SPDX-License-Identifier: ISC */
/* What the calls about sockets have in common. */
#ifndef EXOS_LINUX_SOCKETS_H
#define EXOS_LINUX_SOCKETS_H

#include "../fd/socket.h"
#include "files.h"

#define AF_UNSPEC_ 0
#define AF_UNIX_ 1
#define SOL_SOCKET_ 1
#define SOCKADDR_HEAD 2u		/* the family, before the path */

struct file *socket_get(int fd, int *error);	/* -EBADF, -ENOTSOCK */
/* The program's address, to whom the message goes: m's name, where, ino.  WHERE_PEER where there is none. */
int address_get(u64 user, long bytes, struct message *m);
/* An address out to the program; where it says how much room there is, and is told how much it took. */
int address_put(u64 user, u64 bytes_at, const struct sock_name *name);
u32 address_bytes(const struct sock_name *name);
/* Vector of the program, copied; *copy is to be freed.  Refused counts: too_many. */
int spans_get(struct spans *s, struct linux_iovec **copy, u64 user, u64 count, int too_many);

#endif
