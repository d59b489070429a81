/*
 * tls_wire.h - a descriptor as OpenSSL sees it, for both sides of TLS.
 *
 * OpenSSL reads and writes through a BIO of ours: it counts octets, so that
 * neither a handshake nor one turn is without an end; it sends without SIGPIPE;
 * and it knows the end of the stream from an error.  OpenSSL reads ahead: one
 * recv takes what is there, instead of one for the five octets of a record's
 * head and another for the rest.  For that tls_wire_pending() has to be asked.
 *
 * Behind the handshake both sides read, write and close in the same way: what
 * tls.h promises of tls_read() and the others is done here.
 *
 * Borrows: the descriptor, the SSL.
 */
#ifndef WB_BASE_TLS_WIRE_H
#define WB_BASE_TLS_WIRE_H

#include <openssl/ssl.h>

#include "base/tls.h"

/* Lies beside the SSL and does not move. */
struct tls_wire {
	int		 fd;
	int		 error;		/* errno of the descriptor; 0: none */
	uint64_t	 in;		/* octets that have come */
	uint64_t	 in_max;	/* more are not read now */
	bool		 shaken;	/* the handshake is done: a limit is a turn's end, no failure */
	bool		 eof;		/* the descriptor has no more */
	bool		 dry;		/* the last read wanted octets */
	bool		 failed;	/* and so it stays: TLS_FAILED, or TLS_CLOSED without why */
	bool		 closed;	/* close_notify is said */
	const char	*why;		/* of TLS_FAILED: the first cause */
	SSL		*ssl;
};

/* A handshake may bring this many octets. */
void		 tls_wire_init(struct tls_wire *, SSL *, int fd, uint64_t octets);
/* This many more octets from now on. */
void		 tls_wire_more(struct tls_wire *, uint64_t octets);
/* It has failed, by this cause unless there was one before. */
enum tls_result	 tls_wire_fail(struct tls_wire *, const char *why);
/*
 * After a call of OpenSSL that has not done all and has returned r.  TLS_CLOSED
 * with eof: without a close_notify.  TLS_FAILED: why is set.
 */
enum tls_result	 tls_wire_result(struct tls_wire *, int r);
/* The handshake is done. */
void		 tls_wire_shaken(struct tls_wire *);
/* As tls_read(), tls_pending(), tls_write(), tls_close(). */
enum tls_result	 tls_wire_read(struct tls_wire *, void *to, size_t n, size_t *got);
bool		 tls_wire_pending(const struct tls_wire *);
enum tls_result	 tls_wire_write(struct tls_wire *, const void *, size_t n, size_t *put);
void		 tls_wire_close(struct tls_wire *);
/* Whether an octet of the application is there, which stays unread; looks at the descriptor, too. */
bool		 tls_wire_waiting(struct tls_wire *);

#endif
