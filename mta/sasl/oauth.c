/*
 * oauth.c - OAUTHBEARER (RFC 7628) and XOAUTH2, which was there before it: a
 * token that somebody else has given, and can verify.
 *
 *	OAUTHBEARER	n,a=ann@here.example,^Ahost=...^Aauth=Bearer TOKEN^A^A
 *	XOAUTH2		user=ann@here.example^Aauth=Bearer TOKEN^A^A
 *
 * A refusal is a JSON object as a challenge; the client's next line, whatever
 * it is (^A in RFC 7628, 3.2.3), ends the exchange.
 */
#include "config.h"

#include "mta/sasl/scram_text.h"
#include "mta/sasl/sasl_int.h"

enum step { FIRST, REFUSED };

static enum sasl_step
oauth_start(struct sasl *s)
{
	return sasl_says(s, SPAN_NONE);
}

/* RFC 7628, 3.2.2; scope and configuration are what we do not know. */
static enum sasl_step
oauth_wrong(struct sasl *s)
{
	s->step = REFUSED;
	return sasl_says(s, s->mech == SASL_XOAUTH2 ?
	    SPAN("{\"status\":\"401\",\"schemes\":\"bearer\"}") :
	    SPAN("{\"status\":\"invalid_token\"}"));
}

/* Up to the next ^A, which is eaten; false: there is none. */
static bool
take_pair(struct span *in, struct span *pair)
{
	ptrdiff_t	end = span_index(*in, '\1');

	if (end == -1)
		return false;
	*pair = span_mem(in->p, (size_t)end);
	*in = span_from(*in, (size_t)end + 1);
	return true;
}

/* kvpair = key "=" value; RFC 7628, 3.1 */
static bool
pair_ok(struct span pair, struct span *value)
{
	size_t	i = 0;

	while (i < pair.n && ascii_lower(pair.p[i]) >= 'a' &&
	    ascii_lower(pair.p[i]) <= 'z')
		i++;
	if (i == 0 || i == pair.n || pair.p[i] != '=')
		return false;
	*value = span_from(pair, i + 1);
	for (i = 0; i < value->n; i++)
		if ((value->p[i] < ' ' || value->p[i] > '~') &&
		    value->p[i] != '\t' && value->p[i] != '\r' &&
		    value->p[i] != '\n')
			return false;
	return true;
}

/* "Bearer TOKEN" (RFC 6750, 2.1); the scheme in any case. */
static bool
bearer(struct span value, struct span *token)
{
	size_t	i = 0, n;
	char	c;

	if (!span_iprefix(value, SPAN("Bearer ")))
		return false;
	*token = span_trim(span_from(value, 7));
	n = token->n;
	while (n > 0 && token->p[n - 1] == '=')
		n--;
	for (; i < n; i++) {
		c = ascii_lower(token->p[i]);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("-._~+/", c) != NULL)))
			return false;
	}
	return n > 0;
}

/*
 * *(key=value ^A) ^A, all of in.  False: no syntax.  token is empty where there
 * is no `auth`, or none that can be a token: it is asked what we want (4.3).
 */
static bool
pairs(struct span in, struct span *token)
{
	struct span	pair, value;
	bool		had = false;

	*token = SPAN_NONE;
	for (;;) {
		if (!take_pair(&in, &pair))
			return false;
		if (pair.n == 0)
			return in.n == 0;
		if (!pair_ok(pair, &value))
			return false;
		if (!span_prefix(pair, SPAN("auth=")))
			continue;
		if (had)
			return false;
		had = true;
		if (!bearer(value, token))
			*token = SPAN_NONE;
	}
}

/* The part before the pairs: who it is.  False: no syntax. */
static bool
bearer_name(struct sasl *s, struct span *in, struct span *user)
{
	struct scram_first	gs2;
	struct span		head;

	if (!take_pair(in, &head) || !scram_gs2(head, &gs2) ||
	    gs2.flag == 'p' || gs2.bare.n > 0)
		return false;
	*user = SPAN_NONE;
	return gs2.authzid.n == 0 || scram_name(s, gs2.authzid, user);
}

static bool
xoauth2_name(struct span *in, struct span *user)
{
	struct span	head;

	if (!take_pair(in, &head) || !span_prefix(head, SPAN("user=")))
		return false;
	*user = span_from(head, 5);
	return user->n == 0 || sasl_name_ok(*user);
}

static enum sasl_step
oauth_heard(struct sasl *s, struct span in)
{
	struct sasl_question	q = { .want = SASL_TOKEN };
	bool			ok;

	if (s->step == REFUSED)
		return sasl_fails(s, SASL_WRONG, "wrong");
	ok = s->mech == SASL_XOAUTH2 ? xoauth2_name(&in, &q.user) :
	    bearer_name(s, &in, &q.user);
	if (!ok || !pairs(in, &q.secret))
		return sasl_fails(s, SASL_SYNTAX, "not what it should be");
	s->question.user = q.user;
	if (q.secret.n == 0)
		return oauth_wrong(s);
	return sasl_asks(s, &q);
}

const struct sasl_ops	sasl_oauth = {
	.start = oauth_start, .heard = oauth_heard, .wrong = oauth_wrong
};
