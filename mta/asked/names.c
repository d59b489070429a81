/*
 * names.c - records as text, by the resolve process.
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/xalloc.h"

#include "mta/asked/names.h"

struct name {
	asked_records_cb	*cb;
	void			*arg;
	enum dns_type		 type;
	struct name		*next;
	struct dns_client	*dns;
	uint64_t		 ticket;
};

static struct name	*open_names;

static const struct {
	const char	*word;
	enum dns_type	 type;
} types[] = {
	{ "A", DNS_A }, { "AAAA", DNS_AAAA }, { "MX", DNS_MX },
	{ "TXT", DNS_TXT }, { "PTR", DNS_PTR },
};

/* Off the list: nobody can cancel it any more. */
static void
take_out(struct name *n)
{
	struct name	**at;

	for (at = &open_names; *at != NULL; at = &(*at)->next)
		if (*at == n) {
			*at = n->next;
			return;
		}
}

static struct span
record_text(enum dns_type type, const struct dns_record *r, struct arena *ar)
{
	char	ip[IP_TEXT_MAX];

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		return arena_span(ar, span_of(ip_format(&r->ip, ip)));
	case DNS_MX:
		return arena_printf(ar, "%u %.*s", r->pref,
		    SPAN_ARG(r->name));
	default:
		return r->name;
	}
}

static void
answered(void *arg, const struct dns_answer *a)
{
	struct name	*n = arg;
	struct arena	 ar = { 0 };
	struct span	*records;
	size_t		 i;

	take_out(n);
	switch (a->result) {
	case DNS_FOUND:
		records = arena_alloc(&ar, a->n * sizeof(*records));
		for (i = 0; i < a->n; i++)
			records[i] = record_text(n->type, &a->records[i],
			    &ar);
		n->cb(n->arg, MAP_FOUND, records, a->n, a->ttl_s);
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		n->cb(n->arg, MAP_NONE, NULL, 0, a->ttl_s);
		break;
	case DNS_FAILING:
		n->cb(n->arg, MAP_LATER, NULL, 0, 0);
		break;
	}
	arena_clear(&ar);
	free(n);
}

static uint64_t
ask(void *ctx, const char *type, struct span name, asked_records_cb *cb,
    void *arg)
{
	struct name	*n;
	size_t		 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].word) == 0)
			break;
	if (i == sizeof(types) / sizeof(types[0])) {
		cb(arg, MAP_BROKEN, NULL, 0, 0);
		return 0;
	}
	n = xcalloc(1, sizeof(*n));
	*n = (struct name){ .cb = cb, .arg = arg, .type = types[i].type,
	    .dns = ctx, .next = open_names };
	open_names = n;
	/* resolve answers from the loop, never from inside of this. */
	n->ticket = dns_ask(ctx, n->type, name, answered, n);
	return n->ticket;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	struct name	*n;

	for (n = open_names; n != NULL; n = n->next)
		if (n->dns == ctx && n->ticket == ticket) {
			dns_cancel(ctx, ticket);
			take_out(n);
			free(n);
			return;
		}
}

struct asked_names
names_by(struct dns_client *dns)
{
	return (struct asked_names){ ask, cancel, dns };
}
