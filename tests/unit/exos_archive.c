/* SPDX-License-Identifier: ISC */
// sources: exos/server/archive.c exos/server/fs.c exos/server/fsmake.c exos/server/fsgone.c exos/server/fsfree.c exos/server/fsrename.c exos/server/fskey.c exos/server/fsattr.c exos/server/fsboot.c exos/server/fsdev.c exos/server/fsdir.c exos/server/fsmap.c exos/server/fsnode.c exos/server/fstable.c exos/server/fsseal.c exos/server/xattr.c exos/server/attrs.c exos/fs/dirblock.c exos/fs/meta.c exos/server/cred.c
/*
 * Damaged boot archives, and damaged headers of ELF files for the server: each
 * is refused with a reason, or read without harm.  The seeds are archives that
 * tools/mkarchive.py makes (exos_archive.seed, beside this program when make
 * built it, or as named); mutants come from a seed number.
 *
 *   exos_archive [ROUNDS [SEED [ARCHIVE]]]
 */
#include "lib/fake_fs.h"
#include "../../exos/server/archive.h"
#include "../../exos/server/elf.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES_MAX (256u << 10)

static unsigned char good[BYTES_MAX], *bad;
static size_t good_bytes;
static uint64_t state;
static unsigned refused_early, refused_late, read_through;

static uint32_t
draw(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return below ? (uint32_t)(state >> 33) % below : 0;
}

/* Every file, to its end. */
static void
read_tree(uint32_t dir, unsigned depth)
{
	static char page[2 * EXO_PAGE_BYTES];
	char name[FS_NAME_MAX + 1];
	uint64_t at = 0;
	uint32_t ino;

	if (depth > 400)
		abort();			/* a loop */
	while ((ino = sfs_next(dir, &at, name)) != 0) {
		const struct fs_inode *node = sfs_inode(ino);

		if (!node || strlen(name) == 0 || strchr(name, '/') ||
			meta_find(&fs_meta, dir, name, strlen(name)) != (long)ino)
			abort();
		if (S_ISDIR(node->mode))
			read_tree(ino, depth + 1);
		else if (S_ISREG(node->mode) || S_ISLNK(node->mode))
			sfs_read(ino, draw((uint32_t)node->size + 2), page, draw(sizeof(page)));
	}
}

/* The archive's pages are frames, as in the guest; returns the first. */
static exo_pfn
frames_of(const unsigned char *archive, size_t bytes)
{
	exo_pfn first = 0;

	if (mem_claim((bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES, 0, &first))
		abort();
	for (size_t at = 0; at < bytes; at += EXO_PAGE_BYTES)
		memcpy(mem_window(first + at / EXO_PAGE_BYTES), archive + at,
			bytes - at < EXO_PAGE_BYTES ? bytes - at : EXO_PAGE_BYTES);
	return first;
}

/* In a process of its own: the file system is made once. */
static bool
survives(const unsigned char *archive, size_t bytes)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sfs_boot(archive, frames_of(archive, bytes)))
			_exit(1);
		read_tree(FS_ROOT_INO, 0);
		sfs_lookup("bin/ash");
		sfs_lookup("a/link/../b");
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		WEXITSTATUS(status) > 1)
		abort();
	return WEXITSTATUS(status) == 0;
}

/* NULL, or why not */
static const char *
use(const unsigned char *archive, size_t bytes)
{
	const char *wrong = archive_wrong((const struct exo_archive *)archive, bytes);

	if (wrong) {
		refused_early++;
		return wrong;
	}
	if (!survives(archive, bytes)) {
		refused_late++;
		return "the tree";
	}
	read_through++;
	return NULL;
}

/* Words in the tables, mostly: contents mean nothing here. */
static void
damage(size_t tables)
{
	static const uint64_t odd[] = { 0, 1, 0x7f, 0xfff, 0x1000, 0x1001, 0x7fffffff, 0xffffffff,
		1ull << 32, 1ull << 63, ~0ull, ~0xfffull, 0120777, 0040755, 0100644, 0140000 };

	for (unsigned n = 1 + draw(3); n; n--) {
		const size_t at = draw(8) ? draw((uint32_t)tables) : draw((uint32_t)good_bytes);
		const size_t word = at & ~3ull;
		uint64_t value = draw(2) ? odd[draw(sizeof(odd) / sizeof(odd[0]))] : draw(300);

		switch (draw(4)) {
		case 0: bad[at] ^= (unsigned char)(1u << draw(8)); break;
		case 1: bad[at] = (unsigned char)"/.\0a"[draw(4)]; break;
		case 2: memcpy(bad + word, &value, 4); break;
		default:	/* one word for another: names, targets and contents shared */
			memcpy(bad + word, good + (draw((uint32_t)tables) & ~3ull), 4);
		}
	}
}

static void
archives(unsigned rounds)
{
	const struct exo_archive *head = (const struct exo_archive *)good;
	const size_t tables = head->names + head->names_bytes;

	for (unsigned round = 0; round < rounds; round++) {
		size_t bytes = draw(20) ? good_bytes : draw((uint32_t)good_bytes + 1);

		bad = aligned_alloc(EXO_PAGE_BYTES, BYTES_MAX);
		memcpy(bad, good, good_bytes);
		damage(tables);
		/* what lies behind the end is poisoned by its absence */
		if (bytes < good_bytes) {
			unsigned char *cut = malloc(bytes ? bytes : 1);

			memcpy(cut, bad, bytes);
			free(bad);
			bad = cut;
		}
		use(bad, bytes);
		free(bad);
	}
}

static void
elves(unsigned rounds)
{
	struct { struct elf_ehdr eh; struct elf_phdr ph[3]; } file;
	const uint64_t size = 0x9000;

	for (unsigned round = 0; round < rounds; round++) {
		memset(&file, 0, sizeof(file));
		memcpy(file.eh.ident, "\177ELF\2\1", 6);
		file.eh.type = 3, file.eh.machine = 62, file.eh.phnum = 3;
		file.eh.phoff = sizeof(file.eh), file.eh.phentsize = sizeof(file.ph[0]);
		file.ph[0] = (struct elf_phdr){ 1, 5, 0x1000, 0, 0, 0x3000, 0x3000, 0x1000 };
		for (unsigned n = draw(5); n; n--)
			((unsigned char *)&file)[draw(sizeof(file))] ^= (unsigned char)draw(256);
		if (!elf_header_ok(&file.eh, size))
			continue;
		if (file.eh.phnum > 32 || file.eh.phoff % 8 ||
			file.eh.phoff + file.eh.phnum * sizeof(file.ph[0]) > size)
			abort();
		for (unsigned i = 0; i < 3; i++)
			if (elf_segment_ok(&file.ph[i], size) &&
				(file.ph[i].offset > size ||
					file.ph[i].offset + file.ph[i].filesz > size ||
					file.ph[i].vaddr + file.ph[i].memsz < file.ph[i].vaddr))
				abort();
	}
	if (elf_rela_ok(8, ~0ull / 24 + 1, size) || elf_rela_ok(size + 8, 0, size) ||
		elf_rela_ok(0, size / 24 + 1, size) || !elf_rela_ok(0, size / 24, size))
		abort();
}

int
main(int argc, char **argv)
{
	const unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 1500;
	char beside[4096];
	const char *wrong;
	ssize_t bytes;
	int fd;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	snprintf(beside, sizeof(beside), "%s.seed", argv[0]);
	fd = open(argc > 3 ? argv[3] : beside, O_RDONLY);
	bytes = fd < 0 ? -1 : read(fd, good, sizeof(good));
	if (bytes <= 0 || bytes == sizeof(good)) {
		printf("FAIL exos_archive: no archive to begin with\n0 passed, 1 failed\n");
		return 1;
	}
	good_bytes = (size_t)bytes;
	fake_boot();
	wrong = use(good, good_bytes);
	if (wrong) {
		printf("FAIL exos_archive: the good one: %s\n0 passed, 1 failed\n", wrong);
		return 1;
	}
	archives(rounds);
	elves(rounds * 20);
	printf("ok %u damaged archives: %u refused by the check, %u by the tree, %u read\n", rounds,
		refused_early, refused_late, read_through - 1);
	printf("ok damaged ELF headers\n2 passed, 0 failed\n");
	return 0;
}
