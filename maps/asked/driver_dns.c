/*
 * driver_dns.c - records of a domain as a table.  waybill-tables(5), SERVERS.
 *
 * The name that is asked is the key, the key below a suffix, or a template.
 * An address as the key is asked as lists and reverse zones have it: its
 * octets backwards.  What can be no name in the DNS is not there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "mail/domain.h"
#include "maps/asked/asked.h"

#define NAME_OCTETS_MAX	253	/* RFC 1035, 2.3.4, without the final dot */
#define LABEL_MAX	63
#define RECORDS_MAX	256	/* more of an answer are left out */

struct table {
	const char		*type;		/* static */
	char			*suffix;	/* or "" */
	bool			 templated;
	struct asked_template	 name;
};

struct conn {
	struct asked_conn	*conn;
	uint64_t		 ticket;	/* 0: nothing is asked */
	bool			*at_once;	/* set by an answer while it is being asked */
};

static const char *const types[] = { "A", "AAAA", "MX", "TXT", "PTR" };

static void
table_close(void *arg)
{
	struct table	*t = arg;

	if (t == NULL)
		return;
	if (t->templated)
		asked_template_clear(&t->name);
	free(t->suffix);
	free(t);
}

static const char *
type_of(struct span word)
{
	size_t	 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (span_ieq(word, span_of(types[i])))
			return types[i];
	}
	return NULL;
}

static void *
table_open(const struct asked_source *src, const char **why)
{
	struct table	*t = xcalloc(1, sizeof(*t));
	struct span	 where = src->where;

	t->suffix = xstrdup("");
	if ((t->type = type_of(src->type)) == NULL) {
		*why = "the type is one of A, AAAA, MX, TXT, PTR";
		table_close(t);
		return NULL;
	}
	if (span_index(where, '{') >= 0) {
		if (asked_template_init(&t->name, where, why) == -1) {
			table_close(t);
			return NULL;
		}
		t->templated = true;
		return t;
	}
	while (where.n > 0 && where.p[0] == '.')
		where = span_from(where, 1);
	free(t->suffix);
	t->suffix = xstrndup(where.n > 0 ? where.p : "", where.n);
	return t;
}

/* --- the name */

/* An address backwards; without a suffix that is below in-addr.arpa. */
static void
add_reverse(struct buf *out, const struct ip *ip, bool whole)
{
	char		 name[80];
	const char	*end;

	(void)ip_reverse_name(ip, name);
	end = strstr(name, ip->family == 4 ? ".in-addr.arpa" : ".ip6.arpa");
	if (whole || end == NULL)
		buf_add_str(out, name);
	else
		buf_add(out, name, (size_t)(end - name));
}

/* A host's name in its one spelling; other keys as they are. */
static void
add_key(struct buf *out, struct span key)
{
	struct arena	 scratch = { 0 };
	struct span	 name;
	const char	*why;

	if (domain_normalise(key, &scratch, &name, &why) == 0)
		buf_add_span(out, name);
	else
		buf_add_span(out, key);
	arena_clear(&scratch);
}

static void
make_name(const struct table *t, struct span key, struct buf *out)
{
	struct ip	 ip;
	size_t		 i;

	for (i = 0; t->templated && i < t->name.n; i++)
		buf_add_span(out, asked_part_value(&t->name.parts[i], key));
	if (t->templated)
		return;
	if (ip_parse(key, &ip) && (t->suffix[0] != '\0' ||
	    strcmp(t->type, "PTR") == 0))
		add_reverse(out, &ip, t->suffix[0] == '\0');
	else
		add_key(out, key);
	if (t->suffix[0] != '\0')
		buf_addf(out, ".%s", t->suffix);
}

/* Labels of 1 to 63 octets without controls and blanks, 253 in all. */
static bool
is_name(struct span name)
{
	size_t	 i, label = 0;

	for (i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f ||
		    name.p[i] == '\\')
			return false;
		if (name.p[i] != '.')
			label++;
		else if (label == 0)
			return false;
		else
			label = 0;
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0 && name.n <= NAME_OCTETS_MAX;
}

/* --- asking */

static void
begin(void *arg, struct asked_conn *conn)
{
	struct conn	*c = xcalloc(1, sizeof(*c));

	(void)arg;
	c->conn = conn;
	asked_conn_set(conn, c);
	asked_conn_up(conn);
}

static void
disconnect(void *arg)
{
	struct conn			*c = arg;
	const struct asked_names	*names = asked_conn_names(c->conn);

	if (c->ticket != 0)
		names->cancel(names->ctx, c->ticket);
	free(c);
}

static void
on_records(void *arg, enum map_result result, const struct span *records,
    size_t n, uint32_t ttl_s)
{
	struct conn		*c = arg;
	struct asked_rows	 rows = { .ncolumns = 1, .values = records,
	    .ttl_ms = (int64_t)ttl_s * 1000 };

	if (c->at_once != NULL)
		*c->at_once = true;
	c->at_once = NULL;
	c->ticket = 0;
	rows.nrows = n < RECORDS_MAX ? n : RECORDS_MAX;
	if (result == MAP_FOUND || result == MAP_NONE)
		asked_conn_answer(c->conn, n > 0 ? result : MAP_NONE, &rows,
		    NULL);
	else
		asked_conn_answer(c->conn, MAP_LATER, NULL,
		    "the name servers do not say it now");
}

static void
ask_name(struct conn *c, struct span name)
{
	const struct table		*t = asked_conn_table(c->conn);
	const struct asked_names	*names = asked_conn_names(c->conn);
	bool				 at_once = false;
	uint64_t			 ticket;

	c->at_once = &at_once;
	ticket = names->ask(names->ctx, t->type, name, on_records, c);
	if (at_once)
		return;		/* c may be gone */
	c->at_once = NULL;
	c->ticket = ticket;
}

static void
ask(struct asked_conn *conn, struct span key)
{
	struct conn	*c = asked_conn_get(conn);
	struct buf	 name = { 0 };

	make_name(asked_conn_table(conn), key, &name);
	if (is_name(buf_span(&name)))
		ask_name(c, buf_span(&name));
	else
		asked_conn_answer(conn, MAP_NONE, NULL, NULL);
	buf_clear(&name);
}

const struct asked_driver asked_driver_dns = {
	.name = "dns",
	.open = table_open,
	.close = table_close,
	.connect = begin,
	.ask = ask,
	.disconnect = disconnect,
	.no_connection = true,
};
