/*
 * standing_clock.c - the clock of a test that must not depend on the machine:
 * it stands while the test works, and goes on only where its loop would wait,
 * at once and by just as much.
 *
 * These two take the places of the C library's for our code and for libevent.
 * For a test without threads whose peers are all in its own process: nobody
 * else's work takes any time.
 */
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <assert.h>
#include <time.h>
#include <unistd.h>

static struct timespec	now = { .tv_sec = 1000000 };

static void
pass_ms(int ms)
{
	now.tv_sec += ms / 1000;
	now.tv_nsec += ms % 1000 * 1000000l;
	if (now.tv_nsec >= 1000000000l) {
		now.tv_nsec -= 1000000000l;
		now.tv_sec++;
	}
}

int
clock_gettime(clockid_t which, struct timespec *ts)
{
	(void)which;
	*ts = now;
	return 0;
}

int
epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
	long	n = syscall(SYS_epoll_pwait, fd, events, max, 0, NULL, 0);

	if (n == 0) {
		assert(timeout_ms >= 0);	/* for ever */
		pass_ms(timeout_ms);
	}
	return (int)n;
}
