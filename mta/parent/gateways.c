/*
 * gateways.c - links, addresses and routes, as the kernel tells them.
 */
#include "config.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/parent/gateways.h"

#define SETTLE_MS	200
#define READ_MAX	(64u << 10)
#define LINKS_MAX	4096

/* What one asking gathers. */
struct look {
	struct gateways	*g;
	uint32_t	 links[LINKS_MAX];	/* bridges and tunnels */
	size_t		 nlinks;
};

static int
by_ip(const void *a, const void *b)
{
	return ip_cmp(a, b);
}

static void
add(struct gateways *g, const struct ip *ip)
{
	size_t	i;

	for (i = 0; i < g->n; i++) {
		if (ip_eq(&g->v[i], ip))
			return;
	}
	if (ip->family == 0 || ip_is_loopback(ip))
		return;
	if (g->n == GATEWAYS_MAX)
		g->more = true;
	else
		g->v[g->n++] = *ip;
}

/* --- attributes of a message: rtnetlink(7) */

static struct ip
ip_of(const struct rtattr *at)
{
	return ip_from_octets(RTA_DATA(at), RTA_PAYLOAD(at));
}

/* A next hop of another family than the route's: family, then address. */
static struct ip
via_of(const struct rtattr *at)
{
	const uint8_t	*p = RTA_DATA(at);
	size_t		 n = RTA_PAYLOAD(at);

	return ip_from_octets(p + 2, n < 2 ? 0 : n - 2);
}

static void
hop_attributes(struct look *l, const struct rtattr *at, int n)
{
	struct ip	ip;

	for (; RTA_OK(at, n); at = RTA_NEXT(at, n)) {
		if (at->rta_type == RTA_GATEWAY)
			ip = ip_of(at);
		else if (at->rta_type == RTA_VIA)
			ip = via_of(at);
		else
			continue;
		add(l->g, &ip);
	}
}

static void
many_hops(struct look *l, const struct rtattr *at)
{
	const struct rtnexthop	*hop = RTA_DATA(at);
	int			 n = (int)RTA_PAYLOAD(at);

	while (RTNH_OK(hop, n)) {
		hop_attributes(l, RTNH_DATA(hop),
		    (int)(hop->rtnh_len - sizeof(*hop)));
		n -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static void
on_route(struct look *l, const struct nlmsghdr *h)
{
	const struct rtmsg	*rt = NLMSG_DATA(h);
	const struct rtattr	*at = RTM_RTA(rt);
	int			 n = (int)RTM_PAYLOAD(h);

	if (rt->rtm_type != RTN_UNICAST)
		return;
	hop_attributes(l, at, n);
	for (; RTA_OK(at, n); at = RTA_NEXT(at, n)) {
		if (at->rta_type == RTA_MULTIPATH)
			many_hops(l, at);
	}
}

/* Kinds behind which others are: what they say of themselves. */
static bool
is_passage(const struct rtattr *info)
{
	static const char *const	 kinds[] = { "bridge", "tun" };
	const struct rtattr		*at = RTA_DATA(info);
	int				 n = (int)RTA_PAYLOAD(info);
	size_t				 i;

	for (; RTA_OK(at, n); at = RTA_NEXT(at, n)) {
		if (at->rta_type != IFLA_INFO_KIND)
			continue;
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (strncmp(RTA_DATA(at), kinds[i],
			    RTA_PAYLOAD(at)) == 0)
				return true;
		}
	}
	return false;
}

static void
on_link(struct look *l, const struct nlmsghdr *h)
{
	const struct ifinfomsg	*ifi = NLMSG_DATA(h);
	const struct rtattr	*at = IFLA_RTA(ifi);
	int			 n = (int)IFLA_PAYLOAD(h);

	for (; RTA_OK(at, n); at = RTA_NEXT(at, n)) {
		if (at->rta_type == IFLA_LINKINFO && is_passage(at) &&
		    l->nlinks < LINKS_MAX)
			l->links[l->nlinks++] = (uint32_t)ifi->ifi_index;
	}
}

static bool
on_passage(const struct look *l, uint32_t link)
{
	size_t	i;

	for (i = 0; i < l->nlinks; i++) {
		if (l->links[i] == link)
			return true;
	}
	return false;
}

static void
on_address(struct look *l, const struct nlmsghdr *h)
{
	const struct ifaddrmsg	*ifa = NLMSG_DATA(h);
	const struct rtattr	*at = IFA_RTA(ifa);
	int			 n = (int)IFA_PAYLOAD(h);
	struct ip		 ip;

	if (!on_passage(l, ifa->ifa_index))
		return;
	for (; RTA_OK(at, n); at = RTA_NEXT(at, n)) {
		if (at->rta_type != IFA_ADDRESS && at->rta_type != IFA_LOCAL)
			continue;
		ip = ip_of(at);
		add(l->g, &ip);
	}
}

/* --- questions */

/* A header for the kernel: the smallest of all requests will do. */
static int
ask(int fd, unsigned type)
{
	struct {
		struct nlmsghdr	 h;
		struct rtgenmsg	 gen;
	} q;

	memset(&q, 0, sizeof(q));
	q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.gen));
	q.h.nlmsg_type = (uint16_t)type;
	q.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	q.gen.rtgen_family = AF_UNSPEC;
	return send(fd, &q, q.h.nlmsg_len, 0) == -1 ? -1 : 0;
}

/* 1: go on reading, 0: that was all, -1: it went wrong. */
static int
take(struct look *l, const struct nlmsghdr *h, int n)
{
	for (; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
		switch (h->nlmsg_type) {
		case NLMSG_DONE:
			return 0;
		case NLMSG_ERROR:
			return -1;
		case RTM_NEWLINK:
			on_link(l, h);
			break;
		case RTM_NEWADDR:
			on_address(l, h);
			break;
		case RTM_NEWROUTE:
			on_route(l, h);
			break;
		}
	}
	return 1;
}

static int
hear(struct look *l, int fd, unsigned type)
{
	static _Alignas(struct nlmsghdr) char	 octets[READ_MAX];
	ssize_t					 n;
	int					 go = 1;

	if (ask(fd, type) == -1)
		return -1;
	while (go == 1) {
		n = recv(fd, octets, sizeof(octets), 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		go = take(l, (const struct nlmsghdr *)(const void *)octets,
		    (int)n);
	}
	return go;
}

/* Links before addresses: which are bridges is known then. */
static int
look(struct gateways *g)
{
	static const unsigned	 types[] = {
		RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE
	};
	struct timeval		 patience = { .tv_sec = 2 };
	struct look		*l;
	int			 fd, ok = 0;
	size_t			 i;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	l = xcalloc(1, sizeof(*l));
	l->g = g;
	g->n = 0;
	g->more = false;
	for (i = 0; i < 3 && ok == 0; i++)
		ok = hear(l, fd, types[i]);
	free(l);
	close(fd);
	qsort(g->v, g->n, sizeof(g->v[0]), by_ip);
	return ok;
}

/* --- changes */

static bool
same(const struct gateways *a, const struct gateways *b)
{
	size_t	i;

	for (i = 0; a->n == b->n && i < a->n; i++) {
		if (!ip_eq(&a->v[i], &b->v[i]))
			return false;
	}
	return a->n == b->n;
}

static void
look_again(void *arg)
{
	struct gateways	*g = arg, *before;
	bool		 is_same;

	before = xmalloc(sizeof(*before));
	*before = *g;
	if (look(g) == -1) {
		log_warn("event=gateways-unknown");
		*g = *before;		/* watch and timer as they are */
	}
	is_same = same(before, g);
	free(before);
	if (g->more)
		log_warnx("event=gateways-too-many most=%u", GATEWAYS_MAX);
	if (!is_same)
		g->changed(g->arg);
}

/* What has changed is not read: everything is asked anew, when it is quiet. */
static void
on_event(void *arg, int what)
{
	static char	 octets[READ_MAX];
	struct gateways	*g = arg;

	(void)what;
	while (recv(g->fd, octets, sizeof(octets), MSG_DONTWAIT) > 0)
		continue;
	if (!timer_pending(&g->settle))
		timer_set(&g->settle, SETTLE_MS, look_again, g);
}

static int
subscribe(void)
{
	struct sockaddr_nl	sa = { .nl_family = AF_NETLINK };
	int			fd;

	sa.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
	    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	if (fd != -1 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Subscribed before the first look: no change is missed between. */
void
gateways_init(struct gateways *g, void (*changed)(void *), void *arg)
{
	memset(g, 0, sizeof(*g));
	g->changed = changed;
	g->arg = arg;
	g->fd = subscribe();
	if (g->fd == -1 || look(g) == -1)
		log_warn("event=gateways-unknown");
	if (g->fd != -1)
		watch_set(&g->watch, g->fd, LOOP_READ, on_event, g);
}
