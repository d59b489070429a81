/*
 * dial.h - a stream to a server, without waiting: its name, its addresses, connect.
 *
 * Names are asked of asked_names.  What is begun here ends from the loop,
 * never from inside of the function that began it; who has had the answer, or
 * wants none any more, frees it.
 */
#ifndef WB_MAPS_ASKED_DIAL_H
#define WB_MAPS_ASKED_DIAL_H

#include "maps/asked/asked.h"

#define ASKED_ADDRESSES_MAX	16	/* of one name; more are left out */
#define ASKED_WHY_MAX		256

/* How long a question may take. */
static inline int64_t
asked_timeout_ms(const struct asked_source *src)
{
	return src->timeout_ms > 0 ? src->timeout_ms : 5000;
}

/* Where a server listens. */
struct asked_place {
	char		*path;		/* a unix socket; or NULL: */
	char		*host;		/* a name or an address */
	uint16_t	 port;
};

/*
 * "unix:/path", "inet:host:port", "host:port", "host" where there is a usual
 * port (0: none); an IPv6 address stands in brackets.  0, or -1 with *why
 * (static).
 */
int		 asked_place_parse(struct span, uint16_t usual_port, struct asked_place *, const char **why);
void		 asked_place_clear(struct asked_place *);

/* --- addresses of a name */

struct asked_hosts;
/* n 0: why says it, and result whether it is for now (MAP_LATER) or there is none (MAP_NONE). */
typedef void asked_hosts_cb(void *arg, const struct ip *, size_t n, enum map_result, const char *why);
/* host may be an address.  IPv6 comes first. */
struct asked_hosts	*asked_hosts_new(const char *host, const struct asked_names *, asked_hosts_cb *, void *arg);
void			 asked_hosts_free(struct asked_hosts **);

/* --- a connected stream */

struct asked_dial;
/* fd: non-blocking, who is told has it; or -1, and why says it. */
typedef void asked_dial_cb(void *arg, int fd, const char *why);
/*
 * Tries the addresses one after the other, none longer than each_ms.  The
 * place is borrowed until it is freed.
 */
struct asked_dial	*asked_dial_new(const struct asked_place *, const struct asked_names *, int64_t each_ms, asked_dial_cb *, void *arg);
void			 asked_dial_free(struct asked_dial **);

#endif
