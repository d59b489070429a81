/*
 * tls_wire.h - a descriptor as OpenSSL sees it, for both sides of TLS.
 *
 * OpenSSL reads and writes through a BIO of ours: it counts octets, so that
 * neither a handshake nor one turn is without an end; it sends without SIGPIPE;
 * and it knows the end of the stream from an error.  OpenSSL reads ahead: one
 * recv takes what is there, instead of one for the five octets of a record's
 * head and another for the rest.  For that tls_pending() has to be asked.
 *
 * Borrows: the descriptor.
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
	const char	*why;		/* of TLS_FAILED */
};

/* A handshake may bring this many octets. */
void		 tls_wire_init(struct tls_wire *, SSL *, int fd, uint64_t octets);
/* This many more octets from now on. */
void		 tls_wire_more(struct tls_wire *, uint64_t octets);
/*
 * After a call of OpenSSL that has not done all and has returned r.  TLS_CLOSED
 * with eof: without a close_notify.  TLS_FAILED: why is set.
 */
enum tls_result	 tls_wire_result(struct tls_wire *, const SSL *, int r);

#endif
