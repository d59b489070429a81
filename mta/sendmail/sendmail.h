/*
 * sendmail.h - what the files of the program `sendmail` share.
 *
 *   options.c  the command line, as sendmail and its successors have it
 *   input.c    a message on standard input: lines, dots, From_ line
 *   compose.c  its recipients out of its header; what the header lacks
 *   send.c     to the server, or into the drop folder
 *   relay.c    -bs: SMTP on standard input and output
 *
 * It has no privileges: the socket tells the server whose program this is, and
 * waybill-drop alone is set-gid.  Exit statuses: sysexits.h.
 */
#ifndef WB_MTA_SENDMAIL_SENDMAIL_H
#define WB_MTA_SENDMAIL_SENDMAIL_H

#include "mta/drop/drop.h"

enum mode {
	MODE_SEND,		/* -bm, -t */
	MODE_SMTP,		/* -bs */
	MODE_VERIFY,		/* -bv */
	MODE_MAILQ,		/* -bp */
	MODE_NEWALIASES		/* -bi */
};

enum errors {			/* -oe: what becomes of an error */
	ERRORS_PRINT,		/* p, w: on standard error, and the status */
	ERRORS_MAIL,		/* m: also to the sender */
	ERRORS_MAIL_OK,		/* e: the same, and the status is 0 */
	ERRORS_QUIET		/* q: the status alone */
};

struct options {
	enum mode	 mode;
	enum errors	 errors;
	bool		 from_header;	/* -t */
	bool		 dots;		/* -i: a line with a dot is a line */
	bool		 verbose;
	bool		 has_sender;	/* -f, -r */
	const char	*sender;	/* "": <> */
	const char	*full_name;	/* -F, NAME; NULL: the system's */
	const char	*notify;	/* -N, in capitals */
	enum drop_ret	 ret;		/* -R */
	const char	*envid;		/* -V */
	bool		 eightbit;	/* -B 8BITMIME */
	const char	*tag;		/* -L: as what it is called in messages */
	char		**rcpts;	/* what follows, ends with NULL */
	char		*own_sender, *own_notify;	/* heap */
};

/*
 * EX_OK, or EX_USAGE with *why (free it).  Nothing that would change what
 * happens to the message is passed over: it is done, or refused.
 */
int	options_read(struct options *, int argc, char **argv, char **why);
void	options_clear(struct options *);

/* --- input.c */

struct input {
	bool		 dots;
	uint64_t	 most;		/* octets that are taken */
	struct buf	 out;
	/* of its own */
	size_t		 line;		/* octets of this one, as they come out */
	bool		 within;	/* a line; false: at the start of one */
	bool		 cr;		/* the last octet was a CR */
	bool		 dot;		/* the line is "." so far */
	bool		 begun;		/* a line has come */
	bool		 from_;		/* inside of a From_ line, or in doubt */
	struct buf	 first;		/* what may be one */
	bool		 body;		/* the header has ended */
	bool		 eightbit, ended, too_large;
};

#define INPUT_LINE_MAX	4094	/* octets without CRLF; longer ones are divided */

/* Takes octets of standard input, in whatever pieces. */
void	input_take(struct input *, struct span);
/* There are no more; the last line gets its end. */
void	input_end(struct input *);

/* --- compose.c */

struct person {			/* who runs this */
	const char	*login;
	const char	*gecos;		/* the field of passwd; NULL: none */
};

/* All addresses of one argument ("ann", "Bob <bob@example.org>, carl"); false: *why (static) names what is none. */
bool	compose_add_rcpts(struct span arg, struct arena *, struct drop *,
	    size_t *cap, const char **why);
/* -t: To, Cc and Bcc, or those with Resent- where there are any; false: *why. */
bool	compose_header_rcpts(struct span content, struct arena *,
	    struct drop *, size_t *cap, const char **why);
/* Each once, as they are written. */
void	compose_unique(struct drop *);
/*
 * The content as it is sent: without Bcc, with Date and From where they are
 * missing.  What has no header gets one.
 */
void	compose_content(struct span content, const struct options *,
	    const struct person *, int64_t now_ms, struct buf *out);
/* "Ann Other <ann>"; the name is quoted or encoded as it needs to be. */
void	compose_mailbox(struct span name, struct span address,
	    struct buf *out);
/* -F, else the system's: gecos up to its first comma, & is the login. */
void	compose_full_name(const struct options *, const struct person *,
	    struct buf *out);

/* --- send.c */

/* Gives it to the server, or leaves it; says what is wrong; the exit status. */
int	send_message(const struct options *, const struct person *,
	    const struct drop *);
/* The path of a program in our own folder; false: it is not there. */
bool	beside_us(const char *name, char *out, size_t room);
/* relay.c: -bs; the exit status. */
int	relay_smtp(void);

#endif
