/*
 * slot.c - processes are started, told what they need, and started again.
 */
#include "config.h"

#include <sys/wait.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/parent/authorities.h"
#include "mta/parent/certs.h"
#include "mta/parent/parent.h"

#define QUICK_MS	10000	/* who lives longer is started at once */
#define BACKOFF_MS	100	/* after the second quick death; doubles */
#define BACKOFF_MAX_MS	30000
#define ARGS_MAX	16
#define START_TRIES	3	/* deaths by signal before all were ready */

/* Who talks to whom: the channels between processes; of: instance of b. */
#define ANY_INSTANCE	UINT32_MAX

static const struct { enum proc a, b; uint32_t of; } pairs[] = {
	{ PROC_SMTP, PROC_QUEUE, ANY_INSTANCE },
	{ PROC_SMTP, PROC_RESOLVE, ANY_INSTANCE },
	{ PROC_ROUTE, PROC_QUEUE, ANY_INSTANCE },
	{ PROC_ROUTE, PROC_RESOLVE, ANY_INSTANCE },
	{ PROC_RELAY, PROC_QUEUE, ANY_INSTANCE },
	{ PROC_RELAY, PROC_RESOLVE, ANY_INSTANCE },
	{ PROC_RESOLVE, PROC_QUEUE, ANY_INSTANCE },
	{ PROC_SMTP, PROC_RELAY, ANY_INSTANCE },
	{ PROC_SPAWNER, PROC_QUEUE, ANY_INSTANCE },
	{ PROC_SMTP, PROC_LIMITS, ANY_INSTANCE },
	{ PROC_ROUTE, PROC_LIMITS, ANY_INSTANCE },
	{ PROC_SMTP, PROC_LOOKUP, ANY_INSTANCE },
	{ PROC_ROUTE, PROC_LOOKUP, ANY_INSTANCE },
	{ PROC_LOOKUP, PROC_RESOLVE, ANY_INSTANCE },
	{ PROC_SMTP, PROC_KEYS, ANY_INSTANCE },
	{ PROC_RELAY, PROC_KEYS, ANY_INSTANCE },
	{ PROC_PICKUP, PROC_SMTP, ANY_INSTANCE },
	{ PROC_SMTP, PROC_AUTH, ANY_INSTANCE },
	{ PROC_AUTH, PROC_RESOLVE, ANY_INSTANCE },
	{ PROC_FETCH, PROC_RESOLVE, ANY_INSTANCE },
	{ PROC_RELAY, PROC_FETCH, FETCH_STRANGERS },
	{ PROC_QUEUE, PROC_FETCH, FETCH_STRANGERS },
	{ PROC_RELAY, PROC_CREDENTIALS, ANY_INSTANCE },
	{ PROC_CREDENTIALS, PROC_FETCH, FETCH_TOKENS },
	{ PROC_CREDENTIALS, PROC_LOOKUP, ANY_INSTANCE },
	{ PROC_CREDENTIALS, PROC_SPAWNER, ANY_INSTANCE },
};

static bool on_message(struct chan *, struct msg *, void *);
static void on_closed(struct chan *, void *);
static void start(struct slot *);

static const struct chan_ops	slot_ops = { on_message, on_closed };

static void
add(struct parent *p, enum proc proc, uint32_t instance, bool numbered)
{
	struct slot	*s = &p->slots[p->nslots++];

	assert(p->nslots <= SLOTS_MAX);
	*s = (struct slot){
		.parent = p, .proc = proc, .instance = instance
	};
	(void)snprintf(s->name, sizeof(s->name), numbered ? "%s[%u]" : "%s",
	    proc_name(proc), instance);
}

/* Those whom others ask come first. */
void
slots_init(struct parent *p, unsigned workers)
{
	unsigned	i;

	add(p, PROC_KEYS, 0, false);
	add(p, PROC_RESOLVE, 0, false);
	add(p, PROC_LIMITS, 0, false);
	add(p, PROC_LOOKUP, 0, false);
	add(p, PROC_AUTH, 0, false);
	add(p, PROC_FETCH, FETCH_STRANGERS, true);
	add(p, PROC_FETCH, FETCH_TOKENS, true);
	add(p, PROC_CREDENTIALS, 0, false);
	add(p, PROC_QUEUE, 0, false);
	add(p, PROC_ROUTE, 0, false);
	add(p, PROC_RELAY, 0, false);
	add(p, PROC_SPAWNER, 0, false);
	add(p, PROC_PICKUP, 0, false);
	for (i = 0; i < workers; i++)
		add(p, PROC_SMTP, i, true);
}

static struct slot *
slot_find(struct parent *p, enum proc proc, uint32_t instance)
{
	size_t	i;

	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].proc == proc &&
		    p->slots[i].instance == instance)
			return &p->slots[i];
	return NULL;
}

bool
slot_wanted(const struct slot *s)
{
	const struct generation	*g = s->parent->generation;

	if (s->pid != 0)
		return true;
	switch (s->proc) {
	case PROC_KEYS:
		return s->parent->keys_wanted;
	case PROC_LOOKUP:
		return generation_asks_servers(g);
	case PROC_AUTH:
		return auth_wanted(g);
	case PROC_FETCH:
		return fetch_wanted(g, s->instance);
	case PROC_CREDENTIALS:
		return credentials_wanted(g);
	default:
		return true;
	}
}

struct chan *
queue_chan(struct parent *p)
{
	return slot_find(p, PROC_QUEUE, 0)->chan;
}

struct chan *
keys_chan(struct parent *p)
{
	return slot_find(p, PROC_KEYS, 0)->chan;
}

/* --- a new process */

struct args {
	char	*v[ARGS_MAX];
	size_t	 n;
};

static void
add_arg(struct args *a, const char *name, const char *value)
{
	if (value == NULL)
		return;
	assert(a->n + 2 < ARGS_MAX);
	a->v[a->n++] = xstrdup(name);
	a->v[a->n++] = xstrdup(value);
}

/*
 * The spawner and who comes out of it work in the owners' folders; pickup asks
 * the system for names of users.
 */
static void
make_args(const struct slot *s, struct args *a)
{
	const struct parent	*p = s->parent;
	char			 number[16];

	(void)snprintf(number, sizeof(number), "%u", s->instance);
	add_arg(a, "--instance", number);
	add_arg(a, "--log-level", p->log_level);
	if (s->proc != PROC_SPAWNER && s->proc != PROC_PICKUP)
		add_arg(a, "--chroot", p->chroot);
	if (s->proc == PROC_SPAWNER)
		add_arg(a, "--libexec", p->libexec);
	if (s->proc == PROC_AUTH)
		add_arg(a, "--servers", auth_asks(p->generation) ? "yes" :
		    NULL);
	if (s->proc == PROC_RELAY)
		add_arg(a, "--sockets", rs_image_uses_sockets(
		    generation_image(p->generation)) ? "yes" : NULL);
	if (s->proc == PROC_QUEUE || s->proc == PROC_LIMITS ||
	    s->proc == PROC_CREDENTIALS ||
	    s->proc == PROC_AUTH || s->proc == PROC_PICKUP ||
	    (s->proc == PROC_FETCH && s->instance == FETCH_STRANGERS))
		add_arg(a, "--spool", p->spool);
	if (s->proc == PROC_SMTP) {	/* a limit of all is shared out */
		(void)snprintf(number, sizeof(number), "%u",
		    p->listeners.workers);
		add_arg(a, "--workers", number);
	}
	if (s->proc == PROC_INDEX && s->instance == INDEX_ACCOUNTS)
		add_arg(a, "--accounts", "yes");
	if (p->records && (s->proc == PROC_SMTP || s->proc == PROC_ROUTE))
		add_arg(a, "--records", "all");
}

#ifdef WAYBILL_TEST_HOOKS
/* A process that the test has killed is followed by one that lives. */
static void
spare(const struct slot *s)
{
	if (s->restarts > 0)
		(void)unsetenv("WAYBILL_TEST_KILL");
}
#else
static void
spare(const struct slot *s)
{
	(void)s;
}
#endif

/* In the child: what is open is close-on-exec but for fd 0 to 3. */
static void __attribute__((noreturn))
exec_program(const struct slot *s, int fd)
{
	struct args	 a = { .n = 0 };
	int		 null;

	a.v[a.n++] = xasprintf("%s/waybill-%s", s->parent->libexec,
	    proc_name(s->proc));
	make_args(s, &a);
	spare(s);
	null = open("/dev/null", O_RDWR);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) == -1)
		fatal("%s: descriptors", s->name);
	if (fd == PARENT_FD) {
		if (fcntl(fd, F_SETFD, 0) == -1)
			fatal("%s: descriptors", s->name);
	} else if (dup2(fd, PARENT_FD) == -1)
		fatal("%s: descriptors", s->name);
	/* Also what a shell or a service manager may have left open. */
	(void)close_range(PARENT_FD + 1, ~0U, 0);
	proc_exec(a.v);
}

pid_t
slot_fork(const struct slot *s, int fds[2])
{
	pid_t	pid;

	chan_pair(fds);
	log_flush();
	switch (pid = fork()) {
	case -1:
		fatal("fork");
	case 0:
		exec_program(s, fds[1]);
	}
	close(fds[1]);
	return pid;
}

/* --- what it is told */

static void
send_gateways(struct slot *s)
{
	const struct gateways	*g = &s->parent->gateways;
	size_t			 i;

	chan_begin(s->chan, MSG_GATEWAYS);
	chan_u32(s->chan, (uint32_t)g->n);
	for (i = 0; i < g->n; i++)
		chan_bytes(s->chan, span_mem((const char *)g->v[i].a,
		    g->v[i].family == 4 ? 4 : 16));
	chan_end(s->chan);
}

void
slots_tell_gateways(struct parent *p)
{
	size_t	i;

	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].proc == PROC_SMTP && p->slots[i].chan != NULL)
			send_gateways(&p->slots[i]);
}

/* What was examined already, and is anew: the answers to it come before READY. */
static void
send_keys(struct slot *s, bool is_new)
{
	struct parent	*p = s->parent;

	if (is_new)
		pairs_send(&p->pairs, s->chan);
	chan_begin(s->chan, MSG_KEY_TICKETS);
	chan_u64(s->chan, (uint64_t)certs_ticket_ms(p->generation));
	chan_end(s->chan);
}

static void
send_config(struct slot *s, bool is_new)
{
	struct parent	*p = s->parent;
	uint32_t	 number = generation_number(p->generation);

	generation_send(p->generation, s->chan,
	    s->proc == PROC_SMTP || s->proc == PROC_ROUTE ||
	    s->proc == PROC_CREDENTIALS);
	if (s->proc == PROC_SMTP || s->proc == PROC_ROUTE)
		generation_send_srs(p->generation, s->chan);
	if (s->proc == PROC_LOOKUP)
		generation_send_secrets(p->generation, s->chan, false);
	if (s->proc == PROC_AUTH)
		auth_send_config(p->generation, s->chan);
	if (s->proc == PROC_CREDENTIALS)
		credentials_send(p->generation, s->chan);
	if (s->proc == PROC_KEYS)
		send_keys(s, is_new);
	if (s->proc == PROC_FETCH)
		fetch_send_config(p->generation, s->chan);
	if (s->proc == PROC_RELAY) {
		authorities_send(p->generation, s->chan);
		authorities_send_relays(p->generation, s->chan);
		certs_send(p->generation, s->chan, KEYS_OF_RELAY);
	}
	if (s->proc == PROC_SMTP)
		certs_send(p->generation, s->chan, KEYS_OF_SMTP);
	if (s->proc == PROC_SMTP)
		send_gateways(s);
	if (s->proc == PROC_SMTP)
		listeners_send(&p->listeners, s->chan, number, s->instance);
	chan_begin(s->chan, MSG_CONFIG_DONE);
	chan_u32(s->chan, number);
	chan_end(s->chan);
}

static void
send_peer(struct slot *to, const struct slot *other, int fd)
{
	chan_begin(to->chan, MSG_PEER);
	chan_u8(to->chan, (uint8_t)other->proc);
	chan_u32(to->chan, other->instance);
	chan_fd(to->chan, fd);
	chan_end(to->chan);
}

static bool
is_pair(const struct slot *s, const struct slot *other)
{
	size_t	i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].a == s->proc && pairs[i].b == other->proc)
			return pairs[i].of == ANY_INSTANCE ||
			    pairs[i].of == other->instance;
	return false;
}

static bool
are_peers(const struct slot *s, const struct slot *other)
{
	return is_pair(s, other) || is_pair(other, s);
}

/* Channels to all its peers that are there; the others get theirs later. */
static void
connect_peers(struct slot *s)
{
	struct parent	*p = s->parent;
	struct slot	*other;
	size_t		 i;
	int		 fds[2];

	for (i = 0; i < p->nslots; i++) {
		other = &p->slots[i];
		if (other->chan == NULL || !are_peers(s, other))
			continue;
		chan_pair(fds);
		send_peer(s, other, fds[0]);
		send_peer(other, s, fds[1]);
	}
}

static void
start(struct slot *s)
{
	int	fds[2];

	s->pid = slot_fork(s, fds);
	s->started_ms = clock_boot_ms();
	s->ready = 0;
	s->chan = chan_new(fds[0], s->name, &slot_ops, s);
	send_config(s, true);
	connect_peers(s);
	log_debug("process=%s pid=%ld event=started", s->name, (long)s->pid);
}

static void
start_again(void *arg)
{
	struct slot	*s = arg;

	if (s->parent->stage != STAGE_RUN || !slot_wanted(s))
		return;
	s->restarts++;
	start(s);
}

void
slots_start(struct parent *p)
{
	size_t	i;

	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].proc != PROC_SMTP &&
		    p->slots[i].pid == 0 && slot_wanted(&p->slots[i]))
			start(&p->slots[i]);
}

void
slots_start_keys(struct parent *p)
{
	struct slot	*s = slot_find(p, PROC_KEYS, 0);

	p->keys_wanted = true;
	if (s->pid == 0 && !timer_pending(&s->again))
		start(s);
}

void
slots_start_rest(struct parent *p)
{
	size_t	i;

	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].proc == PROC_SMTP)
			start(&p->slots[i]);
}

void
slots_configure(struct parent *p)
{
	size_t	i;

	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].chan != NULL)
			send_config(&p->slots[i], false);
		else if ((p->slots[i].proc == PROC_LOOKUP ||
		    p->slots[i].proc == PROC_AUTH ||
		    p->slots[i].proc == PROC_FETCH ||
		    p->slots[i].proc == PROC_CREDENTIALS) &&
		    p->slots[i].pid == 0 && slot_wanted(&p->slots[i]) &&
		    !timer_pending(&p->slots[i].again))
			start(&p->slots[i]);	/* the first table of its kind */
}

void
slots_tell_secrets(struct parent *p)
{
	struct slot	*s = slot_find(p, PROC_CREDENTIALS, 0);

	if (s->chan != NULL)
		send_config(s, false);
}

/* --- what it says */

static void
send_ended(struct chan *queue, const struct ended *e)
{
	bool	killed = WIFSIGNALED(e->status);

	chan_begin(queue, MSG_PROCESS_ENDED);
	chan_u8(queue, (uint8_t)e->proc);
	chan_u32(queue, e->instance);
	chan_u8(queue, killed ? (uint8_t)WTERMSIG(e->status) : 0);
	chan_u8(queue, killed ? 0 : (uint8_t)WEXITSTATUS(e->status));
	chan_end(queue);
}

/* The postmaster may be told of them: when there is a queue that runs. */
static void
tell_ended(struct parent *p)
{
	const struct slot	*q = slot_find(p, PROC_QUEUE, 0);
	size_t			 i;

	if (q == NULL || q->chan == NULL || q->ready == 0)
		return;
	for (i = 0; i < p->nended; i++)
		send_ended(q->chan, &p->ended[i]);
	p->nended = 0;
}

static void
note_ended(struct slot *s, int status)
{
	struct parent	*p = s->parent;

	if (!p->up || !slot_wanted(s))
		return;
	if (p->nended < ENDED_MAX)
		p->ended[p->nended++] = (struct ended){ s->proc, s->instance,
		    status };
	tell_ended(p);
}

/* Credentials has them: hops that refuse a login may be tried again. */
static void
tell_secrets(struct parent *p)
{
	struct chan	*queue = queue_chan(p);

	if (queue == NULL)
		return;
	chan_begin(queue, MSG_SECRETS_CHANGED);
	chan_end(queue);
}

static bool
on_ready(struct slot *s, struct msg *m)
{
	uint32_t	generation = msg_u32(m);

	if (!msg_end(m))
		return false;
	s->ready = generation;
	if (s->proc == PROC_CREDENTIALS)
		tell_secrets(s->parent);
	reload_ready(s->parent);
	if (s->proc == PROC_QUEUE)
		tell_ended(s->parent);
	return true;
}

static bool
on_ticket(struct slot *s, struct msg *m,
    void (*asked)(struct parent *, uint64_t))
{
	uint64_t	ticket = msg_u64(m);

	if (!msg_end(m) || s->proc != PROC_QUEUE)
		return false;
	asked(s->parent, ticket);
	return true;
}

static bool
on_certified(struct slot *s, struct msg *m)
{
	if (s->proc != PROC_KEYS || !pairs_certified(&s->parent->pairs, m))
		return false;
	reading_certified(s->parent);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct slot	*s = arg;

	(void)c;
	switch (m->type) {
	case MSG_READY:
		return on_ready(s, m);
	case MSG_STATS:
		return status_stats(s, m);
	case MSG_RELOAD:
		return on_ticket(s, m, reload_ticket);
	case MSG_STATUS:
		return on_ticket(s, m, status_asked);
	case MSG_CERTIFIED:
		return on_certified(s, m);
	case MSG_PAM_WANTED:
		return auth_pam_wanted(s, m);
	}
	return false;
}

static void
forget_questions(struct slot *s)
{
	status_slot_gone(s);
	if (s->proc == PROC_QUEUE) {
		reload_queue_gone(s->parent);
		status_queue_gone(s->parent);
	}
}

/* It has ended, or soon will: nobody runs without the parent's channel. */
static void
on_closed(struct chan *c, void *arg)
{
	struct slot	*s = arg;

	(void)c;
	s->chan = NULL;
	forget_questions(s);
	if (s->parent->stage == STAGE_RUN)
		slot_kill(s);
}

void
slot_kill(struct slot *s)
{
	if (s->pid != 0)
		(void)kill(s->pid, SIGKILL);
}

/* --- its end */

static void
log_end(const struct slot *s, pid_t pid, int status)
{
	int64_t	lived = (clock_boot_ms() - s->started_ms) / 1000;

	if (WIFSIGNALED(status))
		log_warnx("process=%s pid=%ld event=died signal=%d after=%llds",
		    s->name, (long)pid, WTERMSIG(status), (long long)lived);
	else if (s->parent->stage == STAGE_RUN || WEXITSTATUS(status) != 0)
		log_warnx("process=%s pid=%ld event=ended status=%d "
		    "after=%llds", s->name, (long)pid, WEXITSTATUS(status),
		    (long long)lived);
	else
		log_debug("process=%s pid=%ld event=ended", s->name, (long)pid);
}

/* One quick death may be bad luck; the next ones wait longer each time. */
static int64_t
backoff_ms(struct slot *s)
{
	int64_t	ms = BACKOFF_MS;

	if (clock_boot_ms() - s->started_ms >= QUICK_MS) {
		s->quick = 0;
		return 0;
	}
	if (s->quick++ == 0)
		return 0;
	if (s->quick > 10)
		return BACKOFF_MAX_MS;
	ms <<= s->quick - 2;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static struct slot *
slot_of_pid(struct parent *p, pid_t pid)
{
	size_t	i;

	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].pid == pid)
			return &p->slots[i];
	return NULL;
}

bool
slot_ended(struct parent *p, pid_t pid, int status)
{
	struct slot	*s = slot_of_pid(p, pid);

	if (s == NULL)
		return false;
	s->pid = 0;
	log_end(s, pid, status);
	forget_questions(s);
	chan_free(&s->chan);
	if (p->stage != STAGE_RUN)
		stop_slot_gone(p);
	else if (!p->up && (WIFEXITED(status) || s->quick > START_TRIES))
		stop_failed(p);		/* it has said why */
	else {
		s->ready = 0;
		note_ended(s, status);
		timer_set(&s->again, backoff_ms(s), start_again, s);
	}
	return true;
}
