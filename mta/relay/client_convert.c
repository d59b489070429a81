/*
 * client_convert.c - a message that the hop may not take as it is: looked at,
 * measured, sent in another form (mail/downgrade.h).
 *
 * A small content is looked at at once; of a large one a piece is in each turn
 * of the loop.  Nothing of a converted message is kept: it is made anew, piece
 * by piece, when it is sent, and was as long when it was measured.
 */
#include "mta/relay/client_int.h"

#include "base/log.h"
#include "mta/spool/envelope.h"
#include "mta/spool/qid.h"

static void	on_next(void *);

/* What the hop lacks of what the envelope says that the message has. */
static unsigned
lacks(const struct client *c)
{
	const uint32_t	flags = c->job->flags;
	unsigned	what = 0;

	if (c->job->probe)
		return 0;
	if (!c->bdat && (flags & ENV_BINARY))
		what |= DOWNGRADE_BINARY;
	if (!c->bdat && !c->ext.eightbitmime &&
	    (flags & (ENV_8BIT | ENV_BINARY)))
		what |= DOWNGRADE_8BIT | DOWNGRADE_BINARY;
	if ((flags & ENV_UTF8) && !c->ext.smtputf8)
		what |= DOWNGRADE_HEADER;
	return what;
}

bool
client_suits(const struct client *c, const struct job *j)
{
	const bool	binary = c->ext.binarymime && c->ext.chunking;

	if (job_needs_utf8(j) && !c->ext.smtputf8)
		return false;
	if (j->probe || !(j->flags & (ENV_8BIT | ENV_BINARY)))
		return true;
	return j->flags & ENV_BINARY ? binary : c->ext.eightbitmime;
}

static const char *
lacking(unsigned what)
{
	if (what & DOWNGRADE_HEADER)
		return "SMTPUTF8";
	return what & DOWNGRADE_8BIT ? "8BITMIME" : "BINARYMIME";
}

void
client_convert_end(struct client *c)
{
	timer_clear(&c->convert.next);
	downgrade_free(&c->convert.how);
	c->convert.lacks = 0;
}

/* --- the end of looking */

static void
refused(struct client *c, const char *status, const char *text)
{
	struct outcome	why;

	outcome_set(&why, 554, status, "%s does not offer %s, and the message "
	    "cannot be converted: %s", c->mta, lacking(c->convert.lacks),
	    text);
	job_result_rest(c->job, &why);
	client_finish(c, CLIENT_IDLE);
}

static void
unreadable(struct client *c)
{
	struct outcome	why;

	log_warn("job=%llu event=content-unreadable",
	    (unsigned long long)c->job->id);
	outcome_set(&why, 451, "4.3.0", "the content cannot be read");
	job_result_rest(c->job, &why);
	client_finish(c, CLIENT_IDLE);
}

/* Said once for each message and hop, when all is decided. */
static void
tell(const struct client *c)
{
	const struct downgrade	*d = c->convert.how;
	char			 qid[QID_TEXT];

	log_info("id=%s mta=%s event=converted lacks=%s%s%s body=%s header=%s "
	    "size=%llu signatures=%s", qid_format(c->job->qid, qid), c->mta,
	    c->convert.lacks & DOWNGRADE_8BIT ? "8bitmime" :
	    c->convert.lacks & DOWNGRADE_BINARY ? "binarymime" : "",
	    c->convert.lacks > DOWNGRADE_HEADER ? "," : "",
	    c->convert.lacks & DOWNGRADE_HEADER ? "smtputf8" : "",
	    downgrade_has_body(d) ? "yes" : "no",
	    downgrade_has_header(d) ? "yes" : "no",
	    (unsigned long long)c->convert.length,
	    downgrade_is_signed(d) ? "broken" : "none");
}

static void
start_measuring(struct client *c)
{
	const struct content_place	at = job_content(c->job);

	c->convert.measuring = true;
	c->convert.length = 0;
	content_start(&c->convert.at, &at, true, c->convert.how);
}

/* All of it has been looked at.  true: there is more to do. */
static bool
decide(struct client *c)
{
	const char	*status, *why;

	switch (downgrade_decide(c->convert.how, &status, &why)) {
	case DOWNGRADE_CONVERTED:
		start_measuring(c);
		return true;
	case DOWNGRADE_REFUSED:
		refused(c, status, why);
		return false;
	case DOWNGRADE_AS_IS:
		break;
	}
	downgrade_free(&c->convert.how);
	client_begin_mail(c);
	return false;
}

/* --- piece by piece */

/* The next piece is looked at; true: there is more to do. */
static bool
look(struct client *c)
{
	struct span	piece;

	if (c->convert.at.left > 0) {
		if (content_read(&c->convert.at, &piece) == -1) {
			unreadable(c);
			return false;
		}
		downgrade_look(c->convert.how, piece);
	}
	return c->convert.at.left > 0 || decide(c);
}

static bool
measure(struct client *c)
{
	struct buf		out = { 0 };
	enum content_got	got = content_next(&c->convert.at, &out);

	c->convert.length += out.n;
	buf_clear(&out);
	if (got == CONTENT_MORE)
		return true;
	if (got == CONTENT_LAST) {
		tell(c);
		client_begin_mail(c);
	} else
		unreadable(c);
	return false;
}

/* What fits into one piece is done at once. */
static void
proceed(struct client *c)
{
	bool	small = c->job->length <= CONTENT_PIECE, more;

	do
		more = c->convert.measuring ? measure(c) : look(c);
	while (more && small);
	if (more)
		timer_set(&c->convert.next, 0, on_next, c);
}

static void
on_next(void *arg)
{
	struct client	*c = arg;

	client_call_begin(c);
	proceed(c);
	client_call_end(c);
}

void
client_convert_begin(struct client *c)
{
	const struct content_place	at = job_content(c->job);

	c->convert.length = c->job->length;
	c->convert.measuring = false;
	if ((c->convert.lacks = lacks(c)) == 0) {
		client_begin_mail(c);
		return;
	}
	c->convert.how = downgrade_new(c->convert.lacks);
	content_start(&c->convert.at, &at, true, NULL);
	client_step(c, LOOKING, "message");
	proceed(c);
}
