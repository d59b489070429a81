/*
 * lexer.h - between scanner and grammar: tokens, and where statements end.
 *
 * lexer.l makes tokens of octets; ends.c decides which line ends end a
 * statement, so that the grammar does not have to.
 */
#ifndef WB_CF_LEXER_H
#define WB_CF_LEXER_H

#include "cf/cf_int.h"

#define CF_TEXT_NESTING	8	/* texts within {expressions} of texts */

struct cf_token {
	int		 kind;		/* of parser.h */
	struct cf_loc	 loc;
	struct rs_value	 value;
};

/* The scanner's own state. */
struct cf_scan {
	struct cf	*cf;
	uint32_t	 pos;		/* of the next octet */
	uint32_t	 start;		/* of the token under way */
	struct buf	 text;		/* chunk of a text */
	unsigned	 nesting;	/* texts that are open */
	bool		 head;		/* the chunk is the text's first */
	bool		 quiet;		/* skipping: errors are not told */
	bool		 told;		/* of an error, at told_end */
	uint32_t	 told_end;
};

/* A text that is being read; include.c. */
struct cf_input {
	struct cf_scan		 scan;
	void			*scanner;
	const struct cf_source	*source;	/* NULL: of no file */
	struct cf_token		 ahead;		/* read, not yet handed out */
	bool			 has_ahead;
	struct cf_input		*outer;		/* is read after it */
};

struct cf_parser {
	struct cf	*cf;
	struct cf_input	*in;
	int		 begin;		/* token that says what is parsed, or 0 */
	unsigned	 braces;	/* open { before the next token */
	unsigned	 braces_before;	/* before the one handed out last */
	unsigned	 brackets;	/* open ( and [ */
	int		 last;		/* kind handed out last */
	struct cf_token	 first;		/* of the statement under way */
	struct cf_token	 before, now;	/* handed out last but one, and last */
	int		 prior;		/* kind handed out before these */
	uint32_t	 prior_end;	/* where that ends */
	bool		 hiding;	/* among the extensions of `hide` */
	bool		 expecting;	/* which an `expect` names */
	uint32_t	 hidden_end;	/* where the ',' behind the last of them ends */
	bool		 recover;	/* skip to the end of the statement */
	unsigned	 recover_to;	/* open { there */
	struct cf_opt	*options;	/* cf_parse_options() */
};

/* lexer.l: NEWLINE for each line's end, 0 at the end. */
int	cf_scan_token(struct cf_token *, struct cf_scan *, void *scanner);

/* ends.c: what the grammar reads. */
void	cf_next_token(struct cf_parser *, struct cf_token *);
/* After a syntax error: skip what is left of the statement. */
void	cf_recover(struct cf_parser *);

#endif
