/*
 * downgrade_int.h - what the files of a conversion share.
 *
 *   downgrade_walk.c	lines, boundaries, which part an octet belongs to
 *   downgrade_part.c	what the Content- fields of a part say of it
 *   downgrade.c	looking, deciding, writing
 *   downgrade_field.c	one field of a header in ASCII
 *   downgrade_words.c	encoded words within it
 *   downgrade_params.c	parameters within it
 */
#ifndef WB_MAIL_DOWNGRADE_INT_H
#define WB_MAIL_DOWNGRADE_INT_H

#include "base/arena.h"
#include "mail/downgrade.h"
#include "mail/encode.h"

#define BOUNDARY_MAX	200	/* octets; RFC 2046, 5.1.1 has 70 */

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE };

/* Content-Transfer-Encoding (RFC 2045, 6). */
enum part_encoding {
	PART_7BIT,		/* also when there is none */
	PART_8BIT,
	PART_BINARY,
	PART_QUOTED,
	PART_BASE64,
	PART_UNKNOWN
};

/* A part that has begun and not ended; its number is that of its header. */
struct part {
	size_t			 number;
	enum part_kind		 kind;
	enum part_encoding	 encoding;
	bool			 is_message;	/* has a header of RFC 5322: the first, or in message/rfc822 */
	bool			 is_text;
	bool			 is_digest;	/* its parts are messages */
	bool			 has_type, has_encoding, has_version;
	bool			 has_parts;	/* a boundary has been seen */
	bool			 outside;	/* before the first or behind the last boundary */
	bool			 keep_header;	/* of parts in it: not changed */
	bool			 no_parts;	/* it ends without one that begins a part */
	const char		*frozen;	/* why nothing in it can be changed; NULL: it can */
	bool			 sealed;	/* nor its own header */
	char			 boundary[BOUNDARY_MAX];
	size_t			 nboundary;
	/* Of its header; in the walk's arena. */
	struct span		 type, transfer;	/* bodies of the first of these fields */
	bool			 twice;		/* and another one says something else */
};

/* What becomes of a part. */
enum part_plan {
	PLAN_ENCODED = 1 << 0,	/* as kind says */
	PLAN_LABEL = 1 << 1,	/* its label says what it is now */
	PLAN_TYPE = 1 << 2,	/* it gets a Content-Type */
	PLAN_VERSION = 1 << 3,	/* it gets a MIME-Version */
	PLAN_NO_BEFORE = 1 << 4,	/* the text before its first boundary is left out */
	PLAN_NO_BEHIND = 1 << 5	/* that behind its last */
};
struct plan {
	uint8_t	what;
	uint8_t	kind;		/* enum encode_kind */
};

/* What the walk tells; part is the innermost one.  Octets are good until it returns. */
struct walk_ops {
	void	(*field)(void *arg, struct part *, struct span whole);
	/* All fields are read; line is CRLF, or empty when none stood there. */
	void	(*header)(void *arg, struct part *, struct span line);
	/* Octets of a body, or of the text outside of the parts. */
	void	(*octets)(void *arg, struct part *, struct span);
	void	(*crlf)(void *arg, struct part *);
	/* last: with the message; otherwise a boundary comes. */
	void	(*end)(void *arg, struct part *, bool last);
	/* With its CRLF, and that before it when a body stood there. */
	void	(*boundary)(void *arg, struct span line, bool after_body);
};

struct walk {
	const struct walk_ops	*ops;
	void			*arg;
	unsigned		 lacks;
	struct part		 parts[DOWNGRADE_DEPTH_MAX];
	size_t			 depth;		/* of them; the last is the innermost */
	size_t			 number;	/* parts so far */
	bool			 in_header;
	bool			 crlf;		/* read, and not told yet */
	bool			 middle;	/* the line's beginning was told */
	struct buf		 line;		/* begun, not ended */
	struct buf		 field;		/* whose last line may not be there yet */
	struct arena		 arena;		/* of the header that is read */
	const char		*broken;	/* why it goes no further; NULL: it does */
};

void	walk_begin(struct walk *, const struct walk_ops *, void *arg, unsigned lacks);
void	walk_feed(struct walk *, struct span);
void	walk_end(struct walk *);
void	walk_clear(struct walk *);

/* downgrade_part.c */
/* One field of its header, as walk_ops.field has it. */
void	part_field(struct part *, struct span whole, struct arena *);
/* All of them are read: kind, encoding, boundary, and why it is frozen. */
void	part_know(struct part *, unsigned lacks, struct arena *);
/* Nothing in it can be changed; the first reason (static) stays. */
void	part_freeze(struct part *, const char *why);
/* Its Content-Type is that, without parameters; lower case. */
struct span part_type(const struct part *, struct arena *);

/* downgrade_field.c */
bool	has_8bit(struct span);
bool	text_is_utf8(struct span);
/*
 * Appends the field in ASCII.  false: it cannot be, *status and *why say why;
 * what was appended is of no use.
 */
bool	field_to_ascii(struct span whole, struct buf *out, const char **status, const char **why);
/* Appends the field with lines of at most DOWNGRADE_LINE_MAX, as far as there are blanks. */
void	field_fold(struct span whole, struct buf *out);

/* downgrade_words.c */
enum words_in { WORDS_TEXT, WORDS_COMMENT, WORDS_PHRASE };
/*
 * The text, of which words that are not ASCII become encoded words (RFC 2047).
 * false: it is not UTF-8.
 */
bool	words_put(struct buf *out, struct span text, enum words_in);

/* downgrade_params.c */
/* The body of Content-Type or Content-Disposition (RFC 2231). */
bool	params_put(struct buf *out, struct span body);

#endif
