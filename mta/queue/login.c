/*
 * login.c - logins at next hops, as far as the queue knows of them.
 */
#include "mta/queue/login.h"

#include "mta/msg/login.h"
#include "mta/queue/queue.h"
#include "ruleset/image.h"

/* Behind the login stands what is asked at each login: a password. */
static bool
has_expression(const struct rs_image *img, uint32_t relay)
{
	const struct rs_optval	*o;
	unsigned		 i;

	if (!rs_option(img, relay, RS_OPT_RELAY_auth, 0, &o))
		return false;
	for (i = 1; i < o->nplaces; i++)
		if (rs_option_place(img, o, i).is_func)
			return true;
	return false;
}

bool
login_wants_facts(const struct rs_image *img)
{
	uint32_t	i;

	for (i = 0; i < rs_nobject(img); i++)
		if (rs_object(img, i)->kind == RS_O_RELAY &&
		    has_expression(img, i))
			return true;
	return false;
}

/* Of several recipients the first one: their hop, and so their login, is one. */
struct span
login_facts(const struct queue *q, const struct hop *h,
    const struct envelope *e, struct span rcpt, struct arena *a)
{
	struct envelope	 said = { .qid = e->qid, .arrival_ms = e->arrival_ms,
	    .flags = e->flags, .size = e->size, .sender = e->sender,
	    .nrcpts = 1, .rcpts = &rcpt, .nfacts = e->nfacts,
	    .facts = e->facts };
	struct buf	 octets = { 0 };
	struct span	 out = SPAN_NONE;

	if (!q->set.login_facts ||
	    !span_prefix(span_mem(h->text, h->text_n), SPAN("relay:")))
		return SPAN_NONE;
	envelope_format(&said, &octets);
	if (octets.n <= LOGIN_FACTS_MAX)
		out = arena_span(a, buf_span(&octets));
	buf_clear(&octets);
	return out;
}
