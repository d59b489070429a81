/*
 * password.c - a password from the terminal, or from the standard input.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "mta/auth/secret.h"
#include "mta/cmd/user.h"

#define LINE_MAX_	(SECRET_PASSWORD_MAX + 2)

static volatile sig_atomic_t	 caught;

static void
on_signal(int sig)
{
	caught = sig;
}

/*
 * A line without its end, read octet by octet so that nothing of the next is
 * taken; -1: too long, or the input has ended before one, or a signal came.
 */
static int
read_line(char line[LINE_MAX_], size_t *n)
{
	ssize_t	 got;
	char	 c;

	for (*n = 0; *n < LINE_MAX_;) {
		got = read(STDIN_FILENO, &c, 1);
		if (got == -1 && errno == EINTR && caught == 0)
			continue;
		if (got == -1 || (got == 0 && *n == 0))
			return -1;
		if (got == 0 || c == '\n')
			return 0;
		line[(*n)++] = c;
	}
	errno = EFBIG;
	return -1;
}

/* --- a terminal */

static const int	 signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define NSIGNALS	(sizeof(signals) / sizeof(signals[0]))

/* Asked for without echo; what a signal interrupts gets its echo back. */
static int
ask(const char *prompt, const char *user, char line[LINE_MAX_], size_t *n)
{
	struct sigaction	 sa = { .sa_handler = on_signal };
	struct sigaction	 old[NSIGNALS];
	struct termios		 was, quiet;
	size_t			 i;
	int			 rc;

	if (tcgetattr(STDIN_FILENO, &was) == -1)
		return -1;
	caught = 0;
	for (i = 0; i < NSIGNALS; i++)
		(void)sigaction(signals[i], &sa, &old[i]);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	fprintf(stderr, "%s%s: ", prompt, user);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	rc = read_line(line, n);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fprintf(stderr, "\n");
	for (i = 0; i < NSIGNALS; i++)
		(void)sigaction(signals[i], &old[i], NULL);
	if (caught != 0)
		(void)raise(caught);
	return rc;
}

static int
said(const char *why)
{
	fprintf(stderr, "waybill user: %s\n", why);
	return -1;
}

static int
ask_twice(const char *user, char line[LINE_MAX_], size_t *n)
{
	char	 second[LINE_MAX_];
	size_t	 m = 0;
	int	 rc = 0;

	if (ask("New password of ", user, line, n) == -1 ||
	    ask("The same again, of ", user, second, &m) == -1)
		rc = said("no password");
	else if (m != *n || memcmp(line, second, m) != 0)
		rc = said("the two are not the same");
	explicit_bzero(second, sizeof(second));
	return rc;
}

int
user_password(const char *user, bool again, struct buf *out)
{
	char		 line[LINE_MAX_];
	const char	*why;
	size_t		 n = 0;
	int		 rc;

	if (isatty(STDIN_FILENO) != 1)
		rc = read_line(line, &n) == -1 ? said("no password of at most "
		    "512 octets on the standard input") : 0;
	else if (again)
		rc = ask_twice(user, line, &n);
	else
		rc = ask("Password of ", user, line, &n) == -1 ?
		    said("no password") : 0;
	if (rc == 0 && (why = secret_password_fault(span_mem(line, n))) !=
	    NULL) {
		fprintf(stderr, "waybill user: %s\n", why);
		rc = -1;
	}
	if (rc == 0)
		buf_add(out, line, n);
	explicit_bzero(line, sizeof(line));
	return rc;
}
