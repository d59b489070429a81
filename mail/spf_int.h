/*
 * spf_int.h - macro strings, taken apart: between the grammar of records and
 * their expansion.
 */
#ifndef WB_MAIL_SPF_INT_H
#define WB_MAIL_SPF_INT_H

#include "base/span.h"

enum spf_piece_kind {
	SPF_LITERAL,	/* octet */
	SPF_ESCAPE,	/* %% %_ %-: text */
	SPF_MACRO,	/* %{...} */
	SPF_BROKEN	/* a % that begins nothing */
};

/* RFC 7208, 7.1: macro-expand or macro-literal. */
struct spf_piece {
	enum spf_piece_kind	kind;
	char			octet;		/* as it stands */
	struct span		text;		/* ESCAPE */
	char			letter;		/* MACRO, lower case */
	bool			escape_url;	/* it was upper case */
	unsigned		digits;		/* right-hand parts; 0: all */
	bool			reverse;
	struct span		delimiters;	/* empty: "." */
};

/* The next piece of *s; false at its end. */
bool	spf_piece_next(struct span *s, struct spf_piece *);
/*
 * Whether all of it is a macro string.  text: of an explanation, where
 * blanks and the letters c, r and t may stand.  *macro_last: its last piece
 * is no literal.
 */
bool	spf_macro_string_ok(struct span, bool text, bool *macro_last);

#endif
