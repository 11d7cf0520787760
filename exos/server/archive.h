/* SPDX-License-Identifier: ISC */
#ifndef EXOS_SERVER_ARCHIVE_H
#define EXOS_SERVER_ARCHIVE_H

#include <exo/archive.h>

/* NULL, or what is wrong with the archive in so many bytes. */
const char *archive_wrong(const struct exo_archive *archive, uint64_t bytes);

#endif
