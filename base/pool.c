/*
 * pool.c - a few threads for what blocks.
 *
 * What is done gathers in a list; the first of a list wakes the loop by an
 * eventfd, so that a batch costs one wake-up.
 */
#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/pool.h"
#include "base/xalloc.h"

struct job {
	struct job	*next;
	void		(*work)(void *);
	void		(*done)(void *);
	void		*arg;
};

struct jobs {
	struct job	*first, **end;
};

struct pool {
	pthread_mutex_t	 lock;
	pthread_cond_t	 wanted;
	struct jobs	 todo, done;	/* under lock */
	bool		 ends;		/* under lock */
	pthread_t	*threads;
	unsigned	 nthreads;
	int		 wake;		/* eventfd */
	struct watch	 watch;
};

static void
append(struct jobs *js, struct job *j)
{
	j->next = NULL;
	*js->end = j;
	js->end = &j->next;
}

static struct job *
take_all(struct jobs *js)
{
	struct job	*first = js->first;

	js->first = NULL;
	js->end = &js->first;
	return first;
}

static struct job *
take_one(struct jobs *js)
{
	struct job	*j = js->first;

	if (j == NULL)
		return NULL;
	if ((js->first = j->next) == NULL)
		js->end = &js->first;
	return j;
}

static void
drop_all(struct jobs *js)
{
	struct job	*j, *next;

	for (j = take_all(js); j != NULL; j = next) {
		next = j->next;
		free(j);
	}
}

static void
wake_loop(struct pool *p)
{
	uint64_t	one = 1;

	while (write(p->wake, &one, sizeof(one)) == -1 && errno == EINTR)
		continue;
}

static void *
thread(void *arg)
{
	struct pool	*p = arg;
	struct job	*j;
	bool		 first;

	pthread_mutex_lock(&p->lock);
	while (!p->ends) {
		if ((j = take_one(&p->todo)) == NULL) {
			pthread_cond_wait(&p->wanted, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		j->work(j->arg);
		pthread_mutex_lock(&p->lock);
		first = p->done.first == NULL;
		append(&p->done, j);
		if (first) {
			pthread_mutex_unlock(&p->lock);
			wake_loop(p);
			pthread_mutex_lock(&p->lock);
		}
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void
on_wake(void *arg, int what)
{
	struct pool	*p = arg;
	struct job	*j, *next;
	uint64_t	 n;

	(void)what;
	if (read(p->wake, &n, sizeof(n)) == -1 && errno != EAGAIN)
		fatal("eventfd");
	pthread_mutex_lock(&p->lock);
	j = take_all(&p->done);
	pthread_mutex_unlock(&p->lock);
	for (; j != NULL; j = next) {
		next = j->next;
		j->done(j->arg);
		free(j);
	}
}

/* Signals are for the loop's thread. */
static void
start_threads(struct pool *p, unsigned n)
{
	sigset_t	all, before;
	int		error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; p->nthreads < n; p->nthreads++) {
		error = pthread_create(&p->threads[p->nthreads], NULL, thread,
		    p);
		if (error != 0) {
			errno = error;
			fatal("pthread_create");
		}
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct pool *
pool_new(unsigned threads)
{
	struct pool	*p = xcalloc(1, sizeof(*p));

	if ((p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		fatal("eventfd");
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wanted, NULL);
	p->todo.end = &p->todo.first;
	p->done.end = &p->done.first;
	p->threads = xcalloc(threads, sizeof(*p->threads));
	watch_set(&p->watch, p->wake, LOOP_READ, on_wake, p);
	start_threads(p, threads);
	return p;
}

void
pool_run(struct pool *p, void (*work)(void *), void (*done)(void *), void *arg)
{
	struct job	*j = xmalloc(sizeof(*j));

	*j = (struct job){ .work = work, .done = done, .arg = arg };
	pthread_mutex_lock(&p->lock);
	append(&p->todo, j);
	pthread_mutex_unlock(&p->lock);
	/* Behind the lock: a thread that wakes finds it free. */
	pthread_cond_signal(&p->wanted);
}

void
pool_free(struct pool **pp)
{
	struct pool	*p = *pp;
	unsigned	 i;

	*pp = NULL;
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->ends = true;
	pthread_cond_broadcast(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	drop_all(&p->todo);
	drop_all(&p->done);
	watch_clear(&p->watch);
	close(p->wake);
	pthread_cond_destroy(&p->wanted);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p);
}
