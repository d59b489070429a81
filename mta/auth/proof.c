/*
 * proof.c - passwords, SCRAM and CRAM against the secrets of one account.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "mta/auth/proof.h"
#include "mta/auth/scram.h"
#include "mta/auth/secret.h"

/* --- an account's secrets */

struct each {
	void		(*cb)(void *, const struct account_item *);
	void		*arg;
	struct span	 app;		/* of secrets that name none themselves */
	const char	*why;		/* a secret is none */
};

static void
on_item(void *arg, const struct account_item *i)
{
	const struct each	*e = arg;
	struct account_item	 named = *i;

	if (i->part != ACCOUNT_SECRET)
		return;
	if (i->name.n == 0)
		named.name = e->app;
	e->cb(e->arg, &named);
}

static void
on_fault(void *arg, enum account_fault f, const char *at, const char *what)
{
	struct each	*e = arg;

	(void)at;
	if (f == ACCOUNT_BAD_SECRET)
		e->why = what;
}

/* NULL, or what is wrong with one of them. */
static const char *
each_secret(const struct proof_of *of,
    void (*cb)(void *, const struct account_item *), void *arg)
{
	struct each			 e = { .cb = cb, .arg = arg };
	const struct account_reader	 r = { on_item, on_fault, &e };
	struct span			 name, head;
	size_t				 i;

	if (of->raw.n > 0)
		(void)account_parse(of->raw, &r, &name, &head);
	for (i = 0; i < of->n; i++) {
		e.app = of->v[i].app;
		account_parse_secrets(of->v[i].text, &r);
	}
	return e.why;
}

void
proof_each(const struct proof_of *of,
    void (*cb)(void *, const struct account_item *), void *arg)
{
	(void)each_secret(of, cb, arg);
}

/* --- a password */

struct trying {
	struct span	 password;
	struct proof	*out;
	const char	*why;
	bool		 tried;
};

static void
fits(struct proof *out, const struct account_item *i)
{
	if (out->result == AUTH_RIGHT)
		return;
	out->result = AUTH_RIGHT;
	out->which = i->name;
	out->secret = i->value;
}

static void
try_password(void *arg, const struct account_item *i)
{
	struct trying		*t = arg;
	enum auth_result	 is;

	if (t->out->result == AUTH_RIGHT)
		return;
	t->tried = true;
	is = secret_verify(i->scheme, i->value, t->password);
	t->out->refuted |= is == AUTH_WRONG;
	if (is == AUTH_RIGHT)
		fits(t->out, i);
	else if (is == AUTH_CANNOT)
		t->why = "a secret that this system's library cannot verify";
}

/* One that cannot be read may have been the right one. */
static void
decide(struct proof *out, const char *why)
{
	if (out->result == AUTH_RIGHT || why == NULL)
		return;
	out->result = AUTH_CANNOT;
	out->why = why;
}

void
proof_password(const struct proof_of *of, struct span password,
    struct proof *out)
{
	struct trying	 t = { .password = password, .out = out };
	const char	*why;

	*out = (struct proof){ .result = AUTH_WRONG };
	why = each_secret(of, try_password, &t);
	if (!t.tried)
		secret_verify_nobody(password);
	decide(out, t.why != NULL ? t.why : why);
}

/* --- SCRAM */

static enum account_scheme
scheme_of(enum auth_hash h)
{
	return h == AUTH_SHA_1 ? ACCOUNT_SCRAM_SHA_1 : ACCOUNT_SCRAM_SHA_256;
}

/* Fields of the first secret of a scheme; the others are compared with them. */
struct first {
	enum account_scheme	 scheme;
	bool			 found;
	struct account_scram	 scram;
};

static bool
same_salt(const struct account_scram *a, const struct account_scram *b)
{
	return a->iterations == b->iterations && span_eq(a->salt, b->salt);
}

static void
take_first(void *arg, const struct account_item *i)
{
	struct first	*f = arg;

	if (!f->found && i->scheme == f->scheme)
		f->found = account_scram_parse(i->scheme, i->value,
		    &f->scram);
}

static bool
first_of(const struct proof_of *of, enum account_scheme scheme,
    struct first *f)
{
	*f = (struct first){ .scheme = scheme };
	proof_each(of, take_first, f);
	return f->found;
}

bool
proof_scram_begins(const struct proof_of *of, enum auth_hash hash,
    struct proof_scram *out)
{
	struct first	 f;
	uint8_t		 salt[SECRET_DECODED_MAX];

	if (!first_of(of, scheme_of(hash), &f))
		return false;
	out->nsalt = secret_decode(f.scram.salt, salt);
	if (out->nsalt == 0 || out->nsalt > sizeof(out->salt))
		return false;
	memcpy(out->salt, salt, out->nsalt);
	out->iterations = f.scram.iterations;
	return true;
}

struct proving {
	struct first	 first;
	struct span	 message, proof;
	struct proof	*out;
	bool		 tried;
};

/* Keys that nobody's proof fits: what is computed with them is as much. */
static void
keys_of(const struct account_scram *s, size_t n, struct scram_keys *k)
{
	uint8_t	 key[SECRET_DECODED_MAX];

	*k = (struct scram_keys){ .n = n };
	if (s != NULL && secret_decode(s->stored_key, key) == n)
		memcpy(k->stored, key, n);
	if (s != NULL && secret_decode(s->server_key, key) == n)
		memcpy(k->server, key, n);
	explicit_bzero(key, sizeof(key));
}

/* true: it is the proof of who knows the ClientKey. */
static bool
prove(struct proving *p, const struct account_scram *s, uint8_t *signature)
{
	struct scram_keys	 k;
	bool			 is;

	keys_of(s, p->first.scheme == ACCOUNT_SCRAM_SHA_1 ? 20 : 32, &k);
	is = scram_proof(p->first.scheme, &k, p->message, p->proof,
	    signature);
	explicit_bzero(&k, sizeof(k));
	p->tried = true;
	return is && s != NULL;
}

static void
try_proof(void *arg, const struct account_item *i)
{
	struct proving		*p = arg;
	struct account_scram	 s;
	uint8_t			 signature[SCRAM_KEY_MAX];

	if (i->scheme != p->first.scheme ||
	    !account_scram_parse(i->scheme, i->value, &s) ||
	    !same_salt(&s, &p->first.scram) || !prove(p, &s, signature) ||
	    p->out->result == AUTH_RIGHT)
		return;
	fits(p->out, i);
	p->out->nsignature = i->scheme == ACCOUNT_SCRAM_SHA_1 ? 20 : 32;
	memcpy(p->out->signature, signature, p->out->nsignature);
}

void
proof_scram(const struct proof_of *of, enum auth_hash hash,
    struct span message, struct span proof, struct proof *out)
{
	struct proving	 p = {
		.message = message, .proof = proof, .out = out
	};
	uint8_t		 signature[SCRAM_KEY_MAX];
	const char	*why = NULL;

	*out = (struct proof){ .result = AUTH_WRONG };
	if (first_of(of, scheme_of(hash), &p.first))
		why = each_secret(of, try_proof, &p);
	out->refuted = p.tried && out->result != AUTH_RIGHT;
	if (!p.tried)
		(void)prove(&p, NULL, signature);
	decide(out, why);
}

/* --- CRAM-MD5 */

struct cramming {
	struct span	 challenge, digest;
	struct proof	*out;
	bool		 tried, cannot;
};

static bool
cram_fits(struct cramming *c, struct span password)
{
	uint8_t	 is[EVP_MAX_MD_SIZE];
	bool	 fit;

	c->tried = true;
	if (HMAC(EVP_md5(), password.n > 0 ? password.p : "",
	    (int)password.n, (const unsigned char *)c->challenge.p,
	    c->challenge.n, is, NULL) == NULL) {
		c->cannot = true;	/* a library without MD5 */
		return false;
	}
	fit = c->digest.n == AUTH_CRAM_OCTETS &&
	    CRYPTO_memcmp(is, c->digest.p, AUTH_CRAM_OCTETS) == 0;
	explicit_bzero(is, sizeof(is));
	return fit;
}

static void
try_cram(void *arg, const struct account_item *i)
{
	struct cramming	*c = arg;

	if (i->scheme == ACCOUNT_PLAIN && cram_fits(c, i->value))
		fits(c->out, i);
}

void
proof_cram(const struct proof_of *of, struct span challenge,
    struct span digest, struct proof *out)
{
	struct cramming	 c = {
		.challenge = challenge, .digest = digest, .out = out
	};
	const char	*why;

	*out = (struct proof){ .result = AUTH_WRONG };
	why = each_secret(of, try_cram, &c);
	out->refuted = c.tried && out->result != AUTH_RIGHT;
	if (!c.tried)
		(void)cram_fits(&c, SPAN("nobody"));
	decide(out, c.cannot ? "this system's library has no MD5" : why);
}

/* --- what it can use */

/* Each password of the account, own or an app's, is a group of secrets. */
struct offering {
	struct first	 first[2];	/* by enum auth_hash */
	struct span	 app;		/* of the group under way */
	bool		 any;		/* has begun */
	unsigned	 has;		/* SCRAM that the group has */
	unsigned	 sane, could;
};

static const struct {
	enum account_scheme	 scheme;
	unsigned		 offer;
} scrams[] = {
	[AUTH_SHA_1] = { ACCOUNT_SCRAM_SHA_1, AUTH_SCRAM_SHA_1 },
	[AUTH_SHA_256] = { ACCOUNT_SCRAM_SHA_256, AUTH_SCRAM_SHA_256 }
};

static void
group_ends(struct offering *o)
{
	if (o->any)
		o->sane &= o->has;
	o->has = 0;
}

static void
offer_scram(struct offering *o, unsigned hash, const struct account_item *i)
{
	struct account_scram	 s;

	if (i->scheme != scrams[hash].scheme || !o->first[hash].found ||
	    !account_scram_parse(i->scheme, i->value, &s))
		return;
	o->could |= scrams[hash].offer;
	if (same_salt(&s, &o->first[hash].scram))
		o->has |= scrams[hash].offer;
}

static void
offer(void *arg, const struct account_item *i)
{
	struct offering	*o = arg;

	if (!o->any || !span_eq(i->name, o->app))
		group_ends(o);
	o->any = true;
	o->app = i->name;
	offer_scram(o, AUTH_SHA_1, i);
	offer_scram(o, AUTH_SHA_256, i);
	if (i->scheme == ACCOUNT_PLAIN)
		o->could |= AUTH_CRAM_MD5;
}

struct auth_offers
proof_offers(const struct proof_of *of)
{
	struct offering	 o = { .sane = AUTH_SCRAM_SHA_1 | AUTH_SCRAM_SHA_256 };

	(void)first_of(of, ACCOUNT_SCRAM_SHA_1, &o.first[AUTH_SHA_1]);
	(void)first_of(of, ACCOUNT_SCRAM_SHA_256, &o.first[AUTH_SHA_256]);
	proof_each(of, offer, &o);
	group_ends(&o);
	if (!o.any)
		return (struct auth_offers){ 0, 0 };
	return (struct auth_offers){
		AUTH_PLAIN | o.sane, AUTH_PLAIN | o.could
	};
}
