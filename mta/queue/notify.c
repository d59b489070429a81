/*
 * notify.c - NOTIFY and ORCPT of a target; notify.h.
 */
#include "mta/queue/notify.h"

bool
notify_is_list(const struct dest *d)
{
	struct target	t;

	return dest_place(d, &t) && t.owned;
}

/* NOTIFY as it was given; 0: not given, or not for this one. */
static unsigned
given(const struct dest *d, const struct envelope *e)
{
	if (e->params == NULL || notify_is_list(d))
		return 0;
	return e->params[d->rcpt].notify;
}

bool
notify_failure(const struct dest *d, const struct envelope *e)
{
	unsigned	notify = given(d, e);

	return notify == 0 || (notify & NOTIFY_FAILURE) != 0;
}

bool
notify_delay(const struct dest *d, const struct envelope *e)
{
	unsigned	notify = given(d, e);

	return notify == 0 || (notify & NOTIFY_DELAY) != 0;
}

bool
notify_never(const struct dest *d, const struct envelope *e)
{
	return (given(d, e) & NOTIFY_NEVER) != 0;
}

bool
notify_expanded(uint32_t rcpt, const struct envelope *e)
{
	return e->params != NULL &&
	    (e->params[rcpt].notify & NOTIFY_SUCCESS) != 0 &&
	    e->sender.n > 0;
}

/* A list of one member has no other who would say that it was reached. */
bool
notify_success(const struct dest *d, const struct envelope *e)
{
	return !(d->flags & DEST_EXPANDED) && notify_expanded(d->rcpt, e);
}

/* 5.2.7.3, (c); what asked for nothing else asks for nothing now. */
static uint8_t
without_success(uint8_t notify)
{
	if (!(notify & NOTIFY_SUCCESS))
		return notify;
	notify &= (uint8_t)~NOTIFY_SUCCESS;
	return notify == 0 ? NOTIFY_NEVER : notify;
}

static bool
is_ascii(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 127)
			return false;
	return true;
}

/* Where the client gave no ORCPT, and routing goes elsewhere: 5.2.1. */
static void
add_orcpt(struct envelope_param *p, const struct dest *d,
    const struct envelope *e)
{
	struct span	rcpt = e->rcpts[d->rcpt];

	if (span_eq(dest_rcpt_to(d, e), rcpt) ||
	    rcpt.n > ENVELOPE_ORCPT_MAX)
		return;
	p->orcpt_type = is_ascii(rcpt) ? SPAN("rfc822") : SPAN("utf-8");
	p->orcpt = rcpt;
}

struct envelope_param
notify_param(const struct dest *d, const struct envelope *e)
{
	struct envelope_param	p = { 0 };

	if (e->params == NULL || notify_is_list(d))
		return p;
	p = e->params[d->rcpt];
	if (d->flags & DEST_EXPANDED)
		p.notify = without_success(p.notify);
	if (p.notify != 0 && p.orcpt_type.n == 0)
		add_orcpt(&p, d, e);
	return p;
}
