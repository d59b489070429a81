/*
 * transfer_run.c - one address of a server is asked, by libcurl.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/xalloc.h"

#include "mta/fetch/transfer_int.h"

/* None of what is set here can fail but by a lack of memory. */
#define SET(t, option, value) \
	((t)->bad |= curl_easy_setopt((t)->easy, (option), (value)) != CURLE_OK)

struct setting {
	CURL	*easy;
	bool	 bad;
};

void
transfer_run_clear(struct transfer *t)
{
	curls_remove(t->all->curls, &t->easy);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->to);
	t->headers = t->to = NULL;
}

/* --- what comes */

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer	*t = arg;

	n *= size;
	if (n > t->asks->octets_max - t->body.n) {
		t->large = true;
		return n == 0 ? 1 : 0;	/* not what came: it ends */
	}
	buf_add(&t->body, p, n);
	return n;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer	*t = arg;

	(void)p;
	n *= size;
	t->header_octets += n;
	if (t->header_octets <= TRANSFER_HEADER_MAX)
		return n;
	t->large = true;
	return n == 0 ? 1 : 0;
}

/* --- how it ends */

static enum http_result
result_of(const struct transfer *t, CURLcode code)
{
	if (t->large)
		return HTTP_LARGE;
	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_NO_CONNECT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return HTTP_UNTRUSTED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
		return HTTP_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_SLOW;
	case CURLE_FILESIZE_EXCEEDED:
		return HTTP_LARGE;
	default:
		return HTTP_BROKEN;
	}
}

/* Nothing was sent, and it is no answer that other addresses might change. */
static bool
may_go_on(const struct transfer *t, CURLcode code)
{
	curl_off_t	secured_us = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T,
	    &secured_us);
	return secured_us == 0 && code != CURLE_PEER_FAILED_VERIFICATION &&
	    t->next < t->addrs.n;
}

static void
answered(struct transfer *t)
{
	char	*type = NULL, *location = NULL;
	long	 status = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
	(void)curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &location);
	if (t->redirects > 0 && location != NULL)
		transfer_elsewhere(t, location);
	else
		transfer_done(t, status < 0 || status > 999 ? 0 :
		    (unsigned)status, type);
}

static void
on_done(void *arg, CURLcode code)
{
	struct transfer	*t = arg;
	char		 ip[IP_TEXT_MAX];

	if (code == CURLE_OK && !t->large)
		answered(t);
	else if (may_go_on(t, code))
		transfer_run(t);
	else
		transfer_fail(t, result_of(t, code), "%.*s[%s]: %s",
		    SPAN_ARG(t->url.host),
		    ip_format(&t->addrs.v[t->next - 1], ip),
		    t->large ? "more octets than are taken" :
		    t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
}

/* --- how it begins */

/* The lines are the asker's, who may be wrong: what has a CR is left out. */
static void
add_headers(struct transfer *t, struct span lines)
{
	ptrdiff_t	 end;
	char		*line;

	while ((end = span_index(lines, '\n')) != -1) {
		line = xstrndup(lines.p, (size_t)end);
		if (end > 0 && strchr(line, '\r') == NULL)
			t->headers = curl_slist_append(t->headers, line);
		OPENSSL_cleanse(line, strlen(line));
		free(line);
		lines = span_from(lines, (size_t)end + 1);
	}
}

/* Whatever the URL's host and port are, it is connected there. */
static void
add_address(struct transfer *t)
{
	const struct ip	*ip = &t->addrs.v[t->next++];
	char		 text[IP_TEXT_MAX], line[IP_TEXT_MAX + 16];

	(void)snprintf(line, sizeof(line), ip->family == 6 ? "::[%s]:%u" :
	    "::%s:%u", ip_format(ip, text), (unsigned)t->url.port);
	t->to = curl_slist_append(t->to, line);
}

static void
set_question(struct transfer *t, struct setting *s)
{
	char	*url = t->location != NULL ? xstrdup(t->location) :
		    xstrndup(t->asks->url.p, t->asks->url.n);
	char	*type;

	SET(s, CURLOPT_URL, url);
	free(url);
	if (t->asks->method == HTTP_POST) {
		type = xasprintf("Content-Type: %.*s",
		    SPAN_ARG(t->asks->type));
		t->headers = curl_slist_append(t->headers, type);
		free(type);
		SET(s, CURLOPT_POST, 1L);
		SET(s, CURLOPT_POSTFIELDSIZE, (long)t->asks->body.n);
		SET(s, CURLOPT_POSTFIELDS, t->asks->body.p);
	}
	t->headers = curl_slist_append(t->headers, "Expect:");
	if (t->location == NULL)	/* else it is another's: no secret */
		add_headers(t, t->asks->headers);
	SET(s, CURLOPT_HTTPHEADER, t->headers);
}

static void
set_answer(struct transfer *t, struct setting *s)
{
	t->error[0] = '\0';
	t->header_octets = 0;
	t->large = false;
	buf_reset(&t->body);
	SET(s, CURLOPT_ERRORBUFFER, t->error);
	SET(s, CURLOPT_WRITEFUNCTION, on_body);
	SET(s, CURLOPT_WRITEDATA, t);
	SET(s, CURLOPT_HEADERFUNCTION, on_header);
	SET(s, CURLOPT_HEADERDATA, t);
}

void
transfer_run(struct transfer *t)
{
	struct setting	s = { .bad = false };
	int64_t		left = t->until_ms - loop_now_ms();

	transfer_run_clear(t);
	add_address(t);
	s.easy = t->easy = curls_handle(t->all->trust);
	set_question(t, &s);
	set_answer(t, &s);
	SET(&s, CURLOPT_CONNECT_TO, t->to);
	SET(&s, CURLOPT_CONNECTTIMEOUT_MS, (long)(t->next < t->addrs.n &&
	    left > TRANSFER_CONNECT_MS ? TRANSFER_CONNECT_MS :
	    left < 1 ? 1 : left));
	t->state = TRANSFER_RUNS;
	if (s.bad || t->to == NULL || t->headers == NULL)
		transfer_fail(t, HTTP_REFUSED, "libcurl does not take it");
	else
		curls_add(t->all->curls, t->easy, on_done, t);
}
