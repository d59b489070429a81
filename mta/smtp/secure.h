/*
 * secure.h - TLS of a session: its handshake (RFC 3207, RFC 8314), and octets
 * through it.
 *
 * A session is secure once secure_on() is true; until then its octets are in the
 * clear.  A handshake begins with the client's first octet, so that who only
 * connects costs nothing; of those that are under way a worker has
 * SECURE_HANDSHAKES_MAX at most, and others stand in a line.  While one does, who
 * has been at it for SECURE_SLOW_MS, and has us wait for him, gives way: some
 * dozen addresses that begin handshakes and end none stop nobody.
 */
#ifndef WB_MTA_SMTP_SECURE_H
#define WB_MTA_SMTP_SECURE_H

#include <sys/queue.h>

#include "base/loop.h"
#include "base/tls.h"
#include "mta/smtp/session.h"

/*
 * Each holds some 60 KiB until it is done, and 32 KiB more while it waits for a
 * signature.
 */
#define SECURE_HANDSHAKES_MAX	500
#define SECURE_LINE_MAX		500	/* with more before it STARTTLS is refused */
#define SECURE_HANDSHAKE_MS	30000	/* for all of it; `idle` where that is less */
#define SECURE_SLOW_MS		2000	/* a handshake is two or three turns */

/* Of a worker. */
TAILQ_HEAD(secure_list, secure);

struct secure_server {
	struct tls_tickets	*tickets;
	struct secure_list	 line;		/* who wait for others' handshakes */
	struct secure_list	 under_way;	/* the first began first */
	struct timer		 next;
	unsigned		 shaking, waiting;
	struct {
		uint64_t	done, resumed, failed, refused, gave_way;
	} count;
};

void	secure_server_init(struct secure_server *);
/* "\"tls_handshakes\":..."; without a comma before and behind. */
void	secure_stats(const struct secure_server *, struct buf *out);

/* STARTTLS is offered: there is a certificate, the door wants it, it is not on. */
bool	secure_offered(const struct session *);
/* Whether one more handshake could begin now, or in a few seconds. */
bool	secure_has_room(const struct session *);
bool	secure_on(const struct session *);
/* Whether a command has to wait for STARTTLS (RFC 3207, 4). */
bool	secure_first(const struct session *, enum smtp_verb);

/*
 * Enters SMTP_HANDSHAKE; when it is done: the greeting, where none was said, else
 * `on starttls`, and then EHLO is waited for.
 */
void	secure_begin(struct session *);
/* The descriptor can be read or written: in SMTP_HANDSHAKE. */
void	secure_event(struct session *);
/* What is to be watched for: in SMTP_HANDSHAKE, or for what TLS has to do besides. */
int	secure_watch(const struct session *);

/* For who has said secure_on(). */
enum secure_io {
	SECURE_DONE,
	SECURE_WAIT,		/* until secure_watch() */
	SECURE_END,		/* the client has closed */
	SECURE_BROKEN
};
/* As much as there is, up to n octets; *got may be above 0 whatever it is. */
enum secure_io	secure_read(struct session *, char *to, size_t n, size_t *got);
/* *put octets have been taken. */
enum secure_io	secure_write(struct session *, struct span, size_t *put);
/* What no poll announces. */
bool	secure_pending(const struct session *);
/* close_notify. */
void	secure_bye(struct session *);

/* For AUTH: the connection; NULL: in the clear. */
const struct tls *secure_tls(const struct session *);
/*
 * The refusal of `on starttls` that waits for the next command (there is no
 * greeting for it); false: there is none.
 */
bool	secure_refusal(struct session *);
void	secure_free(struct session *);

#endif
