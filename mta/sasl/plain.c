/*
 * plain.c - PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login): a name and a
 * password.
 *
 * A password is taken as the octets that it is: who set it in another encoding
 * than UTF-8 gets in with the same octets, and with no others.
 */
#include "config.h"

#include "mta/sasl/sasl_int.h"

static enum sasl_step
ask(struct sasl *s, struct span user, struct span password)
{
	return sasl_asks(s, &(struct sasl_question){ .want = SASL_PASSWORD,
	    .user = user, .secret = password });
}

/* --- PLAIN */

static enum sasl_step
plain_start(struct sasl *s)
{
	return sasl_says(s, SPAN_NONE);
}

/* RFC 4616, 2: [authzid] NUL authcid NUL passwd */
static enum sasl_step
plain_heard(struct sasl *s, struct span in)
{
	struct span	user, password;
	ptrdiff_t	first, second;

	if ((first = span_index(in, '\0')) == -1)
		return sasl_fails(s, SASL_SYNTAX, "no NUL");
	user = span_from(in, (size_t)first + 1);
	if ((second = span_index(user, '\0')) == -1)
		return sasl_fails(s, SASL_SYNTAX, "only one NUL");
	password = span_from(user, (size_t)second + 1);
	user.n = (size_t)second;
	if (password.n == 0 || span_index(password, '\0') != -1)
		return sasl_fails(s, SASL_SYNTAX,
		    "the password is empty, or has a NUL");
	s->authzid = span_mem(in.p, (size_t)first);
	if (!sasl_name_ok(user) ||
	    (s->authzid.n > 0 && !sasl_name_ok(s->authzid)))
		return sasl_fails(s, SASL_SYNTAX, "this is no user's name");
	return ask(s, user, password);
}

const struct sasl_ops	sasl_plain = {
	.start = plain_start, .heard = plain_heard
};

/* --- LOGIN: step 0 nothing said, 1 "Username:", 2 "Password:" */

static enum sasl_step
login_start(struct sasl *s)
{
	s->step = 1;
	return sasl_says(s, SPAN("Username:"));
}

static enum sasl_step
login_heard(struct sasl *s, struct span in)
{
	if (s->step == 1) {
		if (!sasl_name_ok(in))
			return sasl_fails(s, SASL_SYNTAX,
			    "this is no user's name");
		s->question.user = in;
		s->step = 2;
		return sasl_says(s, SPAN("Password:"));
	}
	if (in.n == 0 || span_index(in, '\0') != -1)
		return sasl_fails(s, SASL_SYNTAX,
		    "the password is empty, or has a NUL");
	return ask(s, s->question.user, in);
}

const struct sasl_ops	sasl_login = {
	.start = login_start, .heard = login_heard
};
