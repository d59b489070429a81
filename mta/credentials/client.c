/*
 * client.c - our side of a SASL exchange.
 */
#include "config.h"

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/credentials/client.h"
#include "mta/credentials/oauth.h"

#define ROUNDS_MAX	8	/* challenges of one exchange */

struct sasl_client {
	enum mech	 mech;
	Gsasl_session	*session;	/* NULL: a token */
	struct oauth	*oauth;
	unsigned	 rounds;
	bool		 done;		/* we have said all, and the hop has proven what it must */
};

static Gsasl	*library;

static void
library_open(void)
{
	int	rc;

	if (library == NULL && (rc = gsasl_init(&library)) != GSASL_OK)
		fatalx("GNU SASL: %s", gsasl_strerror(rc));
}

/* A copy that ends with NUL, for a property; wiped. */
static void
set(Gsasl_session *s, Gsasl_property property, struct span value)
{
	(void)gsasl_property_set_raw(s, property, value.n > 0 ? value.p : "",
	    value.n);
}

static void
set_binding(Gsasl_session *s, struct span binding)
{
	char	*text = NULL;
	size_t	 n;

	if (binding.n == 0 || gsasl_base64_to(binding.p, binding.n, &text,
	    &n) != GSASL_OK)
		return;
	(void)gsasl_property_set(s, GSASL_CB_TLS_EXPORTER, text);
	gsasl_free(text);
}

static Gsasl_session *
session_new(enum mech mech, const struct sasl_who *who, const char **why)
{
	Gsasl_session	*s;

	library_open();
	if (gsasl_client_start(library, mech_name(mech), &s) != GSASL_OK) {
		*why = "GNU SASL was built without this mechanism";
		return NULL;
	}
	set(s, GSASL_AUTHID, who->login);
	set(s, GSASL_PASSWORD, who->secret);
	set(s, GSASL_HOSTNAME, who->host);
	(void)gsasl_property_set(s, GSASL_SERVICE, "smtp");
	set_binding(s, who->binding);
	return s;
}

/* What would end a field, or a line of a file. */
static const char *
unsayable(const struct sasl_who *who)
{
	if (who->login.n == 0)
		return "the login is empty";
	if (who->secret.n == 0)
		return "the secret is empty";
	if (span_has_control(who->login))
		return "the login has control characters";
	if (span_has_control(who->secret) || who->secret.n > SASL_SECRET_MAX)
		return "the secret has control characters, or is too long";
	return NULL;
}

struct sasl_client *
sasl_client_new(enum mech mech, const struct sasl_who *who, const char **why)
{
	struct sasl_client	*c;
	Gsasl_session		*s = NULL;

	if ((*why = unsayable(who)) != NULL)
		return NULL;
	if (mech_given(mech) == GIVEN_PASSWORD &&
	    (s = session_new(mech, who, why)) == NULL)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->mech = mech;
	c->session = s;
	if (s == NULL)
		c->oauth = oauth_new(mech, who);
	return c;
}

void
sasl_client_free(struct sasl_client **cp)
{
	struct sasl_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (c->session != NULL)
		gsasl_finish(c->session);
	oauth_free(&c->oauth);
	free(c);
}

/* --- GNU SASL's */

static bool
is_scram(enum mech m)
{
	return m == MECH_SCRAM_SHA_256_PLUS || m == MECH_SCRAM_SHA_256 ||
	    m == MECH_SCRAM_SHA_1_PLUS || m == MECH_SCRAM_SHA_1;
}

/*
 * What a hop makes us compute: i= of SCRAM's first answer (RFC 5802, 5.1).
 * GNU SASL takes any number, and 10^9 are most of an hour for all logins.
 */
static bool
is_dear(const struct sasl_client *c, struct span challenge)
{
	struct span	field;
	ptrdiff_t	comma;
	uint64_t	n;

	if (!is_scram(c->mech))
		return false;
	while (challenge.n > 0) {
		comma = span_index(challenge, ',');
		field = span_mem(challenge.p, comma < 0 ? challenge.n :
		    (size_t)comma);
		challenge = span_from(challenge, field.n + (comma < 0 ? 0 : 1));
		if (span_prefix(field, SPAN("i=")) && !span_u64(
		    span_from(field, 2), SASL_ITERATIONS_MAX, &n))
			return true;
	}
	return false;
}

static bool
library_step(struct sasl_client *c, struct span in, struct buf *out)
{
	char	*said = NULL;
	size_t	 n = 0;
	int	 rc;

	rc = gsasl_step(c->session, in.n > 0 ? in.p : NULL, in.n, &said, &n);
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
		return false;
	if (n > 0)
		buf_add_span(out, span_mem(said, n));
	if (said != NULL) {
		explicit_bzero(said, n);
		gsasl_free(said);
	}
	c->done = rc == GSASL_OK;
	return true;
}

bool
sasl_client_begin(struct sasl_client *c, struct buf *out)
{
	if (!mech_is_first(c->mech))
		return false;
	if (c->oauth != NULL) {
		oauth_first(c->oauth, out);
		c->done = true;
		return true;
	}
	return library_step(c, SPAN_NONE, out);
}

enum sasl_next
sasl_client_step(struct sasl_client *c, struct span challenge,
    struct buf *out)
{
	if (++c->rounds > ROUNDS_MAX)
		return SASL_FAIL;
	if (c->oauth != NULL) {		/* it is not taken */
		c->done = false;
		oauth_error(c->oauth, challenge, out);
		return SASL_SAY;
	}
	if (c->done)			/* nothing is left to say */
		return SASL_FAIL;
	if (is_dear(c, challenge))
		return SASL_FAIL;
	return library_step(c, challenge, out) ? SASL_SAY : SASL_FAIL;
}

bool
sasl_client_is_done(const struct sasl_client *c)
{
	return c->done;
}

const char *
sasl_client_error(const struct sasl_client *c)
{
	return c->oauth != NULL ? oauth_said(c->oauth) : "";
}
