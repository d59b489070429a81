/*
 * curls.c - libcurl's multi interface on our loop.
 *
 * libcurl says which descriptors it waits for and how long; we call it when
 * one is ready or the time is over, and then ask which handles have ended.
 * A handle is never given up from inside one of libcurl's own callbacks.
 */
#include <openssl/ssl.h>

#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/fetch/curls.h"

struct curls {
	CURLM		*multi;
	struct timer	 timer;
};

struct sock {
	struct curls	*all;
	struct watch	 watch;
	curl_socket_t	 fd;
};

/* What a handle's CURLOPT_PRIVATE points to. */
struct running {
	curls_done	*done;
	void		*arg;
};

void
curls_global_init(void)
{
	if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) != 1 ||
	    curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		fatalx("libcurl cannot be initialised");
}

/* Off the handle, so that it is told of once. */
static struct running *
take_running(CURL *easy)
{
	char	*private = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
	return (struct running *)(void *)private;
}

static void
tell_ended(struct curls *cs)
{
	struct running	*r;
	CURLMsg		*m;
	CURLcode	 code;
	int		 left;

	while ((m = curl_multi_info_read(cs->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		code = m->data.result;	/* m goes with the handle */
		if ((r = take_running(m->easy_handle)) == NULL)
			continue;
		r->done(r->arg, code);
		free(r);
	}
}

static void
act(struct curls *cs, curl_socket_t fd, int what)
{
	int	running;

	(void)curl_multi_socket_action(cs->multi, fd, what, &running);
	tell_ended(cs);
}

static void
on_ready(void *arg, int what)
{
	struct sock	*s = arg;

	act(s->all, s->fd, (what & LOOP_READ ? CURL_CSELECT_IN : 0) |
	    (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
on_time(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* --- what libcurl says */

static int
wants(int what)
{
	switch (what) {
	case CURL_POLL_IN:
		return LOOP_READ;
	case CURL_POLL_OUT:
		return LOOP_WRITE;
	case CURL_POLL_INOUT:
		return LOOP_READ | LOOP_WRITE;
	}
	return 0;
}

static int
socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct curls	*cs = arg;
	struct sock	*s = known;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			watch_clear(&s->watch);
		free(s);
		return 0;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->all = cs;
		s->fd = fd;
		(void)curl_multi_assign(cs->multi, fd, s);
	}
	watch_set(&s->watch, fd, wants(what), on_ready, s);
	return 0;
}

static int
timer_wanted(CURLM *multi, long ms, void *arg)
{
	struct curls	*cs = arg;

	(void)multi;
	if (ms < 0)
		timer_stop(&cs->timer);
	else
		timer_set(&cs->timer, ms, on_time, cs);
	return 0;
}

struct curls *
curls_new(void)
{
	struct curls	*cs = xcalloc(1, sizeof(*cs));

	if ((cs->multi = curl_multi_init()) == NULL)
		fatalx("curl_multi_init");
	(void)curl_multi_setopt(cs->multi, CURLMOPT_SOCKETFUNCTION,
	    socket_wanted);
	(void)curl_multi_setopt(cs->multi, CURLMOPT_SOCKETDATA, cs);
	(void)curl_multi_setopt(cs->multi, CURLMOPT_TIMERFUNCTION,
	    timer_wanted);
	(void)curl_multi_setopt(cs->multi, CURLMOPT_TIMERDATA, cs);
	(void)curl_multi_setopt(cs->multi, CURLMOPT_PIPELINING,
	    CURLPIPE_NOTHING);
	return cs;
}

void
curls_free(struct curls **csp)
{
	struct curls	*cs = *csp;

	*csp = NULL;
	if (cs == NULL)
		return;
	(void)curl_multi_cleanup(cs->multi);
	timer_clear(&cs->timer);
	free(cs);
}

/* --- handles */

static CURLcode
context_made(CURL *easy, void *ctx, void *arg)
{
	(void)easy;
	return trust_apply(arg, ctx) == 0 ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/*
 * An option that this libcurl does not know would be a promise that is not
 * kept, so that none may fail.
 */
#define SET(easy, option, value) do {					\
	if (curl_easy_setopt((easy), (option), (value)) != CURLE_OK)	\
		fatalx("libcurl does not take " #option);		\
} while (0)

/* No proxy of the environment, no file, no cookie, no other protocol. */
static void
only_https(CURL *e)
{
	SET(e, CURLOPT_PROTOCOLS_STR, "https");
	SET(e, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(e, CURLOPT_FOLLOWLOCATION, 0L);
	SET(e, CURLOPT_PROXY, "");
	SET(e, CURLOPT_NOPROXY, "*");
	SET(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(e, CURLOPT_HTTP09_ALLOWED, 0L);
	SET(e, CURLOPT_NOSIGNAL, 1L);
	SET(e, CURLOPT_FORBID_REUSE, 1L);
	SET(e, CURLOPT_FRESH_CONNECT, 1L);
	SET(e, CURLOPT_USERAGENT, "Waybill");
}

static void
verified(CURL *e, const struct trust *trust)
{
	SET(e, CURLOPT_SSL_VERIFYPEER, 1L);
	SET(e, CURLOPT_SSL_VERIFYHOST, 2L);
	SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(e, CURLOPT_CAINFO, NULL);
	SET(e, CURLOPT_CAPATH, NULL);
	SET(e, CURLOPT_SSL_CTX_FUNCTION, context_made);
	SET(e, CURLOPT_SSL_CTX_DATA, (void *)(uintptr_t)trust);
}

CURL *
curls_handle(const struct trust *trust)
{
	CURL	*e = curl_easy_init();

	if (e == NULL)
		fatalx("curl_easy_init");
	only_https(e);
	verified(e, trust);
	return e;
}

void
curls_add(struct curls *cs, CURL *easy, curls_done *done, void *arg)
{
	struct running	*r = xcalloc(1, sizeof(*r));

	*r = (struct running){ done, arg };
	SET(easy, CURLOPT_PRIVATE, r);
	if (curl_multi_add_handle(cs->multi, easy) != CURLM_OK)
		fatalx("curl_multi_add_handle");
}

void
curls_remove(struct curls *cs, CURL **easy)
{
	if (*easy == NULL)
		return;
	free(take_running(*easy));
	(void)curl_multi_remove_handle(cs->multi, *easy);
	curl_easy_cleanup(*easy);
	*easy = NULL;
}
