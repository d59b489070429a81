/*
 * keys.h - asking the keys process, and what it tells.
 *
 * A worker has a signature made: keys_client_signer() is what tls_remote_key()
 * wants (base/tls_sign.h).  Questions that are open when keys dies are asked
 * again of the next one; after 10 s a signature has failed.  On the same
 * channel come the keys of session tickets, the same to all workers: the
 * whole list at once, on each new channel and after each change.
 *
 * The parent has certificates and keys examined (struct keys_material) and
 * hands on what came of it; it parses neither.
 */
#ifndef WB_MTA_MSG_KEYS_H
#define WB_MTA_MSG_KEYS_H

#include "base/chan.h"
#include "base/tls.h"
#include "base/tls_sign.h"

/* --- workers */

struct keys_client;
/* The keys of tickets, newest first; n may be 0: no tickets.  Borrowed; wiped behind it. */
typedef void keys_tickets_cb(void *arg, const struct tls_ticket_key *, size_t n);

struct keys_client	*keys_client_new(keys_tickets_cb *, void *arg);
/* A channel to keys, new or again; takes fd. */
void			 keys_client_attach(struct keys_client *, int fd);
/* No callbacks.  After all keys that have its signer. */
void			 keys_client_free(struct keys_client **);
/* Lives as long as the client. */
const struct tls_signer	*keys_client_signer(struct keys_client *);

/* --- the parent, and keys itself */

/* The files of one tls block, in the order in which CERTIFY has them. */
enum keys_part {
	KEYS_CERTIFICATE, KEYS_KEY, KEYS_STAPLE, KEYS_AUTHORITIES,
	KEYS_NPARTS
};
/* Who shows a certificate: only he has signatures of its key. */
enum keys_owner {
	KEYS_OF_SMTP,		/* to clients; he has the keys of tickets, too */
	KEYS_OF_RELAY,		/* to next hops */
	KEYS_NOWNERS
};
#define KEYS_PART_MAX	(1u << 20)	/* octets of one file */
#define KEYS_TEXT_MAX	1024		/* octets of a text below */

/* What came of an examination. */
struct keys_certified {
	uint64_t	 ticket;
	bool		 ok;
	bool		 unfit;		/* not ok: each of the two may be good, but they do not belong together */
	unsigned	 part;		/* not ok: the file that is at fault */
	struct span	 why;		/* not ok: without the file's name */
	struct span	 warning;	/* ok: something to mend, or empty */
	unsigned	 warned_part;
	struct span	 names;		/* of the certificate, blanks between */
	struct span	 algorithm;	/* "RSA-2048", "P-256" */
	int64_t		 not_before_s, not_after_s;	/* since 1970, UTC */
	int64_t		 staple_until_s;	/* the bundle has one, until then; 0: none */
	int		 fd;		/* sealed: base/tls_bundle.h; -1 when not ok.  The reader's */
};

void	keys_certified_put(struct chan *, const struct keys_certified *);	/* takes its fd */
/* Spans: borrowed from the message.  false: nonsense, no fd is left open. */
bool	keys_certified_read(struct msg *, struct keys_certified *);

/* KEY_SIGN; false: nonsense.  The key id and digest are borrowed from the message. */
bool	keys_question_read(struct msg *, uint64_t *ticket, struct tls_question *);
void	keys_signed_put(struct chan *, uint64_t ticket, struct span signature);
void	keys_tickets_put(struct chan *, const struct tls_ticket_key *, size_t n);

#endif
