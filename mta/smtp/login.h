/*
 * login.h - one exchange of AUTH: mta/sasl knows what is said, auth whether it
 * is right; here the questions of the one become those of the other.
 *
 * Of several maps of accounts the first that has the user answers.  It is
 * looked for before anything is verified, so that a wrong password counts once
 * however many maps there are, and SCRAM's two questions go to the same map.
 *
 * Owns: the exchange, and its question to auth.
 */
#ifndef WB_MTA_SMTP_LOGIN_H
#define WB_MTA_SMTP_LOGIN_H

#include "base/tls.h"
#include "mta/msg/auth.h"
#include "mta/sasl/sasl.h"
#include "mta/smtp/door.h"

/* What it is asked for; all borrowed until it is freed. */
struct login_from {
	struct auth_client	*auth;
	const struct door	*door;
	const struct tls	*tls;		/* NULL: there is none */
	struct ip		 client;
	struct span		 hostname;	/* ours */
	sasl_mask		 offered;
};

struct login;
/* The step that an answer has led to; never SASL_ASK. */
typedef void login_cb(void *arg, enum sasl_step);

struct login	*login_new(const struct login_from *, enum sasl_mech,
		    login_cb *, void *arg);
void		 login_free(struct login **);	/* no callback */
/*
 * As sasl_begin() and sasl_line(); SASL_ASK: the callback comes later, from the
 * loop.
 */
enum sasl_step	 login_begin(struct login *, const struct span *initial);
enum sasl_step	 login_line(struct login *, struct span);
const struct sasl *login_sasl(const struct login *);
/* The app password's name; "" for the password itself. */
const char	*login_which(const struct login *);
/* The map that has answered; by its number. */
uint32_t	 login_map(const struct login *);
/* It was refused for others' failures, or one's own before. */
bool		 login_slow(const struct login *);

/*
 * The mechanisms for a client with this connection (tls: NULL without TLS;
 * secret: what it says cannot be overheard).
 */
sasl_mask	 login_offers(const struct auth_client *, const struct door *,
		    const struct tls *, bool secret);

#endif
