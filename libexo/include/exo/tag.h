/* SPDX-License-Identifier: ISC */
/*
 * Tags of frames: what their owners say that they are for, so that a policy
 * about memory can tell them apart.  A convention between libraries; the kernel
 * keeps the byte (exo_frame.tag) and asks nothing.  It is its owner's word.
 */
#ifndef EXO_TAG_H
#define EXO_TAG_H

enum exo_tag {
	EXO_TAG_NONE,			/* nothing was said */
	EXO_TAG_ANONYMOUS,		/* a program's own pages */
	EXO_TAG_FILE,			/* contents of files */
	EXO_TAG_CODE,			/* a library's image, shared by all who run under it */
	EXO_TAG_LIBRARY,		/* what a library keeps for its program, or a server for all */
	EXO_TAG_METADATA,		/* tables that many read and one writes */
	EXO_TAG_OBJECT,			/* shared by two sides: pipes, sockets */
	EXO_TAG_SERVER,			/* what a server is made of that is begun anew, and its notes */
	EXO_TAGS,
};

#endif
