/*
 * kept.c - what the rules want kept; kept.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mta/policy/policy.h"
#include "mta/smtp/kept.h"
#include "mta/smtp/session.h"
#include "mta/smtp/transaction.h"
#include "mta/spool/attributes.h"

static struct smtp_kept *
kept_new(unsigned how, struct span why)
{
	struct smtp_kept	*k;

	if (why.n > ATTR_WHY_MAX)
		why.n = ATTR_WHY_MAX;
	k = xmalloc(sizeof(*k) + why.n);
	k->how = how;
	k->n = why.n;
	if (why.n > 0)
		memcpy(k->why, why.p, why.n);
	return k;
}

struct smtp_kept *
smtp_kept_copy(const struct smtp_kept *k)
{
	return k == NULL ? NULL : kept_new(k->how, smtp_kept_why(k));
}

struct span
smtp_kept_why(const struct smtp_kept *k)
{
	return span_mem(k->why, k->n);
}

void
smtp_keep(struct session *s, const struct decision *d)
{
	struct smtp_kept	**at = s->tx != NULL && !s->hello.asked ?
				    &s->tx->kept : &s->kept;
	struct span		  why;
	unsigned		  how;

	switch (decision_kept(d, &why)) {
	case RS_V_QUARANTINE:
		how = KEPT_QUARANTINE;
		break;
	case RS_V_HOLD:
		how = KEPT_HOLD;
		break;
	default:
		return;
	}
	if (*at != NULL && (*at)->how >= how)
		return;
	free(*at);
	*at = kept_new(how, why);
}
