/*
 * replies.h - what a next hop answers: RFC 5321, 4.2; RFC 2034 statuses.
 *
 * A parser of bytes: knows no session.  It is strict where a loose reading
 * could shift replies against commands (codes must agree over the lines, a
 * line that is no reply line ends the session), bounded everywhere, and lenient
 * in one thing: a line may end with LF alone, as some hops send it.
 */
#ifndef WB_MTA_RELAY_REPLIES_H
#define WB_MTA_RELAY_REPLIES_H

#include "base/span.h"

#define REPLY_LINE_MAX	4096	/* octets with CRLF; the RFC's 512 is exceeded */
#define REPLY_LINES_MAX	100
#define REPLY_MAX	65536	/* octets of all lines */
#define REPLY_TEXT_MAX	512	/* octets that are kept for people */

enum reply_got { REPLY_MORE, REPLY_READY, REPLY_NONSENSE };

/* Where the reading of a reply that is not complete stands; zeroed at first. */
struct reply_pos {
	size_t		done;	/* octets of whole lines that were read */
	unsigned	lines;
	unsigned	code;
};

struct reply {
	unsigned	code;	/* 200..559 */
	struct span	raw;	/* all lines, borrowed from what was parsed */
	struct span	status;	/* "5.1.1" of its first line when it agrees with the code, or empty */
};

/*
 * Looks for a whole reply at the start of in.  REPLY_MORE: call again with the
 * same octets and more behind them.  REPLY_READY: *out is set, raw.n octets
 * were used, pos is zeroed for the next reply.
 */
enum reply_got	 reply_parse(struct span in, struct reply_pos *pos, struct reply *out);
/* The text of the next line, without code, separator and status; *pos starts at 0. */
bool		 reply_line(const struct reply *, size_t *pos, struct span *text);
/*
 * All lines' texts joined by blanks, printable ASCII only;
 * out has REPLY_TEXT_MAX + 1 octets.
 */
const char	*reply_text(const struct reply *, char *out);

/* Attributes of XFORWARD (Postfix's XFORWARD_README). */
#define XFORWARD_ATTRS(X)						\
	X(NAME) X(ADDR) X(PORT) X(PROTO) X(HELO) X(IDENT) X(SOURCE)
enum xforward_attr {
#define X(word) XFORWARD_##word,
	XFORWARD_ATTRS(X)
#undef X
	XFORWARD_NATTRS
};
extern const char *const xforward_words[XFORWARD_NATTRS];
/* The attribute of this word, or XFORWARD_NATTRS. */
unsigned	 xforward_named(struct span word);

#define EHLO_AUTH_MAX	255	/* octets of the list of mechanisms; what is more is not seen */

/* What a hop offers in its answer to EHLO (RFC 5321, 4.1.1.1). */
struct ehlo {
	bool		pipelining;	/* RFC 2920 */
	bool		eightbitmime;	/* RFC 6152 */
	bool		smtputf8;	/* RFC 6531 */
	bool		enhanced;	/* RFC 2034 */
	bool		size;		/* RFC 1870 */
	uint64_t	size_max;	/* octets; 0: no fixed limit */
	bool		dsn;		/* RFC 3461 */
	bool		chunking;	/* RFC 3030 */
	bool		binarymime;	/* RFC 3030 */
	bool		deliverby;	/* RFC 2852 */
	uint64_t	deliverby_min_s;	/* 0: no fixed limit */
	bool		requiretls;	/* RFC 8689 */
	bool		starttls;	/* RFC 3207 */
	/* RFC 9422, in one session and in one transaction; 0: no limit is told. */
	uint32_t	mail_max, rcpt_max, rcpt_domain_max;
	char		auth[EHLO_AUTH_MAX + 1];	/* RFC 4954: the mechanisms, blanks between */
	unsigned	xforward;	/* 1 << enum xforward_attr: those that it takes */
};

void		 ehlo_parse(const struct reply *, struct ehlo *out);
/* The name with which a hop announces itself in greeting or EHLO reply; empty when it is no host name. */
struct span	 reply_host(const struct reply *);

#endif
