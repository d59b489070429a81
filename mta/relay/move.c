/*
 * move.c - from a host that failed to the next.
 */
#include "mta/relay/move.h"

#include "mta/msg/relayed.h"

/* The results of the host before, and the hosts; in the job's arena. */
struct job_before {
	uint16_t	code;		/* 0: none */
	struct span	status, text;
};

struct job_moved {
	struct job_moved	*next;
	struct span		 name;	/* empty: by its address */
	struct ip		 ip;
	uint16_t		 port;
};

unsigned
move_of(const struct outcome *why)
{
	switch (why->trouble) {
	case RELAY_TROUBLE_NONE:
	case RELAY_TROUBLE_CONNECT:
		return why->code == 421 ? MOVE_BUSY : MOVE_CONNECT;
	case RELAY_TROUBLE_TLS:
		return MOVE_TLS;
	case RELAY_TROUBLE_LOGIN:
		return MOVE_LOGIN;
	case RELAY_TROUBLE_BUSY:
		return MOVE_BUSY;
	default:
		return 0;
	}
}

/* --- recipients */

/* It broke in the middle: whether the hop has the message is not known. */
static bool
is_broken_off(const struct job_rcpt *r)
{
	return span_eq(r->status, SPAN("4.4.2"));
}

static unsigned
move_of_rcpt(const struct job_rcpt *r)
{
	if (r->code == 421)
		return MOVE_BUSY | MOVE_TEMPORARY;
	if (r->code >= 500)
		return MOVE_REFUSED;
	return r->code >= 400 && !is_broken_off(r) ? MOVE_TEMPORARY : 0;
}

static void
forget_result(struct job *j, size_t i)
{
	struct job_rcpt	*r = &j->rcpts[i];

	if (r->before == NULL)
		r->before = arena_alloc(&j->arena, sizeof(*r->before));
	*r->before = (struct job_before){ r->code, r->status, r->text };
	r->code = 0;
	r->status = r->text = SPAN_NONE;
	r->accepted = false;
}

bool
move_begin(struct job *j, unsigned moves)
{
	size_t	i, n = 0;

	for (i = 0; i < j->n; i++)
		if (move_of_rcpt(&j->rcpts[i]) & moves) {
			forget_result(j, i);
			n++;
		} else if (j->rcpts[i].mta.n == 0)
			j->rcpts[i].mta = j->mta;
	return n > 0;
}

/* One that has failed at two hosts. */
static void
settle(struct job_rcpt *r)
{
	const struct job_before	*b = r->before;

	if (r->code != 0 && (r->code < 400 || b->code >= 500 || r->code < 500))
		return;
	r->code = b->code;
	r->status = b->status;
	r->text = b->text;
}

void
move_end(struct job *j)
{
	size_t	i;

	for (i = 0; i < j->n; i++)
		if (j->rcpts[i].before != NULL)
			settle(&j->rcpts[i]);
}

/* --- hosts */

void
move_note(struct job *j, const struct hop_addr *a)
{
	struct job_moved	*m = arena_alloc(&j->arena, sizeof(*m));

	m->name = arena_span(&j->arena, span_of(a->name));
	m->ip = a->ip;
	m->port = a->port;
	m->next = j->moved;
	j->moved = m;
}

bool
move_was_there(const struct job *j, const struct hop_addr *a)
{
	const struct job_moved	*m;

	for (m = j->moved; m != NULL; m = m->next)
		if (m->port == a->port && (m->name.n > 0 ?
		    span_ieq(m->name, span_of(a->name)) :
		    a->name[0] == '\0' && ip_eq(&m->ip, &a->ip)))
			return true;
	return false;
}
