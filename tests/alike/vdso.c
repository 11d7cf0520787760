/* SPDX-License-Identifier: ISC */
/* The shared object that the system maps beside a program: found, read as a C library does, and called. */
#include "t.h"
#include <elf.h>
#include <sys/auxv.h>

static const char *base;
static const Elf64_Sym *symbols;
static const char *names;
static const uint16_t *versions;
static const Elf64_Verdef *definitions;
static size_t count;

static int
read_it(void)
{
	const Elf64_Ehdr *e = (const void *)base;
	const Elf64_Phdr *p = (const void *)(base + e->e_phoff);
	const Elf64_Dyn *d = NULL;
	const uint32_t *hash = NULL;
	long load = 0;

	if (memcmp(e->e_ident, ELFMAG, SELFMAG) || e->e_type != ET_DYN || e->e_machine != EM_X86_64)
		return 0;
	for (int n = 0; n < e->e_phnum; n++) {
		if (p[n].p_type == PT_LOAD)
			load = (long)base + (long)p[n].p_offset - (long)p[n].p_vaddr;
		if (p[n].p_type == PT_DYNAMIC)
			d = (const void *)(base + p[n].p_offset);
	}
	for (; d && d->d_tag; d++) {
		const void *at = (const void *)(load + (long)d->d_un.d_ptr);

		switch (d->d_tag) {
		case DT_SYMTAB: symbols = at; break;
		case DT_STRTAB: names = at; break;
		case DT_HASH: hash = at; break;
		case DT_VERSYM: versions = at; break;
		case DT_VERDEF: definitions = at; break;
		}
	}
	count = hash ? hash[1]
		     : (size_t)((const char *)names - (const char *)symbols) / sizeof(*symbols);
	return symbols && names && versions && definitions && count > 1;
}

static const char *
version_of(size_t symbol)
{
	const Elf64_Verdef *v = definitions;

	for (;;) {
		if (v->vd_ndx == (versions[symbol] & 0x7fff))
			return names +
				((const Elf64_Verdaux *)((const char *)v + v->vd_aux))->vda_name;
		if (v->vd_next == 0)
			return "none";
		v = (const void *)((const char *)v + v->vd_next);
	}
}

static void *
look_up(const char *name)
{
	for (size_t n = 1; n < count; n++)
		if (symbols[n].st_shndx && strcmp(names + symbols[n].st_name, name) == 0) {
			printf("%s@%s\n", name, version_of(n));
			return (void *)(unsigned long)(base + symbols[n].st_value);
		}
	printf("no %s\n", name);
	return NULL;
}

static void
crashes(long (*f)(long, void *))
{
	int status;

	fflush(stdout);
	if (fork() == 0) {
		f(CLOCK_MONOTONIC, nowhere);
		_exit(0);
	}
	wait(&status);
	printf("%d\n", status & 0x7f);
}

int
main(void)
{
	long (*gettime)(long, void *), (*getres)(long, void *),
		(*timeofday)(struct timeval *, void *);
	long (*seconds)(long *), (*cpu)(unsigned *, unsigned *, void *);
	struct timespec t = { 0, 0 }, real;
	struct timeval v;
	unsigned a = 99, b = 99;
	long s;

	base = (const char *)getauxval(AT_SYSINFO_EHDR);
	printf("%d\n", base && ((unsigned long)base & 4095) == 0);
	if (!base || !read_it())
		return 1;
	gettime = (long (*)(long, void *))look_up("__vdso_clock_gettime");
	getres = (long (*)(long, void *))look_up("__vdso_clock_getres");
	timeofday = (long (*)(struct timeval *, void *))look_up("__vdso_gettimeofday");
	seconds = (long (*)(long *))look_up("__vdso_time");
	cpu = (long (*)(unsigned *, unsigned *, void *))look_up("__vdso_getcpu");
	for (int clock = -1; clock < 12; clock++)
		if (clock != 10)
			printf("clock %d: %ld\n", clock, gettime(clock, &t));
	gettime(CLOCK_REALTIME, &t);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
	printf("%d\n", real.tv_sec - t.tv_sec <= 1);
	SAY(getres(CLOCK_MONOTONIC, &t));
	printf("%ld\n", t.tv_nsec);
	printf("%ld %ld\n", getres(77, &t), getres(CLOCK_REALTIME, NULL));
	printf("%ld %d\n", timeofday(&v, NULL), v.tv_sec - real.tv_sec <= 1);
	printf("%d %d\n", seconds(&s) == s, s - v.tv_sec <= 1);
	printf("%ld %d\n", cpu(&a, &b, NULL), a != 99 && b == 0);
	crashes(gettime);
	return 0;
}
