/*
 * external.c - EXTERNAL (RFC 4422, A): the client's certificate has said who it
 * is; it may name itself.
 */
#include "config.h"

#include "mta/sasl/sasl_int.h"

static enum sasl_step
external_start(struct sasl *s)
{
	return sasl_says(s, SPAN_NONE);
}

static enum sasl_step
external_heard(struct sasl *s, struct span in)
{
	if (in.n > 0 && !sasl_name_ok(in))
		return sasl_fails(s, SASL_SYNTAX, "this is no user's name");
	if (!sasl_name_ok(s->cx->certificate))
		return sasl_fails(s, SASL_WRONG,
		    "the client has no certificate that is verified");
	s->authzid = in;
	return sasl_asks(s, &(struct sasl_question){ .want = SASL_KNOWN,
	    .user = s->cx->certificate });
}

const struct sasl_ops	sasl_external = {
	.start = external_start, .heard = external_heard
};
