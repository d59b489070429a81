/*
 * record.c - a decision record of the running server, from its reference to
 * its line in the log.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/date.h"

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

/* A fact that is text, where it has a value. */
static void
traffic_text(struct json *j, const char *key, struct span s)
{
	if (s.n > 0)
		json_text(j, key, s);
}

static void
traffic_name(struct json *j, const char *key, const struct policy *p,
    const struct policy_facts *f, unsigned fact)
{
	struct rs_value	v = policy_fact_get(p, f, fact);

	if (v.type == RS_T_DOMAIN)
		traffic_text(j, key, v.s);
}

static void
traffic_put(struct json *j, const struct policy *p,
    const struct policy_facts *f)
{
	char	ip[IP_TEXT_MAX], date[DATE_MAX];

	json_str(j, "time", date_iso(f->now_ms != 0 ? f->now_ms :
	    clock_wall_ms(), date));
	json_str(j, "client", ip_format(&f->client_ip, ip));
	traffic_text(j, "listener", f->listener);
	traffic_text(j, "helo", f->helo);
	traffic_text(j, "login", f->user);
	traffic_name(j, "name", p, f, RS_FACT_CLIENT_NAME);
	traffic_name(j, "verified_name", p, f, RS_FACT_CLIENT_VERIFIED_NAME);
	traffic_text(j, "tls", f->tls_version);
	traffic_text(j, "cipher", f->tls_cipher);
	traffic_text(j, "certificate", f->certificate);
	if (f->sender.n > 0 || f->rcpt.n > 0)
		json_text(j, "from", f->sender);
	if (f->size > 0)
		json_uint(j, "size", f->size);
	traffic_text(j, "rcpt", f->rcpt);
}

void
policy_traffic_log(const struct policy *p, const struct policy_facts *f,
    const char *ref)
{
	struct buf	out = { 0 };
	struct json	j;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_str(&j, "ref", ref);
	traffic_put(&j, p, f);
	json_object_end(&j);
	log_whole("traffic", buf_span(&out));
	buf_clear(&out);
}
