/*
 * ip.c - addresses and networks of IPv4 and IPv6.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/ip.h"

/* ::ffff:0:0/96, RFC 4291, 2.5.5.2. */
static const uint8_t	mapped[12] = { [10] = 0xff, [11] = 0xff };

static unsigned
width(const struct ip *ip)
{
	return ip->family == 4 ? 32 : 128;
}

static void
unmap(struct ip *ip)
{
	if (ip->family != 6 || memcmp(ip->a, mapped, sizeof(mapped)) != 0)
		return;
	memmove(ip->a, ip->a + 12, 4);
	memset(ip->a + 4, 0, 12);
	ip->family = 4;
}

/* The text as it is: a mapped address stays IPv6. */
static bool
parse_text(struct span s, struct ip *out)
{
	char	text[IP_TEXT_MAX];

	*out = (struct ip){ 0 };
	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, out->a) == 1)
		out->family = 4;
	else if (inet_pton(AF_INET6, text, out->a) == 1)
		out->family = 6;
	else
		*out = (struct ip){ 0 };
	return out->family != 0;
}

bool
ip_parse(struct span s, struct ip *out)
{
	if (!parse_text(s, out))
		return false;
	unmap(out);
	return true;
}

bool
ipnet_parse(struct span s, struct ipnet *out)
{
	ptrdiff_t	slash = span_index(s, '/');
	uint64_t	bits;
	struct ip	masked;

	*out = (struct ipnet){ { 0 }, 0 };
	if (!parse_text(slash < 0 ? s : span_mem(s.p, (size_t)slash), &out->ip))
		return false;
	bits = width(&out->ip);
	if (slash >= 0 &&
	    !span_u64(span_from(s, (size_t)slash + 1), bits, &bits))
		return false;
	masked = ip_mask(&out->ip, (unsigned)bits);
	if (!ip_eq(&masked, &out->ip))
		return false;
	if (out->ip.family == 6 && bits >= 96) {
		unmap(&out->ip);
		if (out->ip.family == 4)
			bits -= 96;
	}
	out->bits = (uint8_t)bits;
	return true;
}

/* A number up to 255, its end. */
static char *
put_octet(char *at, unsigned v)
{
	if (v >= 100)
		*at++ = (char)('0' + v / 100);
	if (v >= 10)
		*at++ = (char)('0' + v / 10 % 10);
	*at++ = (char)('0' + v % 10);
	return at;
}

/* "192.0.2.1", its end; decisions do so often, inet_ntop() is slow. */
static char *
put_ip4(char *at, const uint8_t a[4], bool backwards)
{
	int	 i;

	for (i = 0; i < 4; i++) {
		if (i > 0)
			*at++ = '.';
		at = put_octet(at, a[backwards ? 3 - i : i]);
	}
	return at;
}

const char *
ip_format(const struct ip *ip, char out[IP_TEXT_MAX])
{
	out[0] = '\0';
	if (ip->family == 4)
		*put_ip4(out, ip->a, false) = '\0';
	else if (ip->family != 0)
		(void)inet_ntop(AF_INET6, ip->a, out, IP_TEXT_MAX);
	return out;
}

const char *
ipnet_format(const struct ipnet *net, char out[IPNET_TEXT_MAX])
{
	char	*end = out + strlen(ip_format(&net->ip, out));

	*end++ = '/';
	*put_octet(end, net->bits) = '\0';
	return out;
}

const char *
ip_literal(const struct ip *ip, char out[64])
{
	char	text[IP_TEXT_MAX];

	(void)snprintf(out, 64, "[%s%s]", ip->family == 6 ? "IPv6:" : "",
	    ip_format(ip, text));
	return out;
}

struct ip
ip_from_octets(const void *octets, size_t n)
{
	struct ip	ip = { 0 };

	if (n != 4 && n != 16)
		return ip;
	memcpy(ip.a, octets, n);
	ip.family = n == 4 ? 4 : 6;
	unmap(&ip);
	return ip;
}

bool
ip_eq(const struct ip *a, const struct ip *b)
{
	return ip_cmp(a, b) == 0;
}

int
ip_cmp(const struct ip *a, const struct ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->a, b->a, width(a) / 8);
}

bool
ipnet_has(const struct ipnet *net, const struct ip *ip)
{
	struct ip	masked;

	if (ip->family == 0 || ip->family != net->ip.family)
		return false;
	masked = ip_mask(ip, net->bits);
	return ip_eq(&masked, &net->ip);
}

struct ip
ip_mask(const struct ip *ip, unsigned bits)
{
	struct ip	out = { .family = ip->family };
	unsigned	whole;

	if (bits > width(ip))
		bits = width(ip);
	whole = bits / 8;
	memcpy(out.a, ip->a, whole);
	if (bits % 8 != 0)
		out.a[whole] = ip->a[whole] & (uint8_t)(0xff00u >> (bits % 8));
	return out;
}

bool
ip_from_sockaddr(const struct sockaddr *sa, struct ip *out, uint16_t *port)
{
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	uint16_t		n = 0;

	*out = (struct ip){ 0 };
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		*out = ip_from_octets(&in.sin_addr, 4);
		n = ntohs(in.sin_port);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		*out = ip_from_octets(&in6.sin6_addr, 16);
		n = ntohs(in6.sin6_port);
	}
	if (port != NULL)
		*port = n;
	return out->family != 0;
}

socklen_t
ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in	in = { .sin_family = AF_INET };
	struct sockaddr_in6	in6 = { .sin6_family = AF_INET6 };

	memset(ss, 0, sizeof(*ss));
	if (ip->family == 4) {
		in.sin_port = htons(port);
		memcpy(&in.sin_addr, ip->a, 4);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	}
	in6.sin6_port = htons(port);
	memcpy(&in6.sin6_addr, ip->a, 16);
	memcpy(ss, &in6, sizeof(in6));
	return sizeof(in6);
}

/* RFC 1035, 3.5 and RFC 3596, 2.5. */
const char *
ip_reverse_name(const struct ip *ip, char out[80])
{
	static const char	 hex[] = "0123456789abcdef";
	char			*at = out;
	int			 i;

	if (ip->family == 4) {
		at = put_ip4(out, ip->a, true);
		memcpy(at, ".in-addr.arpa", sizeof(".in-addr.arpa"));
		return out;
	}
	for (i = 15; i >= 0; i--) {
		*at++ = hex[ip->a[i] & 15];
		*at++ = '.';
		*at++ = hex[ip->a[i] >> 4];
		*at++ = '.';
	}
	memcpy(at, "ip6.arpa", sizeof("ip6.arpa"));
	return out;
}

bool
ip_is_loopback(const struct ip *ip)
{
	static const uint8_t	one[16] = { [15] = 1 };

	if (ip->family == 4)
		return ip->a[0] == 127;
	return ip->family == 6 && memcmp(ip->a, one, sizeof(one)) == 0;
}
