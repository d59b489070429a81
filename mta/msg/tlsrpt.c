/*
 * tlsrpt.c - TLS_RESULT, written and read.
 */
#include "mta/msg/tlsrpt.h"

#include "mta/msg/msg.h"

const char *
tlsrpt_policy_name(unsigned policy)
{
	static const char *const	names[TLSRPT_NPOLICIES] = {
		[TLSRPT_NO_POLICY] = "no-policy-found",
		[TLSRPT_TLSA] = "tlsa", [TLSRPT_STS] = "sts"
	};

	return policy < TLSRPT_NPOLICIES ? names[policy] : "?";
}

static void
put_text(struct chan *c, struct span text, size_t max)
{
	chan_bytes(c, span_mem(text.p, text.n < max ? text.n : max));
}

static void
put_texts(struct chan *c, const struct span *texts, size_t n, size_t max,
    size_t text_max)
{
	size_t	i;

	if (n > max)
		n = max;
	chan_u32(c, (uint32_t)n);
	for (i = 0; i < n; i++)
		put_text(c, texts[i], text_max);
}

static void
put_ip(struct chan *c, const struct ip *ip)
{
	chan_bytes(c, span_mem(ip->a, ip->family == 4 ? 4 :
	    ip->family == 6 ? 16 : 0));
}

void
tlsrpt_put(struct chan *c, const struct tlsrpt_result *r)
{
	chan_begin(c, MSG_TLS_RESULT);
	chan_u8(c, (uint8_t)r->policy);
	put_text(c, r->domain, TLSRPT_NAME_MAX);
	put_text(c, r->policy_domain, TLSRPT_NAME_MAX);
	put_texts(c, r->strings, r->nstrings, TLSRPT_STRINGS_MAX,
	    TLSRPT_STRING_MAX);
	put_texts(c, r->mx, r->nmx, TLSRPT_MX_MAX, TLSRPT_NAME_MAX);
	put_text(c, r->result, TLSRPT_NAME_MAX);
	put_text(c, r->reason, TLSRPT_REASON_MAX);
	put_text(c, r->host, TLSRPT_NAME_MAX);
	put_text(c, r->helo, TLSRPT_NAME_MAX);
	put_ip(c, &r->source);
	put_ip(c, &r->target);
	chan_end(c);
}

static const struct span *
read_texts(struct msg *m, struct arena *a, size_t *n, size_t max,
    size_t text_max)
{
	struct span	*texts;
	size_t		 i;

	if ((*n = msg_u32(m)) > max) {
		m->bad = true;
		*n = 0;
	}
	texts = arena_alloc(a, (*n + 1) * sizeof(*texts));
	for (i = 0; i < *n; i++)
		texts[i] = msg_bytes(m, text_max);
	return texts;
}

static void
read_ip(struct msg *m, struct ip *ip)
{
	struct span	octets = msg_bytes(m, 16);

	*ip = (struct ip){ .family = octets.n == 4 ? 4 :
	    octets.n == 16 ? 6 : 0 };
	if (octets.n > 0 && ip->family == 0)
		m->bad = true;
	else if (octets.n > 0)
		memcpy(ip->a, octets.p, octets.n);
}

bool
tlsrpt_read(struct msg *m, struct arena *a, struct tlsrpt_result *r)
{
	unsigned	policy = msg_u8(m);

	*r = (struct tlsrpt_result){ .policy = policy };
	r->domain = msg_bytes(m, TLSRPT_NAME_MAX);
	r->policy_domain = msg_bytes(m, TLSRPT_NAME_MAX);
	r->strings = read_texts(m, a, &r->nstrings, TLSRPT_STRINGS_MAX,
	    TLSRPT_STRING_MAX);
	r->mx = read_texts(m, a, &r->nmx, TLSRPT_MX_MAX, TLSRPT_NAME_MAX);
	r->result = msg_bytes(m, TLSRPT_NAME_MAX);
	r->reason = msg_bytes(m, TLSRPT_REASON_MAX);
	r->host = msg_bytes(m, TLSRPT_NAME_MAX);
	r->helo = msg_bytes(m, TLSRPT_NAME_MAX);
	read_ip(m, &r->source);
	read_ip(m, &r->target);
	return msg_end(m) && policy < TLSRPT_NPOLICIES && r->domain.n > 0;
}
