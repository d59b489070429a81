/*
 * gateways.c - addresses behind which strangers may stand.
 */
#include "config.h"

#include "base/log.h"
#include "mta/smtp/gateways.h"

bool
gateways_take(struct gateways *g, struct msg *m)
{
	uint32_t	i, n = msg_u32(m);
	struct span	octets;

	if (n > GATEWAYS_MAX)
		return false;
	g->n = 0;
	for (i = 0; i < n; i++) {
		octets = msg_bytes(m, 16);
		g->v[i] = ip_from_octets(octets.p, octets.n);
	}
	if (!msg_end(m))
		return false;
	g->n = n;
	return true;
}

bool
gateways_doubt(const struct gateways *g, const struct policy *p,
    const struct ip *ip)
{
	size_t	i;

	for (i = 0; i < g->n; i++) {
		if (ip_eq(&g->v[i], ip))
			return !policy_trusts_gateway(p, ip);
	}
	return false;
}

void
gateways_warn(const struct gateways *g, const struct policy *p)
{
	const struct rs_image	*im = policy_image(p);
	char			 text[IP_TEXT_MAX];
	uint32_t		 net;
	size_t			 i;

	for (i = 0; i < g->n; i++) {
		if (policy_trusts_gateway(p, &g->v[i]))
			continue;
		for (net = 0; net < rs_nnets(im); net++) {
			if (!rs_nets_has(im, net, &g->v[i]))
				continue;
			log_warnx("event=gateway-not-trusted net=%s address=%s "
			    "why=\"may be a router's or a bridge's: strangers "
			    "can come from it; see trust gateway in "
			    "waybill.conf(5)\"",
			    log_quote(rs_nets_name(im, net)),
			    ip_format(&g->v[i], text));
			break;
		}
	}
}
