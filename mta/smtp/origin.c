/*
 * origin.c - where a client comes from.
 */
#include "config.h"

#include <stdio.h>
#include <sys/socket.h>

#include "mta/smtp/origin.h"

static const struct ip	loopback = { 4, { 127, 0, 0, 1 } };

static uint32_t
uid_of(int fd)
{
	struct ucred	who;
	socklen_t	n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == -1)
		return UINT32_MAX;
	return who.uid;
}

bool
origin_of(struct origin *o, int fd, const struct sockaddr *sa)
{
	memset(o, 0, sizeof(*o));
	if (sa->sa_family == AF_UNIX) {
		o->local = true;
		o->ip = loopback;
		o->uid = uid_of(fd);
	} else if (!ip_from_sockaddr(sa, &o->ip, &o->port))
		return false;
	o->speaker = o->ip;
	return true;
}

void
origin_of_program(struct origin *o, uint32_t uid, struct span login)
{
	*o = (struct origin){ .local = true, .program = true, .uid = uid,
	    .login = login, .ip = loopback, .speaker = loopback };
}

/* In fd00::/8, which nobody connects from here; the /64 has the uid. */
const struct ip *
origin_counted(const struct origin *o, const struct ip *client,
    struct ip *room)
{
	if (!o->program)
		return client;
	*room = (struct ip){ 6, { 0xfd, 0, 0, 0, (uint8_t)(o->uid >> 24),
	    (uint8_t)(o->uid >> 16), (uint8_t)(o->uid >> 8),
	    (uint8_t)o->uid } };
	return room;
}

const struct ip *
origin_peer(const struct origin *o)
{
	return o->via.family != 0 ? &o->via : &o->ip;
}

void
origin_tell_by_speaker(struct origin *o, const struct ip *ip, uint16_t port)
{
	o->unknown = ip == NULL;
	if (ip == NULL) {
		o->ip = *origin_peer(o);
		o->port = 0;
		return;
	}
	if (o->via.family == 0) {
		o->via = o->ip;
		o->via_port = o->port;
	}
	o->ip = *ip;
	o->port = port;
}

void
origin_tell(struct origin *o, const struct ip *ip, uint16_t port)
{
	static const struct ip	none;

	origin_tell_by_speaker(o, ip, port);
	o->speaker = ip != NULL ? *ip : none;
}

/* --- what it is good for */

/* Who has connected could be any stranger. */
static bool
peer_doubted(const struct origin *o, const struct gateways *g,
    const struct policy *p)
{
	const struct ip	*peer = origin_peer(o);

	if (o->program)
		return false;
	if (o->local && !policy_trusts_gateway(p, peer))
		return true;
	return gateways_doubt(g, p, peer);
}

bool
origin_doubt(const struct origin *o, const struct gateways *g,
    const struct policy *p)
{
	if (o->program)
		return false;
	/* Who could be a stranger himself does not vouch for others. */
	return peer_doubted(o, g, p) || gateways_doubt(g, p, &o->ip) ||
	    (o->unknown && !policy_trusts_gateway(p, origin_peer(o)));
}

bool
origin_may(const struct origin *o, const struct door *d,
    enum rs_option option, const struct gateways *g, const struct policy *p)
{
	return o->speaker.family != 0 && door_trusts(d, option, &o->speaker) &&
	    !peer_doubted(o, g, p) && !gateways_doubt(g, p, &o->speaker);
}

const char *
origin_text(const struct origin *o, char out[ORIGIN_TEXT_MAX])
{
	char	ip[IP_TEXT_MAX];

	out[0] = '\0';
	if (o->via.family != 0)
		snprintf(out, ORIGIN_TEXT_MAX, " via=%s",
		    ip_format(&o->via, ip));
	else if (o->local && o->uid != UINT32_MAX)
		snprintf(out, ORIGIN_TEXT_MAX, " uid=%u", (unsigned)o->uid);
	return out;
}
