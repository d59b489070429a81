/*
 * filtered.c - the door through which content filters give mail back.
 */
#include "config.h"

#include "base/buf.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/received.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/smtp/xclient.h"
#include "mta/spool/attributes.h"

const struct rs_verdict *
filtered_verdict(const struct session *s, enum rs_hook hook)
{
	static const struct rs_verdict	accept = {
		.kind = RS_V_ACCEPT, .rule = UINT32_MAX
	}, stranger = {
		.kind = RS_V_REJECT, .rule = UINT32_MAX, .code = 554,
		.status = { "5.7.1", 5 },
		.text = { "only its filter speaks here", 27 }
	};

	return hook == RS_HOOK_CONNECT && !xforward_may(s) ? &stranger :
	    &accept;
}

uint64_t
filtered_message_max(const struct session *s)
{
	uint64_t	most = s->gen->message_max;

	return filtered_door(s) ? most + FILTERED_MORE : most;
}

/* --- where it came from */

static void
put_line(struct buf *out, enum xattr attr, struct span value)
{
	if (value.n > 0 && value.n <= XATTR_VALUE_MAX)
		buf_addf(out, "%s=%.*s\n", xattr_word(attr), SPAN_ARG(value));
}

/* As the filter has told; of more than one, the first has told the next. */
static void
put_forwarded(const struct session *s, struct buf *out)
{
	static const enum xattr	attrs[] = {
		XATTR_NAME, XATTR_ADDR, XATTR_PORT, XATTR_PROTO, XATTR_HELO,
		XATTR_SOURCE
	};
	const struct xattrs	*x = xforward_given(s);
	size_t			 i;

	for (i = 0; x != NULL && i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (x->v[attrs[i]].is == XATTR_GIVEN)
			put_line(out, attrs[i], x->v[attrs[i]].text);
}

static void
put_client(const struct session *s, struct buf *out)
{
	const struct policy_facts *f = &s->facts;
	struct received	 r = {
		.esmtp = s->esmtp,
		.utf8 = s->tx->params.smtputf8,
		.lmtp = s->door->kind == DOOR_LMTP,
		.tls = secure_on(s),
		.login = f->authenticated,
	};
	struct rs_value	 name;
	char		 ip[IP_TEXT_MAX], with[RECEIVED_WITH_MAX];

	name = policy_fact_get(s->gen->policy, f, RS_FACT_CLIENT_VERIFIED_NAME);
	if (name.type == RS_T_DOMAIN)
		put_line(out, XATTR_NAME, name.s);
	buf_addf(out, "ADDR=%s%s\n", f->client_ip.family == 6 ? "IPV6:" : "",
	    ip_format(&f->client_ip, ip));
	if (f->client_port != 0)
		buf_addf(out, "PORT=%u\n", f->client_port);
	put_line(out, XATTR_PROTO, span_of(received_with(&r, with)));
	put_line(out, XATTR_HELO, f->helo);
	put_line(out, XATTR_SOURCE, s->origin.local ? SPAN("LOCAL") :
	    SPAN("REMOTE"));
}

void
filtered_envelope(const struct session *s, struct envelope *e,
    struct arena *a)
{
	struct buf	lines = { 0 };

	if (filtered_door(s)) {
		attr_put_filtered(e, a, s->door->name);
		put_forwarded(s, &lines);
	} else
		put_client(s, &lines);
	if (lines.n > 0 && lines.n <= ATTR_ORIGIN_MAX)
		attr_put_origin(e, a, buf_span(&lines));
	buf_clear(&lines);
}

/* --- facts */

static struct span
given(const struct xattrs *x, enum xattr attr)
{
	return x->v[attr].is == XATTR_GIVEN ? x->v[attr].text : SPAN_NONE;
}

void
filtered_facts(const struct session *s, struct policy_facts *f,
    struct policy_names *names)
{
	const struct xattrs	*x = xforward_given(s);
	struct span		 addr, name;
	struct ip		 ip;
	uint64_t		 port;

	if (x == NULL)
		return;
	addr = given(x, XATTR_ADDR);
	if (span_iprefix(addr, SPAN("IPV6:")))
		addr = span_from(addr, 5);
	if (!ip_parse(addr, &ip))
		return;
	f->client_ip = ip;
	f->client_port = 0;
	if (span_u64(given(x, XATTR_PORT), 65535, &port))
		f->client_port = (uint16_t)port;
	f->helo = given(x, XATTR_HELO);
	name = given(x, XATTR_NAME);
	policy_names_set(names, name, name);
	f->names = names;
}
