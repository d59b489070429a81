/*
 * thread.c - a thread that works for one connection.
 */
#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/thread.h"

struct asked_thread {
	pthread_mutex_t	 lock;
	pthread_cond_t	 wanted;
	void		(*work)(void *);	/* under lock; NULL: nothing to do */
	bool		 left;			/* under lock */
	int		 wake;			/* eventfd; closed when it is left */
	void		(*end)(void *);
	void		*arg;
	/* the loop's */
	struct watch	 watch;
	void		(*done)(void *);
	void		*owner;
};

static void
wake_loop(struct asked_thread *t)
{
	uint64_t	one = 1;

	while (write(t->wake, &one, sizeof(one)) == -1 && errno == EINTR)
		continue;
}

static void
end_thread(struct asked_thread *t)
{
	t->end(t->arg);
	pthread_cond_destroy(&t->wanted);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void *
run(void *arg)
{
	struct asked_thread	*t = arg;
	void			(*work)(void *);

	pthread_mutex_lock(&t->lock);
	while (!t->left) {
		if ((work = t->work) == NULL) {
			pthread_cond_wait(&t->wanted, &t->lock);
			continue;
		}
		pthread_mutex_unlock(&t->lock);
		work(t->arg);
		pthread_mutex_lock(&t->lock);
		t->work = NULL;
		if (!t->left)
			wake_loop(t);
	}
	pthread_mutex_unlock(&t->lock);
	end_thread(t);
	return NULL;
}

static void
on_wake(void *arg, int what)
{
	struct asked_thread	*t = arg;
	uint64_t		 n;

	(void)what;
	if (read(t->wake, &n, sizeof(n)) == -1) {
		if (errno != EAGAIN)
			fatal("eventfd");
		return;
	}
	t->done(t->owner);	/* may leave it */
}

/* Signals are for the loop's thread. */
static int
start(struct asked_thread *t)
{
	pthread_attr_t	 attr;
	pthread_t	 id;
	sigset_t	 all, before;
	int		 error;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&id, &attr, run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return error;
}

struct asked_thread *
asked_thread_new(void (*end)(void *), void *arg)
{
	struct asked_thread	*t = xcalloc(1, sizeof(*t));

	t->end = end;
	t->arg = arg;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wanted, NULL);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake != -1 && start(t) == 0) {
		watch_set(&t->watch, t->wake, LOOP_READ, on_wake, t);
		return t;
	}
	if (t->wake != -1)
		close(t->wake);
	pthread_cond_destroy(&t->wanted);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}

void
asked_thread_run(struct asked_thread *t, void (*work)(void *),
    void (*done)(void *), void *owner)
{
	t->done = done;
	t->owner = owner;
	pthread_mutex_lock(&t->lock);
	t->work = work;
	pthread_mutex_unlock(&t->lock);
	pthread_cond_signal(&t->wanted);
}

void
asked_thread_leave(struct asked_thread **tp)
{
	struct asked_thread	*t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	watch_clear(&t->watch);
	pthread_mutex_lock(&t->lock);
	close(t->wake);
	t->left = true;
	pthread_cond_signal(&t->wanted);
	pthread_mutex_unlock(&t->lock);
}
