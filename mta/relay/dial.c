/*
 * dial.c - socket(), bind(), connect().
 */
#include "mta/relay/dial.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"

/* What connect() takes; its length. */
static socklen_t
address_of(const struct hop_addr *a, struct sockaddr_storage *sa)
{
	struct sockaddr_un	*sun = (struct sockaddr_un *)sa;

	if (!hop_is_local(a))
		return ip_to_sockaddr(&a->ip, a->port, sa);
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, a->name, strnlen(a->name,
	    sizeof(sun->sun_path) - 1));
	return sizeof(*sun);
}

/* The same source does not fill the log; another one is told at once. */
static void
tell(const struct ip *source, const char *text, int error)
{
	static struct ip	told;
	static int64_t		until_ms;
	int64_t			now = loop_now_ms();

	if (ip_eq(&told, source) && now < until_ms)
		return;
	told = *source;
	until_ms = now + DIAL_TOLD_MS;
	log_warnx("event=source-unusable source=%s why=\"%s\"", text,
	    strerror(error));
}

/*
 * The port is chosen by connect(), which may take one that another connection
 * to elsewhere has (ip(7), IP_BIND_ADDRESS_NO_PORT).
 */
static bool
bind_to(int fd, const struct ip *source, struct outcome *why)
{
	struct sockaddr_storage	sa;
	socklen_t		n = ip_to_sockaddr(source, 0, &sa);
	char			text[IP_TEXT_MAX];
	int			on = 1, error;

	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
	    sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, n) == 0)
		return true;
	error = errno;
	ip_format(source, text);
	outcome_set(why, 451, "4.3.5", "cannot send from the address %s: %s",
	    text, strerror(error));
	tell(source, text, error);
	return false;
}

static enum dial_result
no_socket(struct outcome *why)
{
	outcome_set(why, 451, "4.3.0", "cannot make a socket: %s",
	    strerror(errno));
	return DIAL_OURS;
}

static enum dial_result
unreachable(const struct hop_addr *a, struct outcome *why)
{
	char	name[HOP_ADDR_TEXT], port[HOP_PORT_TEXT];

	outcome_set(why, 451, "4.4.1", "cannot connect to %s%s: %s",
	    hop_addr_text(a, hop_addr_name(a), name), hop_port_text(a, port),
	    strerror(errno));
	return DIAL_FAILED;
}

/* NULL: whichever the system takes. */
static const struct ip *
source_of(const struct hop_addr *a)
{
	const struct ip	*ip;

	if (a->way == NULL || hop_is_local(a))
		return NULL;
	ip = a->ip.family == 4 ? &a->way->source4 : &a->way->source6;
	return ip->family == 0 ? NULL : ip;
}

enum dial_result
dial(const struct hop_addr *a, int *out, struct outcome *why)
{
	const struct ip		*source = source_of(a);
	struct sockaddr_storage	sa;
	socklen_t		n = address_of(a, &sa);
	enum dial_result	result;
	int			fd;

	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)	/* a local one may be refused by our own confinement */
		return hop_is_local(a) ? unreachable(a, why) : no_socket(why);
	if (source != NULL && !bind_to(fd, source, why)) {
		close(fd);
		return DIAL_OURS;
	}
	if (connect(fd, (struct sockaddr *)&sa, n) == 0 ||
	    errno == EINPROGRESS) {
		*out = fd;
		return DIAL_BEGUN;
	}
	result = unreachable(a, why);
	close(fd);
	return result;
}
