/*
 * client_requiretls.c - mail that wants TLS all the way (RFC 8689, 4.2.1).
 *
 * It goes by a session whose level was decided for it (level.h: a name that
 * can be believed, a certificate that is verified) to a hop that offers
 * REQUIRETLS, and takes the parameter along.  A host that will not do is left
 * before anything of the message is said, and the next one is tried.
 */
#include "mta/relay/client_int.h"

#include "mta/msg/relayed.h"

bool
client_keeps_requiretls(const struct client *c)
{
	return c->tls.want.level.requires_requiretls && c->ext.requiretls &&
	    client_tls_verified(c);
}

static bool
is_loopback(const struct ip *ip)
{
	static const uint8_t	one[16] = { [15] = 1 };

	return ip->family == 4 ? ip->a[0] == 127 :
	    memcmp(ip->a, one, sizeof(one)) == 0;
}

bool
client_is_end(const struct client *c)
{
	return c->addr.lmtp && !c->addr.filter &&
	    (hop_is_local(&c->addr) || is_loopback(&c->addr.ip));
}

void
client_lacks_requiretls(const struct client *c, struct outcome *why)
{
	if (client_tls_verified(c))
		outcome_set(why, 554, "5.7.30", "REQUIRETLS: %s does not "
		    "offer it", c->mta);
	else
		outcome_set(why, 554, "5.7.10", "REQUIRETLS: there is no "
		    "encrypted and verified connection to %s%s%s", c->mta,
		    c->tls.why[0] != '\0' ? ": " : "", c->tls.why);
}

bool
client_requiretls_ends(struct client *c)
{
	struct outcome	why;

	if (!c->tls.want.level.requires_requiretls ||
	    client_keeps_requiretls(c) || client_is_end(c))
		return false;
	client_lacks_requiretls(c, &why);
	why.trouble = RELAY_TROUBLE_TLS;
	buf_add_str(&c->out, "QUIT\r\n");
	client_flush(c);
	client_fail(c, &why);
	return true;
}
