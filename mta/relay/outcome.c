/*
 * outcome.c - filling outcomes in.
 */
#include "mta/relay/outcome.h"

#include <stdarg.h>
#include <stdio.h>

void
outcome_set(struct outcome *o, unsigned code, const char *status,
    const char *fmt, ...)
{
	va_list	ap;

	o->code = (uint16_t)code;
	o->trouble = 0;
	snprintf(o->status, sizeof(o->status), "%s", status);
	va_start(ap, fmt);
	vsnprintf(o->text, sizeof(o->text), fmt, ap);
	va_end(ap);
}

void
outcome_reply(struct outcome *o, const struct reply *r)
{
	o->code = (uint16_t)r->code;
	o->trouble = 0;
	if (r->status.n > 0 && r->status.n < sizeof(o->status))
		snprintf(o->status, sizeof(o->status), "%.*s",
		    SPAN_ARG(r->status));
	else
		snprintf(o->status, sizeof(o->status), "%u.0.0",
		    r->code / 100 % 10);
	reply_text(r, o->text);
}
