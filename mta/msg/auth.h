/*
 * auth.h - asking the auth process: is this a user's password, proof, token;
 * is there such a user; which mechanisms make sense.
 *
 * SASL's base64 and framing are taken apart by who asks (smtp); the fields
 * come here.  A client keeps its open questions, so that they are asked again
 * when auth is new; an answer comes as a callback on the loop.  What is secret
 * in a question is copied, and wiped when it is answered or cancelled; the
 * caller wipes its own copy.
 */
#ifndef WB_MTA_MSG_AUTH_H
#define WB_MTA_MSG_AUTH_H

#include "base/chan.h"
#include "base/ip.h"

#define AUTH_MAP_MAX		2048	/* octets of maps' names */
#define AUTH_USER_MAX		1024	/* octets of a user's */
#define AUTH_PASSWORD_MAX	1024
#define AUTH_TOKEN_MAX		12288	/* RFC 4954, 4: a line of base64 */
#define AUTH_MESSAGE_MAX	8192	/* octets of SCRAM's AuthMessage, or CRAM's challenge */
#define AUTH_WORD_MAX		32	/* octets of a service's and a mechanism's name */
#define AUTH_WHICH_MAX		64	/* octets of an app password's name */
#define AUTH_KEY_MAX		32	/* octets of a proof or signature: SHA-256 */
#define AUTH_CRAM_OCTETS	16	/* a digest of MD5 */
#define AUTH_SALT_MAX		256	/* octets */
#define AUTH_OFFERS_MAX		256	/* maps of accounts that are told */

enum auth_result {
	AUTH_RIGHT,
	AUTH_WRONG,	/* no such user, or another password: nobody learns which. 535 5.7.8 */
	AUTH_CANNOT,	/* cannot be told just now: 454 4.7.0 (RFC 4954, 6) */
	AUTH_SLOW	/* too many failures from there, nothing was looked at: 454 4.7.0 too */
};

enum auth_hash { AUTH_SHA_1, AUTH_SHA_256 };

enum auth_ask {
	AUTH_ASK_PASSWORD,	/* PLAIN, LOGIN; secret: the password */
	AUTH_ASK_SCRAM,		/* RFC 5802: salt and iterations of a user, also of one who is not there */
	AUTH_ASK_PROOF,		/* message: AuthMessage; secret: ClientProof, without base64 */
	AUTH_ASK_CRAM,		/* RFC 2195; message: the challenge, with < and >; secret: the digest, AUTH_CRAM_OCTETS, not in hex */
	AUTH_ASK_TOKEN,		/* OAUTHBEARER, XOAUTH2; user may be empty; secret: the token alone */
	AUTH_ASK_KNOWN,		/* EXTERNAL, authorization identities: is there such a user */
	AUTH_NASKS
};

/* Spans are borrowed until the call returns. */
struct auth_question {
	enum auth_ask	ask;
	struct span	map;		/* the name of a map of accounts; of several, by ',': the first that has the user */
	struct span	user;
	struct ip	client;		/* his address; none: of no address (a unix socket) */
	struct span	service;	/* for the log and PAM's word of it: "smtp" */
	struct span	mechanism;	/* for the log: "PLAIN", "SCRAM-SHA-256-PLUS" */
	enum auth_hash	hash;		/* SCRAM, PROOF */
	struct span	message;	/* PROOF, CRAM */
	struct span	secret;		/* PASSWORD, PROOF, CRAM, TOKEN */
};

struct auth_verdict {
	enum auth_result result;	/* SCRAM: RIGHT, CANNOT or SLOW */
	/* RIGHT, but for SCRAM: */
	char		which[AUTH_WHICH_MAX + 1];	/* the app password's name, or "" */
	char		user[AUTH_USER_MAX + 1];	/* as his name stands in the table */
	uint8_t		signature[AUTH_KEY_MAX];	/* PROOF: ServerSignature */
	size_t		nsignature;
	/* RIGHT of SCRAM: */
	uint8_t		salt[AUTH_SALT_MAX];
	size_t		nsalt;
	uint32_t	iterations;
};

const char	*auth_result_name(enum auth_result);	/* "right" */
/* Takes the first of several maps' names. */
struct span	 auth_next_map(struct span *maps);

/* --- who asks */

struct auth_client;
/* Borrowed until it returns. */
typedef void auth_cb(void *arg, const struct auth_verdict *);

struct auth_client	*auth_client_new(void);
/* A channel to auth, new or again; takes fd.  Open questions are asked on it. */
void			 auth_client_attach(struct auth_client *, int fd);
void			 auth_client_free(struct auth_client **);	/* no callbacks */
/*
 * cb is called exactly once, from the loop: with AUTH_CANNOT after 75 s at the
 * latest (an answer may be held back for 30 s, PAM may take 20), with
 * AUTH_WRONG where a text is longer than the above.  Returns a ticket for
 * auth_client_cancel().
 */
uint64_t		 auth_client_ask(struct auth_client *, const struct auth_question *, auth_cb *, void *arg);
void			 auth_client_cancel(struct auth_client *, uint64_t ticket);

/* Mechanisms of a map of accounts. */
enum {
	AUTH_PLAIN = 1,		/* and LOGIN */
	AUTH_SCRAM_SHA_1 = 2, AUTH_SCRAM_SHA_256 = 4,
	AUTH_CRAM_MD5 = 8,
	AUTH_TOKENS = 16
};
struct auth_offers {
	unsigned	sane;	/* offered where the policy does not say: every account can log in by it */
	unsigned	could;	/* some can: offered where the policy names it */
};
/*
 * What auth has said of a map, or of several together, as in a question; false:
 * nothing yet, or there is no such map.
 * Known from a channel's first message on, and kept when auth dies.
 */
bool			 auth_client_offers(const struct auth_client *, struct span map, struct auth_offers *);

/* --- the messages themselves: auth, and `waybill user verify` */

/* None of its texts is too long. */
bool	 auth_question_fits(const struct auth_question *);
/* Of all its texts. */
size_t	 auth_question_octets(const struct auth_question *);
/* Copies them to, where so many have room, and lets the question have those. */
void	 auth_question_copy(struct auth_question *, char *to);
/* Any of the questions; false: one of the texts is too long, nothing is sent. */
bool	 auth_question_put(struct chan *, uint64_t ticket, const struct auth_question *);
/* false: nonsense, or another message.  Spans: borrowed from the message. */
bool	 auth_question_read(struct msg *, uint64_t *ticket, struct auth_question *);
/* AUTH_VERDICT, and AUTH_SCRAM for AUTH_ASK_SCRAM. */
void	 auth_verdict_put(struct chan *, uint64_t ticket, enum auth_ask, const struct auth_verdict *);
bool	 auth_verdict_read(struct msg *, uint64_t *ticket, struct auth_verdict *);
/* AUTH_OFFERS: of all maps. */
struct auth_offer {
	struct span		map;
	struct auth_offers	offers;
};
void	 auth_offers_put(struct chan *, const struct auth_offer *, size_t n);
/* Their number, at most AUTH_OFFERS_MAX; -1: nonsense. */
int	 auth_offers_read(struct msg *, struct auth_offer out[AUTH_OFFERS_MAX]);

#endif
