/*
 * format.h - how a policy is laid out.
 */
#ifndef WB_CF_FORMAT_H
#define WB_CF_FORMAT_H

#include "cf/lexer.h"

/* Lays out the text of cf; with errors, which it tells, out stays empty. */
void	cf_format(struct cf *, struct buf *out);
/* ends.c: after, before such a token a line's end says nothing. */
bool	cf_goes_on_after(int kind);
bool	cf_goes_on_before(int kind);

#endif
