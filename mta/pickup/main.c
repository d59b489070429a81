/*
 * main.c - waybill-pickup: takes mail from programs of this machine.
 *
 * Runs as waybill-pickup.  Has: the socket of programs, the drop folder, the
 * names of users (so it is in no chroot: the system finds them in files or at
 * servers), channels to smtp.  It serves no session itself, and has no policy
 * but a few settings.  An intruder could read what waits in the drop folder,
 * and hand in mail as any user of this machine; he finds no spool, no keys, no
 * mailboxes.
 *
 *	waybill-pickup --spool DIR
 */
#include "config.h"

#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "mta/child/child.h"
#include "mta/pickup/pickup.h"
#include "ruleset/image.h"

#define USER		"waybill-pickup"
#define NAMERS		2
#define TALKERS		4	/* files of the drop folder at once */
#define DESCRIPTORS	4096

static int64_t
option(const struct rs_image *im, uint32_t object, enum rs_option o,
    int64_t otherwise)
{
	struct rs_value	v = rs_option_value(im, object, o, 0);

	return v.type == RS_T_INT || v.type == RS_T_SIZE ? v.i : otherwise;
}

static void
read_settings(struct drop_settings *s, const struct rs_image *im)
{
	uint32_t	i;
	int64_t		most = rs_setting_int(im, RS_OPT_LIMITS_message);

	drop_settings_parse(SPAN_NONE, s);
	if (most > 0 && most < (int64_t)DROP_MESSAGE_MAX)
		s->message_max = (uint64_t)most;
	for (i = 0; i < rs_nobject(im); i++) {
		if (rs_object(im, i)->kind != RS_O_LISTEN ||
		    !span_eq(rs_option_text(im, i, RS_OPT_LISTEN_kind),
		    SPAN("programs")))
			continue;
		s->none = span_eq(rs_string(im, rs_object(im, i)->name),
		    SPAN("none"));
		s->files_max = (uint64_t)option(im, i,
		    RS_OPT_LISTEN_drop_files, (int64_t)s->files_max);
		s->octets_max = (uint64_t)option(im, i,
		    RS_OPT_LISTEN_drop_octets, (int64_t)s->octets_max);
	}
}

/* A socket that was closed is had again by who comes after us. */
static void
open_or_close(struct pickup *p)
{
	if (p->settings.none) {
		p->was_none = true;
		door_close(p);
	} else if (!p->stopping && !door_open(p) && p->was_none)
		child_done();
}

static bool
on_config(struct child_config *c, void *arg)
{
	struct pickup	*p = arg;
	struct rs_image	*im;
	const char	*why;

	if ((im = rs_image_open_settings(c->image_fd, &why)) == NULL) {
		log_warnx("image refused why=%s", log_quote(span_of(why)));
		return false;
	}
	read_settings(&p->settings, im);
	rs_image_free(&im);
	p->configured = true;
	folders_tell(p);
	scan_soon(p->scan);
	open_or_close(p);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
	return false;	/* smtp has nothing to say */
}

static void
on_closed(struct chan *c, void *arg)
{
	struct chan	**place = arg;

	if (*place == c)
		*place = NULL;
}

static void
on_peer(enum proc peer, uint32_t instance, int fd, void *arg)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	struct pickup			*p = arg;

	if (peer != PROC_SMTP || instance >= PICKUP_WORKERS_MAX)
		fatalx("a channel to %s, with whom there is nothing to say",
		    proc_name(peer));
	if (p->smtp[instance] != NULL)
		chan_free(&p->smtp[instance]);
	p->smtp[instance] = chan_new(fd, "smtp", &ops, &p->smtp[instance]);
	scan_soon(p->scan);
}

void
pickup_left(struct pickup *p)
{
	if (p->stopping && p->naming == 0 && scan_running(p->scan) == 0)
		child_done();
}

static void
on_stop(uint32_t drain_ms, void *arg)
{
	struct pickup	*p = arg;

	(void)drain_ms;
	p->stopping = true;
	door_close(p);
	pickup_left(p);
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct pickup	*p = arg;

	buf_addf(out, "\"connections\":%llu,\"turned_away\":%llu,"
	    "\"picked_up\":%llu,\"put_off\":%llu,\"refused\":%llu,"
	    "\"hostile\":%llu,\"waiting\":%zu",
	    (unsigned long long)p->count.connections,
	    (unsigned long long)p->count.turned_away,
	    (unsigned long long)p->count.picked_up,
	    (unsigned long long)p->count.put_off,
	    (unsigned long long)p->count.refused,
	    (unsigned long long)p->count.hostile, scan_waiting(p->scan));
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.config = on_config, .peer = on_peer, .stop = on_stop,
		.stats = on_stats
	};
	static struct pickup		p = { .listen_fd = -1 };

	child_open(PROC_PICKUP, argc, argv, &ops, &p);
	if (child_option("spool") == NULL)
		fatalx("--spool DIR is missing");
	folders_open(&p, child_option("spool"), USER);
	confine_drop(USER, NULL);
	if (fchdir(p.public_fd) == -1)
		fatal("spool folder " DROP_PUBLIC);
	folders_lock(&p);
	door_make(&p);
	(void)confine_descriptors(DESCRIPTORS);
	confine_sandbox(CONFINE_OPEN | CONFINE_NET | CONFINE_UNIX);
	p.namers = pool_new(NAMERS);
	p.talkers = pool_new(TALKERS);
	p.scan = scan_new(&p);
	child_run();
	return 0;
}
