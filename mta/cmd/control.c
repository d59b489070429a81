/*
 * control.c - a question on the server's control socket, and its answer.
 *
 * One line is sent, one JSON document comes back, then the end.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"

#define ANSWER_MAX	(1u << 30)	/* octets: a queue may be long */
#define PATIENCE_S	30
#define RELOAD_S	90		/* it compiles */
#define PROBE_S		90		/* it waits for other servers */

char *
cmd_beside(const char *policy, struct span dir)
{
	const char	*slash = strrchr(policy, '/');

	if (dir.n > 0 && dir.p[0] == '/')
		return xstrndup(dir.p, dir.n);
	return xasprintf("%.*s%.*s",
	    slash == NULL ? 0 : (int)(slash - policy) + 1, policy,
	    SPAN_ARG(dir));
}

/* The spool's folder as the policy names it; the caller frees it. */
static char *
spool_of(const char *policy, int *status)
{
	struct rs_image	*im;
	struct span	 dir;
	const char	*why;
	char		*copy = NULL;
	int		 fd;

	/* A table that is broken hides no server. */
	if ((fd = cmd_build(policy, CF_TABLES_NOT, status)) == -1) {
		fprintf(stderr, "waybill: a server that runs is found "
		    "without the policy too: --spool DIR\n");
		return NULL;
	}
	if ((im = rs_image_open_settings(fd, &why)) != NULL) {
		dir = rs_setting_text(im, RS_OPT_SPOOL_directory);
		copy = cmd_beside(policy, dir);
		rs_image_free(&im);
	} else {
		fprintf(stderr, "waybill: %s: %s\n", policy, why);
		*status = CMD_USAGE;
	}
	close(fd);
	return copy;
}

int
cmd_server_options(int argc, char **argv, struct cmd_server *sv)
{
	const struct cmd_opt	opts[] = {
		{ OPT_TEXT, "spool", 0, { .text = &sv->spool } },
		{ OPT_TEXT, "policy", 'c', { .text = &sv->policy } },
		{ OPT_FLAG, "json", 0, { .flag = &sv->json } },
		{ OPT_END, NULL, 0, { NULL } }
	};

	*sv = (struct cmd_server){ .spool = NULL };
	return cmd_options(argc, argv, opts);
}

char *
cmd_spool(const struct cmd_server *sv, int *status)
{
	const char	*env = getenv("WAYBILL_SPOOL");

	*status = CMD_OK;
	if (sv->spool != NULL)
		return xstrdup(sv->spool);
	if (sv->policy != NULL)
		return spool_of(sv->policy, status);
	if (env != NULL && env[0] != '\0')
		return xstrdup(env);
	return xstrdup(rs_options[RS_OPT_SPOOL_directory].dflt);
}

/*
 * A folder's path may be longer than a socket's address: then it is named by
 * way of a descriptor.
 */
static int
address(const char *spool, struct sockaddr_un *sun, int *dirfd)
{
	int	n;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	*dirfd = -1;
	n = snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/control",
	    spool);
	if (n > 0 && (size_t)n < sizeof(sun->sun_path))
		return 0;
	if ((*dirfd = open(spool, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	(void)snprintf(sun->sun_path, sizeof(sun->sun_path),
	    "/proc/self/fd/%d/control", *dirfd);
	return 0;
}

/* For how long nothing need come. */
static int
patience_s(const char *line)
{
	if (strncmp(line, "probe ", 6) == 0)
		return PROBE_S;
	return strcmp(line, "reload\n") == 0 ? RELOAD_S : PATIENCE_S;
}

static int
dial(const char *spool, int seconds)
{
	struct timeval		 tv = { .tv_sec = seconds };
	struct sockaddr_un	 sun;
	int			 fd, dirfd, r;

	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	r = address(spool, &sun, &dirfd);
	if (r == 0)
		r = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	if (dirfd != -1)
		close(dirfd);
	if (r == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Who is turned away hears of it by an error, not by a signal. */
static int
send_all(int fd, const char *line)
{
	size_t	left = strlen(line);
	ssize_t	n;

	for (; left > 0; line += n, left -= (size_t)n)
		if ((n = send(fd, line, left, MSG_NOSIGNAL)) == -1) {
			if (errno != EINTR)
				return -1;
			n = 0;
		}
	return 0;
}

static int
read_all(int fd, struct buf *out)
{
	ssize_t	n;

	for (;;) {
		n = read(fd, buf_reserve(out, 65536), 65536);
		if (n == 0)
			return 0;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		buf_grown(out, (size_t)n);
		if (out->n > ANSWER_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
}

static json_t *
no_server(const char *spool)
{
	int	e = errno;

	fprintf(stderr, "waybill: %s/control: %s\n", spool, strerror(e));
	if (e == ENOENT || e == ECONNREFUSED)
		fprintf(stderr, "Does the server run?  --spool DIR or "
		    "-c POLICY says where its spool is.\n");
	else if (e == EACCES)
		fprintf(stderr, "It belongs to the server: be root, or who "
		    "has started it.\n");
	return NULL;
}

static void
no_answer(const char *spool, int seconds)
{
	if (errno == EAGAIN)
		fprintf(stderr, "waybill: %s/control: no answer in %d s: the "
		    "server's queue is stopped or very busy\n", spool,
		    seconds);
	else if (errno == EPIPE || errno == ECONNRESET)
		fprintf(stderr, "waybill: %s/control: the server has hung up: "
		    "it is ending, or answers too many others\n", spool);
	else
		fprintf(stderr, "waybill: %s/control: %s\n", spool,
		    strerror(errno));
}

json_t *
cmd_control(const char *spool, const char *line)
{
	struct buf	 answer = { 0 };
	json_error_t	 error;
	json_t		*doc;
	int		 fd, seconds = patience_s(line);

	if ((fd = dial(spool, seconds)) == -1)
		return no_server(spool);
	if (send_all(fd, line) == -1 ||
	    read_all(fd, &answer) == -1) {
		no_answer(spool, seconds);
		close(fd);
		buf_clear(&answer);
		return NULL;
	}
	close(fd);
	doc = json_loadb(answer.n == 0 ? "" : buf_span(&answer).p, answer.n, 0,
	    &error);
	if (doc == NULL)
		fprintf(stderr, "waybill: the server's answer is no JSON: "
		    "%s\n", error.text);
	buf_clear(&answer);
	return doc;
}

/* --- answers of many lines */

/* The whole lines of what has come; false: cb wants no more. */
static bool
hand_on(struct buf *in, cmd_line *cb, void *arg, bool *bad)
{
	json_error_t	 error;
	json_t		*doc;
	ptrdiff_t	 end;
	bool		 go_on = true;

	while (go_on && (end = span_index(buf_span(in), '\n')) >= 0) {
		doc = json_loadb(buf_span(in).p, (size_t)end, 0, &error);
		buf_eat(in, (size_t)end + 1);
		if (doc == NULL) {
			fprintf(stderr, "waybill: the server's answer is no "
			    "JSON: %s\n", error.text);
			*bad = true;
			return false;
		}
		go_on = cb(arg, doc, in);
		json_decref(doc);
	}
	return go_on;
}

/* One line, then octets; false: no more is wanted. */
static bool
hand_octets(struct buf *in, bool *lined, cmd_line *cb, cmd_octets *octets,
    void *arg, bool *bad)
{
	bool	go_on;

	if (!*lined) {
		if (span_index(buf_span(in), '\n') < 0)
			return true;
		(void)hand_on(in, cb, arg, bad);
		*lined = true;
	}
	if (in->n == 0 || *bad)
		return !*bad;
	go_on = octets(arg, buf_span(in).p, in->n);
	buf_reset(in);
	return go_on;
}

/* Lines, or with octets one line and what follows. */
static int
converse(const char *spool, const char *line, cmd_line *cb,
    cmd_octets *octets, void *arg)
{
	struct buf	in = { 0 };
	bool		bad = false, lined = false, go_on = true;
	ssize_t		n = 1;
	int		fd;

	if ((fd = dial(spool, PATIENCE_S)) == -1) {
		(void)no_server(spool);
		return -1;
	}
	if (send_all(fd, line) == -1)
		n = -1;
	while (n > 0) {
		n = read(fd, buf_reserve(&in, 65536), 65536);
		if (n > 0)
			buf_grown(&in, (size_t)n);
		else if (n == -1 && errno == EINTR)
			n = 1;
		if (n > 0)
			go_on = octets == NULL ? hand_on(&in, cb, arg, &bad) :
			    hand_octets(&in, &lined, cb, octets, arg, &bad);
		if (!go_on)
			break;
	}
	if (n == -1)
		no_answer(spool, PATIENCE_S);
	close(fd);
	buf_clear(&in);
	return n == -1 || bad ? -1 : 0;
}

int
cmd_control_lines(const char *spool, const char *line, cmd_line *cb, void *arg)
{
	return converse(spool, line, cb, NULL, arg);
}

int
cmd_control_octets(const char *spool, const char *line, cmd_line *cb,
    cmd_octets *octets, void *arg)
{
	return converse(spool, line, cb, octets, arg);
}

json_t *
cmd_server_ask(int argc, char **argv, struct cmd_server *sv, int *status)
{
	json_t	*doc;
	char	*spool, *line;
	int	 n;

	*status = CMD_USAGE;
	if ((n = cmd_server_options(argc, argv, sv)) == -1)
		return NULL;
	if (n != 0) {
		cmd_usage(argv[0], "no '%s'", argv[1]);
		return NULL;
	}
	if ((spool = cmd_spool(sv, status)) == NULL)
		return NULL;
	line = xasprintf("%s\n", argv[0]);
	doc = cmd_control(spool, line);
	free(line);
	free(spool);
	if (doc == NULL)
		*status = CMD_USAGE;
	return doc;
}

void
cmd_json_print(const json_t *doc)
{
	(void)json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	printf("\n");
}

const char *
cmd_json_str(const json_t *o, const char *key)
{
	const char	*s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

int64_t
cmd_json_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

bool
cmd_json_error(const char *name, const json_t *doc)
{
	const char	*why = cmd_json_str(doc, "error");

	if (why[0] == '\0')
		return false;
	fprintf(stderr, "waybill %s: %s\n", name, why);
	return true;
}
