/*
 * include.h - the texts that the scanner reads, one within the other.
 */
#ifndef WB_CF_INCLUDE_H
#define WB_CF_INCLUDE_H

#include "cf/lexer.h"

#define CF_INCLUDE_DEPTH	8
#define CF_INCLUDES_MAX		1000	/* files of one policy */

/* Begins with a text at that offset; NULL: no memory. */
struct cf_input	*cf_input_open(struct cf *, struct span text, uint32_t base, struct cf_input *outer);
/* What it was within. */
struct cf_input	*cf_input_close(struct cf_input *);

/*
 * The files that an `include` names are read next, in byte order; each mistake
 * is reported at loc.
 */
void		 cf_include(struct cf_parser *, struct span name, struct cf_loc);
/* `allow include "folder"`: files of that folder may be included too. */
void		 cf_include_allow(struct cf *, struct span name, struct cf_loc);

#endif
