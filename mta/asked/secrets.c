/*
 * secrets.c - passwords for servers, out of the files that came along.
 */
#include "config.h"

#include "base/fileio.h"
#include "base/log.h"

#include "mta/asked/secrets.h"

#define SECRET_MAX	1024	/* octets of a password */

struct span
asked_secret(void *arg, uint32_t object)
{
	struct asked_secrets	*s = arg;
	struct span		 all;
	ptrdiff_t		 nl;
	size_t			 i;

	for (i = 0; i < s->config->nsecrets; i++)
		if (s->config->secrets[i].object == object)
			break;
	if (i == s->config->nsecrets)
		return SPAN_NONE;
	buf_reset(&s->text);
	/* In one piece: what grows leaves copies behind. */
	(void)buf_reserve(&s->text, SECRET_MAX + 1);
	if (file_read_fd(s->config->secrets[i].fd, SECRET_MAX, &s->text) == -1)
		log_warn("event=secret");
	all = buf_span(&s->text);
	if ((nl = span_index(all, '\n')) >= 0)
		all.n = (size_t)nl;
	if (all.n > 0 && all.p[all.n - 1] == '\r')
		all.n--;
	return all;
}

void
asked_secrets_clear(struct asked_secrets *s)
{
	if (s->text.base != NULL)
		explicit_bzero(s->text.base, s->text.cap);
	buf_clear(&s->text);
}
