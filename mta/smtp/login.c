/*
 * login.c - SASL's questions, put to auth.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/octets.h"
#include "mta/smtp/login.h"

struct login {
	struct login_from	 from;
	struct sasl_context	 cx;
	uint8_t			 exporter[TLS_BINDING_MAX];
	uint8_t			 end_point[TLS_BINDING_MAX];
	struct sasl		*sasl;
	login_cb		*cb;
	void			*arg;
	uint64_t		 ticket;	/* 0: nothing is asked */
	unsigned		 map;		/* of the door's */
	bool			 found;		/* this map has the user, or none has */
	bool			 slow;
	char			 which[AUTH_WHICH_MAX + 1];
};

static void	answered(void *, const struct auth_verdict *);

/* --- the connection */

static struct span
binding(const struct tls *tls, enum tls_binding which, uint8_t *octets)
{
	return span_mem(octets, tls_binding(tls, which, octets));
}

static void
look_at_tls(struct login *l)
{
	const struct tls	*tls = l->from.tls;

	if (tls == NULL)
		return;
	l->cx.exporter = binding(tls, TLS_BINDING_EXPORTER, l->exporter);
	l->cx.end_point = binding(tls, TLS_BINDING_END_POINT, l->end_point);
	l->cx.certificate = tls_client_name(tls);
}

struct login *
login_new(const struct login_from *from, enum sasl_mech mech, login_cb *cb,
    void *arg)
{
	struct login	*l = xcalloc(1, sizeof(*l));

	l->from = *from;
	l->cb = cb;
	l->arg = arg;
	l->cx.hostname = from->hostname;
	l->cx.offered = from->offered;
	look_at_tls(l);
	l->sasl = sasl_new(mech, &l->cx);
	return l;
}

void
login_free(struct login **lp)
{
	struct login	*l = *lp;

	if (l == NULL)
		return;
	*lp = NULL;
	if (l->ticket != 0)
		auth_client_cancel(l->from.auth, l->ticket);
	sasl_free(&l->sasl);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

const struct sasl *
login_sasl(const struct login *l)
{
	return l->sasl;
}

const char *
login_which(const struct login *l)
{
	return l->which;
}

bool
login_slow(const struct login *l)
{
	return l->slow;
}

uint32_t
login_map(const struct login *l)
{
	return door_map(l->from.door, l->map);
}

/* --- asking */

/* Whose map is not known: it is looked for first, where there are several. */
static bool
finding(const struct login *l)
{
	return !l->found && l->from.door->nmaps > 1 &&
	    sasl_question(l->sasl)->user.n > 0;
}

static enum auth_ask
ask_of(enum sasl_want want)
{
	static const enum auth_ask	asks[] = {
		[SASL_PASSWORD] = AUTH_ASK_PASSWORD,
		[SASL_SALT] = AUTH_ASK_SCRAM,
		[SASL_PROOF] = AUTH_ASK_PROOF,
		[SASL_DIGEST] = AUTH_ASK_CRAM,
		[SASL_TOKEN] = AUTH_ASK_TOKEN,
		[SASL_KNOWN] = AUTH_ASK_KNOWN,
	};

	return asks[want];
}

/* CRAM-MD5's digest comes as hexadecimal digits; the form has been looked at. */
static struct span
from_hex(struct span digits, char out[AUTH_CRAM_OCTETS])
{
	for (size_t i = 0; i < AUTH_CRAM_OCTETS; i++)
		out[i] = (char)octets_hex(span_from(digits, 2 * i));
	return span_mem(out, AUTH_CRAM_OCTETS);
}

static void
ask(struct login *l)
{
	const struct sasl_question *q = sasl_question(l->sasl);
	char			 digest[AUTH_CRAM_OCTETS] = { 0 };
	struct auth_question	 a = {
		.ask = AUTH_ASK_KNOWN, .user = q->user,
		.map = door_map_name(l->from.door, l->map), .client = l->from.client,
		.service = SPAN("smtp"),
		.mechanism = span_of(sasl_name(sasl_mechanism(l->sasl))),
	};

	if (!finding(l)) {
		a.ask = ask_of(q->want);
		a.hash = q->hash == SASL_SHA_1 ? AUTH_SHA_1 : AUTH_SHA_256;
		a.message = q->text;
		a.secret = q->want == SASL_DIGEST ?
		    from_hex(q->secret, digest) : q->secret;
	}
	l->ticket = auth_client_ask(l->from.auth, &a, answered, l);
	explicit_bzero(digest, sizeof(digest));
}

/*
 * Looking for the map: false when something is asked again.  A map that cannot
 * say may be the one.
 */
static bool
found(struct login *l, enum auth_result r)
{
	if (r == AUTH_WRONG && l->map + 1 < l->from.door->nmaps)
		l->map++;
	else if (r == AUTH_WRONG) {
		l->map = 0;	/* nobody: the first says so, in its time */
		l->found = true;
	} else if (r == AUTH_RIGHT)
		l->found = true;
	else
		return true;
	ask(l);
	return false;
}

/* A token may say itself whose it is: then each map is asked. */
static bool
another_map(struct login *l, enum auth_result r)
{
	if (r != AUTH_WRONG || l->found ||
	    l->map + 1 >= l->from.door->nmaps ||
	    sasl_question(l->sasl)->user.n > 0)
		return false;
	l->map++;
	ask(l);
	return true;
}

static struct sasl_told
told(const struct auth_verdict *v)
{
	struct sasl_told	t = {
		.user = span_of(v->user),
		.salt = span_mem(v->salt, v->nsalt),
		.iterations = v->iterations,
		.signature = span_mem(v->signature, v->nsignature)
	};

	t.answer = v->result == AUTH_RIGHT ? SASL_RIGHT :
	    v->result == AUTH_WRONG ? SASL_NOT_RIGHT : SASL_DONT_KNOW;
	return t;
}

static void
answered(void *arg, const struct auth_verdict *v)
{
	struct login		*l = arg;
	struct sasl_told	 t;
	enum sasl_step		 step;

	l->ticket = 0;
	if (finding(l) && !found(l, v->result))
		return;
	if (another_map(l, v->result))
		return;
	l->slow = v->result == AUTH_SLOW;
	memcpy(l->which, v->which, sizeof(l->which));
	t = told(v);
	step = sasl_told(l->sasl, &t);
	if (step == SASL_ASK)
		ask(l);
	else
		l->cb(l->arg, step);
}

static enum sasl_step
asked(struct login *l, enum sasl_step step)
{
	if (step == SASL_ASK)
		ask(l);
	return step;
}

enum sasl_step
login_begin(struct login *l, const struct span *initial)
{
	return asked(l, sasl_begin(l->sasl, initial));
}

enum sasl_step
login_line(struct login *l, struct span line)
{
	return asked(l, sasl_line(l->sasl, line));
}

/* --- what is offered */

static sasl_mask
by_accounts(unsigned offers)
{
	sasl_mask	m = 0;

	if (offers & AUTH_PLAIN)
		m |= SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN);
	if (offers & AUTH_SCRAM_SHA_1)
		m |= SASL_BIT(SASL_SCRAM_SHA_1) |
		    SASL_BIT(SASL_SCRAM_SHA_1_PLUS);
	if (offers & AUTH_SCRAM_SHA_256)
		m |= SASL_BIT(SASL_SCRAM_SHA_256) |
		    SASL_BIT(SASL_SCRAM_SHA_256_PLUS);
	if (offers & AUTH_CRAM_MD5)
		m |= SASL_BIT(SASL_CRAM_MD5);
	if (offers & AUTH_TOKENS)
		m |= SASL_BIT(SASL_OAUTHBEARER) | SASL_BIT(SASL_XOAUTH2);
	return m;
}

/*
 * What makes sense for all maps, or where the policy names mechanisms what
 * some account can use.  As long as auth has said nothing of a map: a password.
 */
static unsigned
offers_of_maps(const struct auth_client *auth, const struct door *d)
{
	struct auth_offers	o;
	unsigned		sane = ~0u, could = 0;

	for (unsigned i = 0; i < d->nmaps; i++) {
		if (!auth_client_offers(auth, door_map_name(d, i), &o))
			o = (struct auth_offers){ AUTH_PLAIN, AUTH_PLAIN };
		sane &= o.sane;
		could |= o.could;
	}
	return d->names_mechanisms ? could : sane;
}

static sasl_mask
by_connection(const struct tls *tls, bool may_external)
{
	sasl_mask	m = ~(sasl_mask)0;
	uint8_t		octets[TLS_BINDING_MAX];

	if (tls == NULL ||
	    (tls_binding(tls, TLS_BINDING_EXPORTER, octets) == 0 &&
	    tls_binding(tls, TLS_BINDING_END_POINT, octets) == 0))
		m &= ~(SASL_BIT(SASL_SCRAM_SHA_1_PLUS) |
		    SASL_BIT(SASL_SCRAM_SHA_256_PLUS));
	if (!may_external)
		m &= ~SASL_BIT(SASL_EXTERNAL);
	return m;
}

sasl_mask
login_offers(const struct auth_client *auth, const struct door *d,
    const struct tls *tls, bool secret)
{
	bool		external = tls != NULL && tls_client_verified(tls);
	sasl_mask	m;

	if (d->auth == DOOR_AUTH_NONE || d->nmaps == 0 ||
	    (!secret && !d->auth_clear))
		return 0;
	m = by_accounts(offers_of_maps(auth, d));
	if (external)
		m |= SASL_BIT(SASL_EXTERNAL);
	return m & d->mechanisms & by_connection(tls, external);
}
