/*
 * sasl_int.h - what a mechanism is, and what they share.
 */
#ifndef WB_MTA_SASL_SASL_INT_H
#define WB_MTA_SASL_SASL_INT_H

#include "mta/sasl/sasl.h"

#define SASL_NONCE_OCTETS	18	/* 144 bits, 24 digits without padding */
#define SASL_NAME_MAX		1024	/* octets of a user's name */

struct sasl_ops {
	/* Nothing has been said: what the server begins with; empty if the client must. */
	enum sasl_step	(*start)(struct sasl *);
	/* What the client says, decoded; it stays until sasl_free(). */
	enum sasl_step	(*heard)(struct sasl *, struct span);
	/* SASL_RIGHT; NULL: sasl_in(). */
	enum sasl_step	(*right)(struct sasl *, const struct sasl_told *);
	/* SASL_NOT_RIGHT; NULL: SASL_WRONG. */
	enum sasl_step	(*wrong)(struct sasl *);
};

extern const struct sasl_ops sasl_plain, sasl_login, sasl_cram, sasl_scram,
	    sasl_oauth, sasl_external;

struct sasl_block;

struct scram {
	char		 flag;		/* GS2: 'n', 'y', 'p' */
	struct span	 binding;	/* what 'p' binds to */
	struct span	 gs2;		/* header, with its commas */
	struct span	 first;		/* client-first-message-bare */
	struct span	 server_first;
	struct span	 nonce;		/* both sides' */
	struct span	 user;
};

struct sasl {
	enum sasl_mech			 mech;
	const struct sasl_context	*cx;
	struct sasl_block		*blocks;
	unsigned			 step;	/* of the mechanism; begins with 0 */
	struct span			 say;
	struct sasl_question		 question;
	struct span			 authzid;	/* as which it wants to act; empty: itself */
	struct span			 user;
	enum sasl_failure		 failure;
	const char			*why;
	struct scram			 scram;
};

/* A copy that lives and is wiped with it. */
struct span	sasl_keep(struct sasl *, struct span);
/* Room for n octets that live so. */
char		*sasl_room(struct sasl *, size_t n);
/* n random octets as base64, or the nonce of a test. */
struct span	sasl_nonce(struct sasl *);

/* The ends of a step: say this (it stays with the caller), ask, fail. */
enum sasl_step	sasl_says(struct sasl *, struct span);
enum sasl_step	sasl_asks(struct sasl *, const struct sasl_question *);
enum sasl_step	sasl_fails(struct sasl *, enum sasl_failure, const char *why);
/* Logged in, unless it wants to act as somebody else. */
enum sasl_step	sasl_in(struct sasl *, const struct sasl_told *);

/* 1 to SASL_NAME_MAX octets, UTF-8, no control character (RFC 4013, 2.3). */
bool		sasl_name_ok(struct span);

#endif
