/*
 * oauth.c - tokens in SASL.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#include "mta/credentials/oauth.h"
#include "mta/credentials/reply.h"

struct oauth {
	bool		 bearer;	/* OAUTHBEARER */
	struct buf	 first;
	char		 said[OAUTH_SAID_MAX + 1];
};

/* A saslname (RFC 5801, 4): "," and "=" have other meanings. */
static void
add_name(struct buf *b, struct span name)
{
	size_t	i;

	for (i = 0; i < name.n; i++) {
		if (name.p[i] == ',')
			buf_add_str(b, "=2C");
		else if (name.p[i] == '=')
			buf_add_str(b, "=3D");
		else
			buf_add_char(b, name.p[i]);
	}
}

/* RFC 7628, 3.1: gs2-header, then key=value, each ended by ^A. */
static void
add_bearer(struct buf *b, const struct sasl_who *who)
{
	buf_add_str(b, "n,a=");
	add_name(b, who->login);
	buf_add_str(b, ",\001");
	if (who->host.n > 0)
		buf_addf(b, "host=%.*s\001", SPAN_ARG(who->host));
	if (who->port != 0)
		buf_addf(b, "port=%u\001", who->port);
	buf_add_str(b, "auth=Bearer ");
}

struct oauth *
oauth_new(enum mech mech, const struct sasl_who *who)
{
	struct oauth	*o = xcalloc(1, sizeof(*o));

	o->bearer = mech == MECH_OAUTHBEARER;
	/* In one piece: what grows leaves copies behind. */
	(void)buf_reserve(&o->first, 3 * who->login.n + who->host.n +
	    who->secret.n + 64);
	if (o->bearer)
		add_bearer(&o->first, who);
	else
		buf_addf(&o->first, "user=%.*s\001auth=Bearer ",
		    SPAN_ARG(who->login));
	buf_add_span(&o->first, who->secret);
	buf_add_str(&o->first, "\001\001");
	return o;
}

void
oauth_free(struct oauth **op)
{
	struct oauth	*o = *op;

	*op = NULL;
	if (o == NULL)
		return;
	explicit_bzero(o->first.base, o->first.cap);
	buf_clear(&o->first);
	free(o);
}

void
oauth_first(const struct oauth *o, struct buf *out)
{
	buf_add_span(out, buf_span(&o->first));
}

/* RFC 7628, 3.2.3: the dummy is ^A; Google's own form wants an empty line. */
void
oauth_error(struct oauth *o, struct span json, struct buf *out)
{
	reply_status(json, o->said, sizeof(o->said));
	if (o->bearer)
		buf_add_char(out, '\001');
}

const char *
oauth_said(const struct oauth *o)
{
	return o->said;
}
