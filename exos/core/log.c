/* SPDX-License-Identifier: ISC */
/* Words to the kernel log, and the end that this library chooses when it cannot go on. */
#include <stdarg.h>
#include "exos.h"

#define LINE_BYTES 256u /* the kernel takes no more at a time */

void
exos_log(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	size_t bytes;

	bytes = exo_snprintf(line, sizeof(line), "[%u] ", PROC ? PROC->pid : 0);
	va_start(args, format);
	bytes += exo_format(line + bytes, sizeof(line) - bytes, format, args);
	va_end(args);
	if (bytes > LINE_BYTES - 1)
		bytes = LINE_BYTES - 1;
	if (bytes && line[bytes - 1] != '\n')
		line[bytes++] = '\n';
	exo_log(line, bytes, KEY_LOG);
}

/* No files are closed: what is broken may be the part that would do it. */
noreturn_ void
exos_die(int signal, const char *why)
{
	exos_log("killed by signal %d: %s", signal, why);
	server_call(OP_EXIT, (u64)signal, 0, 0, 0, 0, NULL);
	exo_env_destroy(UAREA->env, (u64)signal, KEY_SELF);
	__builtin_trap();
}
