/*
 * client_params.c - what a hop can take, by what it offers, and the parameters
 * that MAIL and RCPT have then.
 *
 * What a hop cannot take as it is (RFC 6152, 3; RFC 3030, 3; RFC 6531, 3.2) is
 * converted before anything of it is said (client_convert.c), or fails.
 */
#include "mta/relay/client_int.h"

#include "base/clock.h"
#include "mail/xtext.h"
#include "mta/msg/msg.h"
#include "mta/spool/envelope.h"

#define ENCODED_MAX	500	/* octets of ORCPT as it is sent; RFC 3461, 4.2 */
#define SECONDS_MAX	999999999	/* nine digits; RFC 2852, 4 */

/* --- whether it can */

/*
 * A session that was not opened for mail with REQUIRETLS (client_requiretls.c)
 * has none; a mailbox by LMTP on this machine is the end of the way (RFC 8689, 4.4).
 */
static bool
lacks_requiretls(const struct client *c)
{
	return (job_tls_flags(c->job) & ENV_REQUIRETLS) &&
	    !client_keeps_requiretls(c) && !client_is_end(c);
}

/* Octets that the hop would take for something else; true: *why is set. */
static bool
is_refused(const struct client *c, struct outcome *why)
{
	const struct job		*j = c->job;
	const struct content_place	 at = job_content(j);

	if (at.fd == -1 && at.mem == NULL)
		outcome_set(why, 451, "4.3.0", "the content is not there");
	else if (lacks_requiretls(c))
		client_lacks_requiretls(c, why);
	else
		return false;
	return true;
}

/* Seconds to the deadline. */
static int64_t
left_s(const struct job *j)
{
	int64_t	left = (j->by_ms - clock_wall_ms()) / 1000;

	return left > SECONDS_MAX ? SECONDS_MAX :
	    left < -SECONDS_MAX ? -SECONDS_MAX : left;
}

/* The hop takes part in the deadline (RFC 2852). */
static bool
keeps_time(const struct client *c)
{
	const struct job	*j = c->job;

	if (!c->ext.deliverby || !(j->flags & (ENV_BY_RETURN | ENV_BY_NOTIFY)))
		return false;
	return c->ext.deliverby_min_s == 0 ||
	    left_s(j) >= (int64_t)c->ext.deliverby_min_s;
}

/* What is to be returned rather than late is not given to who may be late. */
static bool
is_late(const struct client *c, struct outcome *why)
{
	const struct job	*j = c->job;

	if (!(j->flags & ENV_BY_RETURN))
		return false;
	if (left_s(j) <= 0)
		outcome_set(why, 554, "5.4.7", "the time that its sender has "
		    "set is over");
	else if (!c->ext.deliverby)
		outcome_set(why, 554, "5.4.4", "%s does not offer DELIVERBY, "
		    "which the message needs", c->mta);
	else if (!keeps_time(c))
		outcome_set(why, 554, "5.4.7", "%s takes %llu seconds to "
		    "deliver, and the message has %lld left", c->mta,
		    (unsigned long long)c->ext.deliverby_min_s,
		    (long long)left_s(j));
	else
		return false;
	return true;
}

/* Addresses as they are, or with A-labels; true: none is left. */
static bool
is_utf8(struct client *c, struct outcome *why)
{
	struct job	*j = c->job;

	if (c->ext.smtputf8 || !job_needs_utf8(j)) {
		(void)job_address(j, true, NULL);
		return false;
	}
	outcome_set(why, 553, "5.6.7", "%s does not offer SMTPUTF8, which the "
	    "address needs", c->mta);
	return !job_address(j, false, why);
}

/*
 * RFC 9422: what the hop says that it does not take is not said to it.  The
 * queue sends the others at once; a client that waits has them spooled.
 */
static void
keep_limits(struct client *c)
{
	struct job	*j = c->job;
	struct outcome	 why;
	size_t		 i, all = j->nsend;

	if (!job_limit(j, c->ext.rcpt_max, c->ext.rcpt_domain_max) || !j->cut)
		return;
	outcome_set(&why, 452, "4.5.3", "%s takes %zu of these recipients in "
	    "one transaction", c->mta, j->nsend);
	for (i = j->nsend; i < all; i++)
		job_result(j, i, &why);
}

bool
client_can_take(struct client *c, struct outcome *why)
{
	struct job	*j = c->job;

	c->bdat = (j->flags & ENV_BINARY) && c->ext.binarymime &&
	    c->ext.chunking;
	j->offers = (uint8_t)((c->ext.dsn ? RELAYED_DSN : 0) |
	    (keeps_time(c) ? RELAYED_DELIVERBY : 0));
	return j->probe || !(is_refused(c, why) || is_late(c, why));
}

bool
client_can_say(struct client *c, struct outcome *why)
{
	uint64_t	length = c->convert.length;

	if (c->ext.size_max > 0 && length > c->ext.size_max) {
		outcome_set(why, 552, "5.3.4", "%llu octets are more than %s "
		    "takes (%llu)", (unsigned long long)length, c->mta,
		    (unsigned long long)c->ext.size_max);
		return false;
	}
	if (is_utf8(c, why))
		return false;
	keep_limits(c);
	return true;
}

/* --- MAIL (RFC 5321, 4.1.1.2) */

static void
put_body(struct client *c)
{
	if (c->bdat)
		buf_add_str(&c->out, " BODY=BINARYMIME");
	else if (c->ext.eightbitmime &&
	    (c->job->flags & (ENV_8BIT | ENV_BINARY)))
		buf_add_str(&c->out, " BODY=8BITMIME");
}

/* RFC 3461, 4.3 and 4.4 */
static void
put_dsn(struct client *c)
{
	const struct job	*j = c->job;

	if (j->flags & (ENV_RET_FULL | ENV_RET_HDRS))
		buf_addf(&c->out, " RET=%s",
		    j->flags & ENV_RET_FULL ? "FULL" : "HDRS");
	if (j->envid.n > 0) {
		buf_add_str(&c->out, " ENVID=");
		xtext_encode(j->envid, &c->out);
	}
}

void
client_put_mail(struct client *c)
{
	const struct job	*j = c->job;

	buf_addf(&c->out, "MAIL FROM:<%.*s>", SPAN_ARG(j->wire_sender));
	if (c->ext.size && !j->probe)
		buf_addf(&c->out, " SIZE=%llu",
		    (unsigned long long)c->convert.length);
	put_body(c);
	if (c->ext.smtputf8 && job_needs_utf8(j))
		buf_add_str(&c->out, " SMTPUTF8");
	if ((j->flags & ENV_REQUIRETLS) && c->ext.requiretls &&
	    client_tls_on(c) != NULL)
		buf_add_str(&c->out, " REQUIRETLS");
	if (c->ext.dsn)
		put_dsn(c);
	if (keeps_time(c))
		buf_addf(&c->out, " BY=%lld;%c%s", (long long)left_s(j),
		    j->flags & ENV_BY_RETURN ? 'R' : 'N',
		    j->flags & ENV_BY_TRACE ? "T" : "");
	buf_add_str(&c->out, "\r\n");
}

/* --- RCPT (4.1.1.3) */

static void
put_notify(struct buf *out, unsigned notify)
{
	static const struct {
		unsigned	 bit;
		const char	*word;
	} words[] = {
		{ NOTIFY_NEVER, "NEVER" }, { NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" }, { NOTIFY_DELAY, "DELAY" },
	};
	const char	*before = " NOTIFY=";
	size_t		 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (notify & words[i].bit) {
			buf_addf(out, "%s%s", before, words[i].word);
			before = ",";
		}
}

/* Encoded once more, from what it was decoded to; RFC 6533, 3 for utf-8. */
static void
put_orcpt(struct client *c, const struct job_rcpt *r)
{
	struct buf	 b = { 0 };

	buf_add_span(&b, r->orcpt_type);
	buf_add_char(&b, ';');
	if (span_ieq(r->orcpt_type, SPAN("utf-8")))
		xtext_encode_utf8(r->orcpt, c->ext.smtputf8 &&
		    job_needs_utf8(c->job), &b);
	else
		xtext_encode(r->orcpt, &b);
	if (b.n <= ENCODED_MAX) {
		buf_add_str(&c->out, " ORCPT=");
		buf_add_span(&c->out, buf_span(&b));
	}
	buf_clear(&b);
}

void
client_put_rcpt(struct client *c, const struct job_rcpt *r)
{
	buf_addf(&c->out, "RCPT TO:<%.*s>", SPAN_ARG(r->wire));
	if (c->ext.dsn && r->notify != 0)
		put_notify(&c->out, r->notify);
	if (c->ext.dsn && r->orcpt_type.n > 0)
		put_orcpt(c, r);
	buf_add_str(&c->out, "\r\n");
}
