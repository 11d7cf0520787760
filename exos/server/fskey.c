/* SPDX-License-Identifier: ISC */
/*
 * Who may do what with a file, by the keys that the kernel finds in the caller's
 * ring, and keys to single files for those who are to keep one open.
 */
#include "fsnode.h"

/*
 * All guards of files have an entry for root, the same one: so the kernel is asked
 * about it once.  What lies in the slot is its owner's choice, his user's key for
 * one, which opens his own files: but no other entry has both of these rights.
 */
static bool
opens_as_root(const struct request *r, const struct fs_inode *node)
{
	bool opens;

	if (r->root && *r->root)
		return *r->root > 0;
	opens = client_opens(r->env, KEY_ROOT, node->guard, EXO_P | EXO_A);
	if (r->root && node->guard)
		*r->root = opens ? 1 : -1;
	return opens;
}

static bool
client_in_group(const struct request *r, const struct fs_inode *node)
{
	if (client_opens(r->env, KEY_GROUP, node->guard, EXO_A))
		return true;
	for (exo_slot n = 0; n < r->cred->groups; n++)
		if (client_opens(r->env, KEY_GROUPS + n, node->guard, EXO_A))
			return true;
	return false;
}

/* The owner's bits, or the group's, or the others': the first class that its keys show it to be in. */
bool
client_may(const struct request *r, const struct fs_inode *node, uint32_t rights)
{
	const uint32_t want = (rights & EXO_R ? 4 : 0) | (rights & EXO_W ? 2 : 0) |
		(rights & EXO_X ? 1 : 0);
	uint32_t bits = node->mode;

	if (opens_as_root(r, node))
		return !(want & 1) || S_ISDIR(node->mode) || node->mode & 0111;
	if (client_opens(r->env, KEY_USER, node->guard, EXO_P))
		bits >>= 6;
	else if (client_in_group(r, node))
		bits >>= 3;
	return (bits & want) == want;
}

bool
client_may_by(const struct request *r, const struct fs_inode *node, uint32_t rights, uint64_t slot)
{
	return client_may(r, node, rights) ||
		(slot && client_opens(r->env, (exo_slot)slot, node->guard, rights));
}

bool
client_owns(const struct request *r, const struct fs_inode *node)
{
	return opens_as_root(r, node)
		|| client_opens(r->env, KEY_USER, node->guard, EXO_P);
}

bool
client_is_root(const struct request *r)
{
	return opens_as_root(r, node_at(FS_ROOT_INO));
}

bool
sfs_may_run(const struct request *r, uint32_t ino)
{
	const struct fs_inode *node = node_at(ino);

	return node && client_may(r, node, EXO_X);
}

/*
 * A key to one file, for who may use it so now and will be somebody else, or for
 * whom it just made, whatever the mode says.  It opens what it says without us,
 * so it says nothing that a seal or a set-id bit would have us refuse.
 */
long
fs_key_bind(const struct request *r, uint32_t ino, uint64_t rights, uint64_t slot)
{
	const uint32_t read = rights & (EXO_W | EXO_X) ? EXO_R : 0;	/* no page can be without */
	const uint32_t never = node_at(ino)->seals & FS_SEALS_WRITE ? EXO_W : 0;
	exo_guardref guard = node_own(ino, r->cred->uid[CRED_REAL] == 0);

	return guard ? client_bind(r->env, (exo_slot)slot, guard,
			       (((uint32_t)rights & (EXO_R | EXO_W | EXO_X)) | read) & ~never)
		     : -ENFILE;
}

/* Who is going to write it takes the bits off. */
static int
disarm(struct fs_inode *node, uint64_t rights)
{
	return rights & EXO_W && node->mode & (S_ISUID | S_ISGID)
		? node_setid(node, node->mode & ~(uint32_t)(S_ISUID | S_ISGID), node->uid,
			  node->gid)
		: 0;
}

long
fs_key_give(const struct request *r, uint32_t ino, uint64_t rights, uint64_t slot)
{
	struct fs_inode *node = node_at(ino);

	if (!node || !S_ISREG(node->mode) || !rights)
		return -EINVAL;
	return disarm(node, rights) ? -ENOSPC : fs_key_bind(r, ino, rights, slot);
}

long
fs_key_request(const struct request *r)
{
	struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);
	const uint64_t rights = r->b & (EXO_R | EXO_W | EXO_X);

	if (!node || !S_ISREG(node->mode) || !rights)
		return -EINVAL;
	if (!client_may(r, node, (uint32_t)rights))
		return -EACCES;
	if (rights & EXO_W && node->seals & FS_SEALS_WRITE)
		return -EPERM;
	return fs_key_give(r, (uint32_t)r->a, rights, r->c);
}
