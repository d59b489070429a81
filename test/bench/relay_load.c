/*
 * relay_load.c - messages to many domains.
 *
 *   relay_load PORT SESSIONS MESSAGES OCTETS DOMAINS
 *
 * SESSIONS at a time to 127.0.0.1:PORT, one message each, until MESSAGES have
 * been acknowledged; message i goes to u@dN.bench.example, N = i mod DOMAINS
 * + 1.  Prints the seconds that it took.  A message that is not taken ends
 * it with status 1.
 */
#include "config.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINE	72
#define HEADER	128

static struct {
	unsigned	 port, messages, domains;
	size_t		 octets;
	char		*content;
	atomic_uint	 next;
} job;

static void
give_up(const char *what)
{
	fprintf(stderr, "relay_load: %s\n", what);
	exit(1);
}

static void
say(int fd, const char *p, size_t n)
{
	ssize_t	done;

	for (; n > 0; p += done, n -= (size_t)done)
		if ((done = send(fd, p, n, MSG_NOSIGNAL)) <= 0)
			give_up("the connection is lost");
}

/* A reply, whose last line has a blank behind the code. */
static void
hear(int fd, const char *code)
{
	char	 in[2048], *last;
	size_t	 n = 0;
	ssize_t	 got;

	do {
		got = recv(fd, in + n, sizeof(in) - 1 - n, 0);
		if (got <= 0)
			give_up("the server has closed");
		n += (size_t)got;
		in[n] = '\0';
		last = n < 3 ? in : in + n - 2;
		while (last > in && last[-1] != '\n')
			last--;
	} while (in[n - 1] != '\n' || (strlen(last) > 3 && last[3] == '-'));
	if (strncmp(last, code, 3) != 0)
		give_up(in);
}

static void
tell(int fd, const char *line, const char *code)
{
	say(fd, line, strlen(line));
	hear(fd, code);
}

static void
send_one(unsigned i)
{
	struct sockaddr_in	 sa = { .sin_family = AF_INET };
	char			 rcpt[64];
	int			 fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_port = htons((uint16_t)job.port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		give_up("cannot connect");
	hear(fd, "220");
	tell(fd, "EHLO load.bench.example\r\n", "250");
	tell(fd, "MAIL FROM:<a@bench.example>\r\n", "250");
	snprintf(rcpt, sizeof(rcpt), "RCPT TO:<u@d%u.bench.example>\r\n",
	    i % job.domains + 1);
	tell(fd, rcpt, "250");
	tell(fd, "DATA\r\n", "354");
	say(fd, job.content, job.octets);
	hear(fd, "250");
	tell(fd, "QUIT\r\n", "221");
	close(fd);
}

static void *
session(void *arg)
{
	unsigned	i;

	(void)arg;
	while ((i = atomic_fetch_add(&job.next, 1)) < job.messages)
		send_one(i);
	return NULL;
}

static void
write_content(size_t octets)
{
	size_t	n;

	if ((job.content = malloc(octets + HEADER)) == NULL)
		give_up("no memory");
	n = (size_t)sprintf(job.content, "From: <a@bench.example>\r\n"
	    "Subject: load\r\n\r\n");
	while (n + LINE + 2 < octets) {
		memset(job.content + n, 'x', LINE);
		memcpy(job.content + n + LINE, "\r\n", 2);
		n += LINE + 2;
	}
	memcpy(job.content + n, ".\r\n", 3);
	job.octets = n + 3;
}

static double
now_s(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	pthread_t	threads[1000];
	unsigned	i, sessions;
	double		began;

	if (argc != 6) {
		fprintf(stderr, "usage: relay_load PORT SESSIONS MESSAGES "
		    "OCTETS DOMAINS\n");
		return 2;
	}
	job.port = (unsigned)atoi(argv[1]);
	sessions = (unsigned)atoi(argv[2]);
	job.messages = (unsigned)atoi(argv[3]);
	job.domains = (unsigned)atoi(argv[5]);
	write_content((size_t)atoi(argv[4]));
	if (sessions < 1 || sessions > 1000 || job.domains < 1)
		give_up("a number makes no sense");
	began = now_s();
	for (i = 0; i < sessions; i++)
		if (pthread_create(&threads[i], NULL, session, NULL) != 0)
			give_up("no thread");
	for (i = 0; i < sessions; i++)
		pthread_join(threads[i], NULL);
	printf("%.3f\n", now_s() - began);
	return 0;
}
