/*
 * record.c - a decision record of the running server, from its reference to
 * its line in the log.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/policy/policy_int.h"

struct rs_record *
policy_record_new(const char *ref)
{
	struct rs_record	*r = xcalloc(1, sizeof(*r));

	r->ref = arena_span(&r->arena, span_of(ref));
	return r;
}

void
policy_record_free(struct rs_record **rp)
{
	struct rs_record	*r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	rs_record_clear(r);
	free(r);
}

void
policy_record_log(const struct policy *p, struct rs_record **rp)
{
	struct buf	json = { 0 };

	if (*rp == NULL)
		return;
	rs_record_json(*rp, p->image, &json);
	log_whole("decision", buf_span(&json));
	buf_clear(&json);
	policy_record_free(rp);
}
