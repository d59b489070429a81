/*
 * command.h - command lines of RFC 5321, 4.1: bytes to a struct, no session in
 * sight.
 *
 * Only CRLF ends a line (2.3.8).  A CR or LF that stands alone, a NUL, or a
 * line that is too long spoils the line, and nothing of it is a command, up to
 * the next CRLF: what one server reads as one line another could read as two.
 */
#ifndef WB_MTA_SMTP_COMMAND_H
#define WB_MTA_SMTP_COMMAND_H

#include "mail/address.h"
#include "mta/sasl/sasl.h"
#include "mta/smtp/params.h"

/*
 * Octets of a command line with CRLF.  4.5.3.1.4 asks for 512; a path with a
 * source route may be longer.  MAIL and RCPT have what their parameters add.
 */
#define COMMAND_LINE_PLAIN	1024
#define COMMAND_LINE_MAX	(SASL_LINE_MAX + 64)	/* of any: AUTH's */
/* Of the command that begins so. */
size_t		 command_line_max(struct span line);

enum line_result {
	LINE_WHOLE,	/* *n octets, CRLF among them */
	LINE_PART,	/* no end yet: keep it; *n is 0 */
	LINE_BARE,	/* a CR or LF stands alone in the first *n octets */
	LINE_LONG	/* `max` octets without an end; *n is 0 */
};

/* Looks for the end of the line at the start of in.  max counts the CRLF. */
enum line_result line_scan(struct span in, size_t max, size_t *n);
/*
 * Inside a spoiled line: eats to its CRLF.  True when that was there; *n
 * octets are eaten (a CR at the end of in is kept, its LF may follow).
 */
bool		 line_skip(struct span in, size_t *n);

/* In the order of RFC 5321, 4.1.1; after them what we know and do not offer. */
enum smtp_verb {
	VERB_EHLO, VERB_HELO, VERB_MAIL, VERB_RCPT, VERB_DATA, VERB_RSET,
	VERB_VRFY, VERB_EXPN, VERB_HELP, VERB_NOOP, VERB_QUIT,
	VERB_STARTTLS, VERB_AUTH, VERB_BDAT, VERB_TURN,
	VERB_LHLO,		/* RFC 2033, in the place of EHLO */
	VERB_XCLIENT, VERB_XFORWARD, VERB_ETRN,
	VERB_UNKNOWN
};

struct smtp_command {
	enum smtp_verb	verb;
	struct span	word;	/* the verb as it was written */
	struct span	args;	/* what follows, without blanks on both sides */
};

/*
 * line is without its CRLF. false: an octet 0 or another control character (tab
 * is a blank).
 */
bool	command_parse(struct span line, struct smtp_command *out);

/*
 * EHLO's and HELO's argument (4.1.1.1): a domain, or an address literal.
 * Underscores are let through: too many hosts have them.
 */
bool	helo_ok(struct span arg);

/* How an argument was refused: the reply follows from it. */
enum args_result {
	ARGS_OK,
	ARGS_SYNTAX,	/* 501 5.5.4: no FROM: or TO: */
	ARGS_PATH,	/* 501 5.1.7 (MAIL), 501 5.1.3 (RCPT) */
	ARGS_PARAM,	/* 501 5.5.4: a parameter's value, or twice the same */
	ARGS_UNKNOWN,	/* 555 5.5.4 */
	ARGS_TLS,	/* 530 5.7.0: a parameter that needs TLS */
	ARGS_UTF8	/* 553 5.6.7: the path is not ASCII, without SMTPUTF8 */
};

struct smtp_path {
	struct address		path;
	struct smtp_params	params;
};

/*
 * The arguments of MAIL ("FROM:<a@b> SIZE=1") and RCPT ("TO:<c@d>").  The
 * path lies in the arena.  *why is static, for the reply's text.
 */
enum args_result command_mail(struct span args, const struct params_place *,
	    struct smtp_path *out, const char **why);
enum args_result command_rcpt(struct span args, const struct params_place *,
	    struct smtp_path *out, const char **why);

#endif
