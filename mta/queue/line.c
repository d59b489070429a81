/*
 * line.c - places in line at a hop; line.h.
 */
#include "mta/queue/line.h"

#include "mta/queue/schedule_int.h"

/* A walk over flows, and what is left of its steps. */
struct looking {
	const struct want	*w;
	uint64_t		 place;		/* of the want in its flow, from 0 on */
	const struct flow	*f;		/* its flow */
	uint32_t		 steps;
};

static bool
find_in(struct looking *l, const struct flow *f)
{
	const struct want	*w;

	l->place = 0;
	for (w = f->first; w != NULL && l->steps < LINE_STEPS_MAX;
	    w = w->in_flow, l->steps++) {
		if (w == l->w) {
			l->f = f;
			return true;
		}
		l->place += w->m != NULL;
	}
	return false;
}

static bool
find_in_ring(struct looking *l, const struct ring *r)
{
	const struct flow	*f = r->head;

	if (f == NULL)
		return false;
	do {
		if (find_in(l, f))
			return true;
		f = f->next;
	} while (f != r->head && l->steps < LINE_STEPS_MAX);
	return false;
}

/* Of another flow so many go first, at most as many as this one's place. */
static uint64_t
first_of(struct looking *l, const struct flow *f)
{
	const struct want	*w;
	uint64_t		 n = 0;

	for (w = f->first; w != NULL && n <= l->place &&
	    l->steps < LINE_STEPS_MAX; w = w->in_flow, l->steps++)
		n += w->m != NULL;
	return n;
}

static uint64_t
before_in_ring(struct looking *l, const struct ring *r)
{
	const struct flow	*f = r->head;
	uint64_t		 n = 0;

	do {
		n += f == l->f ? l->place : first_of(l, f);
		f = f->next;
	} while (f != r->head && l->steps < LINE_STEPS_MAX);
	return n;
}

bool
line_place(const struct message *m, const struct hop *h, struct line_place *p)
{
	struct looking		 l = { .w = m->wants };
	const struct site	*s = h->site;
	unsigned		 prio, again;

	while (l.w != NULL && l.w->hop != h)
		l.w = l.w->next;
	if (l.w == NULL)
		return false;
	*p = (struct line_place){ .senders = s->flows[0] + s->flows[1],
	    .waiting = s->wants };
	for (prio = 0; prio < NPRIORITIES && l.f == NULL; prio++)
		for (again = 0; again < 2 && l.f == NULL; again++)
			(void)find_in_ring(&l, &s->rings[prio][again]);
	p->of_sender = l.place;
	if (l.f != NULL)
		p->before = before_in_ring(&l,
		    &s->rings[l.f->key.priority][l.f->key.again]);
	p->least = l.steps >= LINE_STEPS_MAX;
	return true;
}
