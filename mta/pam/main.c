/*
 * main.c - waybill-pam: one password of one user of the system, asked of PAM.
 *
 * Root, executed anew for each check by who is root.  Reads "user NUL
 * password NUL" from its standard input, asks the PAM service `waybill`, and
 * answers by its exit status: 0 right, 1 wrong, 2 cannot be told.  It has no
 * other descriptor but standard error, and gives up after 20 seconds.  root
 * himself is not asked for: whoever guesses that password has more than mail.
 */
#include "config.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define SERVICE		"waybill"
#define GIVE_UP_S	20
#define INPUT_MAX	2050	/* octets: 1024 and NUL, twice */

enum { RIGHT, WRONG, CANNOT };

/* All of the standard input; its size, or 0. */
static size_t
read_all(char *p, size_t max)
{
	size_t	 n = 0;
	ssize_t	 got;

	while (n < max) {
		got = read(STDIN_FILENO, p + n, max - n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return 0;
		if (got == 0)
			return n;
		n += (size_t)got;
	}
	return 0;		/* more than there may be */
}

/* PAM frees the answers, so each is a copy. */
static int
converse(int n, const struct pam_message **asked, struct pam_response **out,
    void *password)
{
	struct pam_response	*r;
	int			 i;

	if (n < 1 || n > PAM_MAX_NUM_MSG ||
	    (r = calloc((size_t)n, sizeof(*r))) == NULL)
		return PAM_CONV_ERR;
	for (i = 0; i < n; i++) {
		if (asked[i]->msg_style != PAM_PROMPT_ECHO_OFF)
			continue;
		if ((r[i].resp = strdup(password)) == NULL)
			_exit(CANNOT);
	}
	*out = r;
	return PAM_SUCCESS;
}

static int
status_of(int rc)
{
	switch (rc) {
	case PAM_SUCCESS:
		return RIGHT;
	case PAM_AUTH_ERR:
	case PAM_CRED_INSUFFICIENT:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_PERM_DENIED:
		return WRONG;
	default:
		return CANNOT;
	}
}

static int
ask_pam(const char *user, char *password)
{
	const struct pam_conv	 conv = { converse, password };
	pam_handle_t		*h = NULL;
	int			 rc, status;

	if ((rc = pam_start(SERVICE, user, &conv, &h)) != PAM_SUCCESS)
		return CANNOT;
	rc = pam_authenticate(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (rc == PAM_SUCCESS)
		rc = pam_acct_mgmt(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if ((status = status_of(rc)) == CANNOT)
		log_warnx("service=" SERVICE " why=%s",
		    log_quote(span_of(pam_strerror(h, rc))));
	(void)pam_end(h, rc);
	return status;
}

static int
check(const char *user, char *password)
{
	const struct passwd	*pw = getpwnam(user);

	if (pw != NULL && pw->pw_uid == 0)
		return WRONG;
	return ask_pam(user, password);
}

/* What root's process must not leave behind, and how long it may take. */
static void
prepare(void)
{
	const struct rlimit	 none = { 0, 0 };

	log_open("pam", STDERR_FILENO, LOG_L_INFO);
	if (setrlimit(RLIMIT_CORE, &none) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) == -1)
		_exit(CANNOT);
	(void)umask(077);
	(void)alarm(GIVE_UP_S);
}

int
main(void)
{
	char	 input[INPUT_MAX + 1], *password, *end;
	size_t	 n;
	int	 status = CANNOT;

	prepare();
	n = read_all(input, sizeof(input));
	password = n > 0 ? memchr(input, '\0', n) : NULL;
	end = password == NULL ? NULL :
	    memchr(password + 1, '\0', n - (size_t)(password + 1 - input));
	if (end != NULL && end == input + n - 1 && password > input &&
	    end > password + 1)
		status = check(input, password + 1);
	explicit_bzero(input, sizeof(input));
	return status;
}
