/*
 * main.c - the keys process: it alone has the private keys of TLS.
 *
 * User waybill-keys, empty chroot, no root, no files, no sockets.  Has: keys,
 * which the parent sends as sealed memory files, and channels to smtp and relay,
 * each of which has signatures of its own certificates' keys alone.  An
 * intruder would have the keys and could be the server for anybody; but
 * strangers' octets do not come here, only digests of a fixed length.  Keys
 * lie in OpenSSL's secure heap, which is locked, not dumped and wiped.
 */
#include "config.h"

#include <sys/prctl.h>

#include <unistd.h>

#include <openssl/crypto.h>

#include "base/confine.h"
#include "base/log.h"
#include "mta/child/child.h"
#include "mta/keys/service.h"

#define USER		"waybill-keys"
#define SECURE_OCTETS	(2u << 20)	/* an RSA-2048 key takes 2 KiB */
#define SECURE_LEAST	32
#define THREADS_MAX	4

static bool
on_config(struct child_config *config, void *arg)
{
	(void)config;	/* keys and lifetimes come by messages of their own */
	(void)arg;
	return true;
}

static void
on_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	(void)instance;
	keys_service_peer(arg, fd, proc == PROC_RELAY ? KEYS_OF_RELAY :
	    KEYS_OF_SMTP);
}

static bool
on_message(struct msg *m, void *arg)
{
	return keys_service_message(arg, child_parent(), m);
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct keys_service	*s = arg;

	buf_addf(out, "\"keys\":%zu,\"waiting\":%zu,\"ecdsa\":%llu,"
	    "\"rsa\":%llu,\"failed\":%llu,\"unknown\":%llu,\"busy\":%llu,"
	    "\"ticket_keys\":%zu", s->by_id.n, s->waiting,
	    (unsigned long long)s->ecdsa, (unsigned long long)s->rsa,
	    (unsigned long long)s->failed, (unsigned long long)s->unknown,
	    (unsigned long long)s->busy, s->tickets.n);
}

/* Before the first key: where they lie cannot be changed later. */
static void
guard_memory(void)
{
	if (CRYPTO_secure_malloc_init(SECURE_OCTETS, SECURE_LEAST) != 1)
		log_debug("event=keys-unlocked why=\"the system lets this "
		    "process lock no memory (RLIMIT_MEMLOCK): keys may be "
		    "swapped\"");
}

static unsigned
threads(void)
{
	long	n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.config = on_config, .peer = on_peer,
		.stats = on_stats, .message = on_message
	};
	static struct keys_service	service;
	struct pool			*pool;

	child_open(PROC_KEYS, argc, argv, &ops, &service);
	guard_memory();
	confine_drop(USER, child_option("chroot"));
	(void)confine_descriptors(1024);
	confine_sandbox(0);
#ifndef WAYBILL_SANITIZED
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);	/* no ptrace either */
#endif
	pool = pool_new(threads());
	keys_service_init(&service, pool);
	child_run();
	pool_free(&pool);
	keys_service_clear(&service);
	return 0;
}
