/*
 * log.c - lines gather in a buffer and leave with one write.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define GATHER_MAX	(64u << 10)	/* then lines leave anyway */
#define LINE_MAX_OCTETS	4096		/* longer lines are cut */
#define QUOTE_MAX	200		/* octets of peer text in a line */
#define QUOTE_BUFS	32	/* a line of the queue has a dozen */

static struct {
	const char	*process;
	int		 fd;
	enum log_level	 least;
	bool		 gathers;
	long		 pid;		/* kept: getpid is a system call */
	char		 lines[GATHER_MAX + LINE_MAX_OCTETS];
	size_t		 n;
} lg = { .process = "waybill", .fd = 2, .least = LOG_L_INFO };

static const char *const level_names[] = { "debug", "info", "warn", "error" };
#define NLEVELS		(sizeof(level_names) / sizeof(level_names[0]))

bool
log_level_parse(const char *name, enum log_level *out)
{
	size_t	i;

	for (i = 0; i < NLEVELS; i++)
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

/* A child writes its own lines, under its own number. */
static void
after_fork(void)
{
	lg.pid = (long)getpid();
}

static long
own_pid(void)
{
	if (lg.pid == 0) {
		after_fork();
		(void)pthread_atfork(NULL, NULL, after_fork);
	}
	return lg.pid;
}

void
log_open(const char *process, int fd, enum log_level least)
{
	log_flush();
	lg.process = process;
	lg.fd = fd;
	lg.least = least;
}

bool
log_wants(enum log_level level)
{
	return level >= lg.least;
}

void
log_gather(bool on)
{
	if (!on)
		log_flush();
	lg.gathers = on;
}

static void
write_out(const char *p, size_t left)
{
	ssize_t	n;
	int	saved = errno;

	while (left > 0) {
		n = write(lg.fd, p, left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;		/* nowhere to complain */
		p += n;
		left -= (size_t)n;
	}
	errno = saved;
}

void
log_flush(void)
{
	write_out(lg.lines, lg.n);
	lg.n = 0;
}

/* Time of day, process and level; the part up to the second is kept. */
static int
line_head(char *out, size_t room, enum log_level level)
{
	static int64_t	 kept_s = -1;
	static char	 kept[24];
	int64_t		 ms = clock_wall_ms();
	time_t		 t = (time_t)(ms / 1000);
	struct tm	 tm;

	if (kept_s != ms / 1000 && gmtime_r(&t, &tm) != NULL) {
		(void)strftime(kept, sizeof(kept), "%Y-%m-%dT%H:%M:%S", &tm);
		kept_s = ms / 1000;
	}
	return snprintf(out, room, "%s.%03dZ %s[%ld] %s ", kept,
	    (int)(ms % 1000), lg.process, own_pid(), level_names[level]);
}

/* A line ends where the text has a line end: text cannot forge a second. */
static size_t
one_line(char *line, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	line[n] = '\n';
	return n + 1;
}

static size_t
clamp(int n, size_t room)
{
	if (n < 0)
		return 0;
	return (size_t)n < room ? (size_t)n : room - 1;
}

static void
say(enum log_level level, int error, const char *fmt, va_list ap)
{
	char	*line = lg.lines + lg.n;
	size_t	 n, room = LINE_MAX_OCTETS - 1;
	int	 saved = errno;

	if (level < lg.least)
		return;
	n = clamp(line_head(line, room, level), room);
	n += clamp(vsnprintf(line + n, room - n, fmt, ap), room - n);
	if (error != 0)
		n += clamp(snprintf(line + n, room - n, ": %s",
		    strerror(error)), room - n);
	lg.n += one_line(line, n);
	if (!lg.gathers || lg.n >= GATHER_MAX)
		log_flush();
	errno = saved;
}

void
log_whole(const char *what, struct span text)
{
	struct buf	line = { 0 };
	char		head[128];
	int		saved = errno;

	if (!log_wants(LOG_L_INFO))
		return;
	(void)line_head(head, sizeof(head), LOG_L_INFO);
	buf_addf(&line, "%s%s ", head, what);
	buf_add_span(&line, text);
	buf_add_char(&line, '\n');
	log_flush();			/* what was said before */
	write_out(line.base, line.n);
	buf_clear(&line);
	errno = saved;
}

void
log_debug(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	say(LOG_L_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	say(LOG_L_INFO, 0, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	say(LOG_L_WARN, errno, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	say(LOG_L_WARN, 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	say(LOG_L_ERROR, errno, fmt, ap);
	va_end(ap);
	log_flush();
	_exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	say(LOG_L_ERROR, 0, fmt, ap);
	va_end(ap);
	log_flush();
	_exit(1);
}

/* C1 controls (U+0080..U+009F) move the cursor of some terminals. */
static size_t
printable(struct span s)
{
	const unsigned char	*p = (const unsigned char *)s.p;

	if (p[0] < 0x80)
		return p[0] >= ' ' && p[0] < 0x7f;
	if (p[0] == 0xc2 && s.n > 1 && p[1] < 0xa0)
		return 0;
	return span_utf8(s);
}

static bool
wants_quotes(struct span s)
{
	size_t	i;

	if (s.n == 0)
		return true;
	for (i = 0; i < s.n; i++)
		if (s.p[i] == ' ' || s.p[i] == '"' || s.p[i] == '\\' ||
		    s.p[i] == '=')
			return true;
	return false;
}

/* One character of s into out; returns how many octets of s it took. */
static size_t
quote_one(struct span s, char **out)
{
	size_t	n;

	if (s.p[0] == '"' || s.p[0] == '\\') {
		*(*out)++ = '\\';
		*(*out)++ = s.p[0];
		return 1;
	}
	if ((n = printable(s)) == 0) {
		*out += sprintf(*out, "\\x%02x", (unsigned char)s.p[0]);
		return 1;
	}
	memcpy(*out, s.p, n);
	*out += n;
	return n;
}

const char *
log_process(void)
{
	return lg.process;
}

const char *
log_quote(struct span s)
{
	static char	 bufs[QUOTE_BUFS][QUOTE_MAX * 4 + 8];
	static unsigned	 next;
	char		*out = bufs[next++ % QUOTE_BUFS], *at = out;
	bool		 cut = s.n > QUOTE_MAX, quotes;

	if (cut)
		s.n = QUOTE_MAX;
	if ((quotes = wants_quotes(s)))
		*at++ = '"';
	while (s.n > 0)
		s = span_from(s, quote_one(s, &at));
	if (cut)
		at += sprintf(at, "...");
	if (quotes)
		*at++ = '"';
	*at = '\0';
	return out;
}
