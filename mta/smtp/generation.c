/*
 * generation.c - settings out of the image.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/tls.h"
#include "base/xalloc.h"
#include "mta/smtp/generation.h"
#include "mta/smtp/notes.h"

static int64_t
setting(const struct generation *g, enum rs_option o)
{
	return rs_setting_int(policy_image(g->policy), o);
}

/* A setting that counts something: bounded to what an unsigned holds. */
static unsigned
count(const struct generation *g, enum rs_option o)
{
	int64_t	v = setting(g, o);

	return v < 0 ? 0 : v > INT32_MAX ? INT32_MAX : (unsigned)v;
}

/* Those of objects that are no listeners are there and never asked for. */
static void
read_doors(struct generation *g)
{
	const struct rs_image	*image = policy_image(g->policy);
	uint32_t		 i, n = rs_nobject(image);

	door_read(&g->plain, image, UINT32_MAX);
	door_read_programs(&g->programs, image);
	g->doors = xcalloc(n + 1, sizeof(*g->doors));
	for (i = 0; i < n; i++) {
		if (rs_object(image, i)->kind == RS_O_LISTEN)
			door_read(&g->doors[i], image, i);
		g->filters |= rs_object(image, i)->kind == RS_O_FILTER;
	}
}

struct generation *
generation_new(uint32_t number, struct policy *policy)
{
	struct generation	*g = xcalloc(1, sizeof(*g));

	g->refs = 1;
	g->number = number;
	g->policy = policy;
	g->route_facts = policy_route_facts(policy);
	g->asks_parts = policy_asks_parts(policy);
	g->told = notes_wanted(policy_image(policy));
	g->hostname = policy_hostname(policy);
	g->message_max = (uint64_t)setting(g, RS_OPT_LIMITS_message);
	g->rcpts_max = count(g, RS_OPT_LIMITS_recipients);
	g->errors_max = count(g, RS_OPT_LIMITS_errors);
	g->commands_max = count(g, RS_OPT_LIMITS_commands);
	g->hops_max = count(g, RS_OPT_LIMITS_hops);
	g->sessions_max = count(g, RS_OPT_LIMITS_sessions);
	g->per_client_max = count(g, RS_OPT_LIMITS_per_client);
	g->idle_ms = setting(g, RS_OPT_LIMITS_idle);
	g->transaction_ms = setting(g, RS_OPT_LIMITS_transaction);
	user_limits_read(&g->user, policy_image(policy));
	cut_hops_read(&g->cut, policy_image(policy), &g->arena);
	read_doors(g);
	return g;
}

struct generation *
generation_ref(struct generation *g)
{
	g->refs++;
	return g;
}

void
generation_unref(struct generation **gp)
{
	struct generation	*g = *gp;

	if (g == NULL)
		return;
	*gp = NULL;
	assert(g->refs > 0);
	if (--g->refs > 0)
		return;
	tls_server_unref(&g->tls);
	policy_unref(&g->policy);
	free(g->doors);
	arena_clear(&g->arena);
	free(g);
}

const struct door *
generation_door(const struct generation *g, uint32_t object)
{
	if (object >= rs_nobject(policy_image(g->policy)))
		return &g->plain;
	return &g->doors[object];
}
