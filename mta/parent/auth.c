/*
 * auth.c - the auth process: whether it is wanted, what it is given, and PAM.
 *
 * The files are opened here and read there.  User and password of a question
 * to PAM lie in a pipe that goes from auth to waybill-pam unread.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/pam/helper.h"
#include "mta/parent/parent.h"
#include "mta/parent/tables.h"

static bool
is_accounts(const struct rs_image *im, uint32_t map)
{
	return span_eq(rs_string(im, rs_map(im, map)->kind),
	    SPAN("accounts"));
}

/* Empty: it says none. */
static struct span
word_of(const struct rs_image *im, uint32_t listener, enum rs_option option)
{
	const struct rs_optval	*v;
	struct rs_place		 place;

	if (!rs_option(im, listener, option, 0, &v))
		return SPAN_NONE;
	place = rs_option_place(im, v, 0);
	return place.is_func || place.index == UINT32_MAX ? SPAN_NONE :
	    rs_const(im, place.index).s;
}

/* By default one for submissions does. */
static bool
offers_auth(const struct rs_image *im, uint32_t listener)
{
	struct span	 word;

	if (rs_object(im, listener)->kind != RS_O_LISTEN)
		return false;
	word = word_of(im, listener, RS_OPT_LISTEN_auth);
	if (word.n > 0)
		return !span_eq(word, SPAN("none"));
	return span_prefix(word_of(im, listener, RS_OPT_LISTEN_kind),
	    SPAN("submission"));
}

bool
auth_wanted(const struct generation *g)
{
	const struct rs_image	*im = generation_image(g);
	uint32_t		 i;
	bool			 accounts = false, offered = false;

	for (i = 0; i < rs_nmap(im); i++)
		accounts = accounts || is_accounts(im, i);
	for (i = 0; i < rs_nobject(im); i++)
		offered = offered || offers_auth(im, i);
	return accounts && offered;
}

bool
auth_asks(const struct generation *g)
{
	const struct rs_image	*im = generation_image(g);
	uint32_t		 i;

	for (i = 0; i < rs_nmap(im); i++)
		if (is_accounts(im, i) && rs_map_is_asked(im, i))
			return true;
	return rs_setting_text(im, RS_OPT_AUTH_tokens).n > 0;
}

void
auth_send_config(const struct generation *g, struct chan *c)
{
	tables_send_accounts(g, c);
	generation_send_secrets(g, c, true);
}

/* --- PAM */

/* Another process in that slot has tickets of its own. */
struct wanted {
	struct slot	*slot;
	pid_t		 pid;
	uint64_t	 ticket;
};

static void
pam_says(void *arg, enum auth_result is)
{
	struct wanted	*w = arg;
	struct slot	*s = w->slot;

	if (s->chan != NULL && s->pid == w->pid) {
		chan_begin(s->chan, MSG_PAM_DONE);
		chan_u64(s->chan, w->ticket);
		chan_u8(s->chan, (uint8_t)is);
		chan_end(s->chan);
	}
	free(w);
}

bool
auth_pam_wanted(struct slot *s, struct msg *m)
{
	const struct helper_how	 how = {
		s->parent->libexec, HELPER_TIMEOUT_MS
	};
	uint64_t		 ticket = msg_u64(m);
	int			 fd = msg_fd(m);
	struct wanted		*w;

	if (!msg_end(m) || s->proc != PROC_AUTH) {
		if (fd != -1)
			close(fd);
		return false;
	}
	w = xcalloc(1, sizeof(*w));
	w->slot = s;
	w->pid = s->pid;
	w->ticket = ticket;
	helper_start(&how, fd, pam_says, w);
	return true;
}
