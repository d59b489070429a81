/*
 * probe.c - what relay finds at a next hop, for who asks; probe.h.
 */
#include "mta/queue/control_int.h"
#include "mta/queue/probe.h"

#include "base/clock.h"
#include "base/log.h"
#include "mta/msg/hop.h"
#include "mta/msg/login.h"
#include "mta/msg/msg.h"

/* One hop or several, all of them hops. */
static bool
is_hop(struct span text)
{
	struct hop_text	hop;
	bool		any = false;

	if (text.n > HOP_TEXT_MAX)
		return false;
	while (text.n > 0) {
		if (!hop_next(&text, &hop))
			return false;
		any = true;
	}
	return any;
}

static const char *
fault_of(const struct client *c)
{
	const struct request	*r = &c->request;

	if (!client_may_read(c))
		return "only root and the server's own user may probe";
	if (!is_hop(r->hop.text))
		return "hop= is no next hop";
	return r->sender.given && r->recipient.given ? NULL :
	    "sender= and recipient= are missing";
}

/* What expressions of a login may name: of a message there is no more. */
static void
put_facts(const struct request *r, struct chan *chan)
{
	struct span	rcpt = r->recipient.text;
	struct envelope	e = { .arrival_ms = clock_wall_ms(),
	    .policy = SPAN("-"), .sender = r->sender.text, .nrcpts = 1,
	    .rcpts = &rcpt };
	struct buf	octets = { 0 };

	envelope_format(&e, &octets);
	chan_bytes(chan, octets.n <= LOGIN_FACTS_MAX ? buf_span(&octets) :
	    SPAN_NONE);
	buf_clear(&octets);
}

void
probe_ask(struct client *c)
{
	const struct request	*r = &c->request;
	struct chan		*chan = relay_chan(c->control->q);
	const char		*why = fault_of(c);

	if (why == NULL && chan == NULL)
		why = "relay is not there; ask again";
	if (why != NULL) {
		client_error(c, why);
		return;
	}
	log_info("event=probe hop=%s by=uid:%u", log_quote(r->hop.text),
	    (unsigned)c->uid);
	chan_begin(chan, MSG_PROBE);
	chan_u64(chan, client_wait(c, WAITS_RELAY));
	chan_bytes(chan, r->hop.text);
	put_facts(r, chan);
	chan_u8(chan, r->all);
	chan_end(chan);
}

bool
probe_answered(struct queue *q, struct msg *msg)
{
	uint64_t	 ticket = msg_u64(msg);
	struct span	 json = msg_bytes(msg, CHAN_MSG_MAX);
	struct client	*c;

	if (!msg_end(msg))
		return false;
	if (q->control == NULL || (c = client_by_ticket(q->control, ticket,
	    WAITS_RELAY)) == NULL)
		return true;	/* has gone meanwhile */
	buf_add_span(&c->out, json);
	buf_add_char(&c->out, '\n');
	client_finish(c);
	return true;
}

void
probe_gone(struct queue *q)
{
	if (q->control != NULL)
		client_error_all(q->control, WAITS_RELAY,
		    "relay has ended; ask again");
}
